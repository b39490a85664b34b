"""What a log and a program see of a command: whole tables, JSON, and lines of progress."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from made_up_corpora import write_season
from made_up_runs import begin, entries, night, run_night, without_progress
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from beam_pipeline.output.manifest import MANIFESTS, read_manifests
from beam_pipeline.storage import TEMPORARY
from emonet.__main__ import main
from emonet.cli import off_terminal
from emonet.cli.off_terminal import ProgressLines
from model.checkpoint import Checkpoint

Caught = pytest.CaptureFixture[str]


class Log(io.StringIO):
    """A log that notices when it is written to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        self.written.set()
        return written


def lines_into(log: io.StringIO) -> ProgressLines:
    columns = (TextColumn("doing"), BarColumn(), MofNCompleteColumn())
    return ProgressLines(*columns, console=Console(file=log))


def test_a_log_has_a_line_for_each_tenth_that_is_done_and_begins_again_with_a_new_part() -> None:
    log = io.StringIO()
    with lines_into(log) as progress:
        task = progress.add_task("", total=None)
        for part in (40, 8):
            for done in range(part + 1):
                progress.update(task, completed=done, total=part)
    shares = [int(share) for share in re.findall(r"progress: (\d+) %, doing", log.getvalue())]
    assert shares == [*range(10, 101, 10), 12, 25, 38, 50, 62, 75, 88, 100]
    assert log.getvalue().splitlines()[0] == "progress: 10 %, doing  4/40"


def test_a_log_has_a_line_now_and_then_while_nothing_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(off_terminal, "PERIOD_S", 0.001)
    log = Log()
    with lines_into(log) as progress:
        progress.add_task("", total=None)
        assert log.written.wait(60)
    assert log.getvalue().startswith("progress: 0 %, doing 0/?\n")


class FullLog(io.StringIO):
    """A log on a disc without room."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_log_that_is_full_stops_nothing() -> None:
    with lines_into(FullLog()) as progress:
        task = progress.add_task("", total=10)
        progress.update(task, completed=10)
    assert progress.finished


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Two nights, a run that was superseded, one that died, and something half written."""
    for name in "112":
        run_night(tmp_path, name, night(int(name)), model_id="a model with quite a long name " * 3)
    entries(begin(tmp_path, "2"), night(5))
    (tmp_path / MANIFESTS / f"{TEMPORARY}1234abcd").write_bytes(b"half")
    return tmp_path


def test_runs_in_a_file_has_every_column_whole(out: Path, capsys: Caught) -> None:
    assert main(["runs", str(out)]) == 0
    told = capsys.readouterr().out
    assert "…" not in told
    for manifest in read_manifests(str(out)).values():
        (row,) = [line for line in told.splitlines() if manifest["run"] in line]
        cells = [cell.strip() for cell in row.strip("│").split("│")]
        assert cells[0] == manifest["night"]
        assert cells[-2:] == [manifest["model_id"].strip(), "current"]
    assert "half written: 1 temporary files, 4 bytes" in told


def test_runs_and_verify_as_json_are_what_the_tables_say(out: Path, capsys: Caught) -> None:
    assert main(["runs", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    manifests = read_manifests(str(out))
    assert [one["run"] for one in found["nights"]] == [one["run"] for one in manifests.values()]
    for one in found["nights"]:
        assert one["counts"] == manifests[one["night"]]["counts"]
        assert one["outdated"] is False
        assert "episodes" not in one
    assert [one["night"] for one in found["unnamed"]] == ["1", "2"]
    assert found["unnamed"][0]["run"] == manifests["1"]["supersedes"]
    assert found["temporary"] == {"files": 1, "bytes": 4}

    assert main(["verify", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"output": str(out), "problems": []}
    gone = out / manifests["2"]["labels"][0]["path"]
    gone.unlink()
    assert main(["verify", str(out), "--json"]) == 1
    told = capsys.readouterr()
    (problem,) = json.loads(told.out)["problems"]
    assert str(gone) in problem
    assert told.err == ""


def test_label_and_speakers_as_json(
    tiny_checkpoint: Checkpoint, tmp_path: Path, capsys: Caught
) -> None:
    season = write_season(tmp_path / "quay", (1, 2))
    command = ["label", str(season), "--output", str(tmp_path / "out"), "--json"]
    command += ["--checkpoint", str(tiny_checkpoint.folder)]
    documents: list[Any] = []
    for _ in range(2):
        assert main(command) == 0
        told = capsys.readouterr()
        documents.append(json.loads(told.out))
        assert without_progress(told.err) == ""
        # of two episodes of one length
        shares = re.findall(r"^progress: (\d+) %, labelling \d/2 episodes", told.err, re.MULTILINE)
        assert shares == ["50", "100"]
    (first,), (again,) = (one["nights"] for one in documents)
    (manifest,) = read_manifests(str(tmp_path / "out")).values()
    assert (again["run"], again["supersedes"]) == (manifest["run"], first["run"])
    assert (first["same_bytes"], again["same_bytes"]) == (None, True)
    assert again["counts"] == manifest["counts"]
    assert documents[1]["outdated_nights"] == []

    assert main(["speakers", str(season), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {one["names"][0] for one in found["speakers"]} <= {"Ann", "Bo", "Cleo", "Dora"}
    counted = sum(one["utterances"] for one in found["speakers"]) + found["nameless"]
    assert counted == manifest["counts"]["utterances"]
    assert (found["rejected"], found["rejected_files"], found["collisions"]) == (0, 0, [])
