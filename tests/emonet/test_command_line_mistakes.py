"""Mistakes at the command line: none of them takes the place of a good night."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from made_up_corpora import READING, episode, labels_of, write_jsonl, write_season, write_srt
from made_up_runs import files_of, query

from beam_pipeline.nights import Engine, Night, label_night
from beam_pipeline.output.manifest import read_manifests
from beam_pipeline.records import EmonetError, own_sentence
from emonet.__main__ import main
from emonet.cli.options import beam_options
from model.checkpoint import Checkpoint

Caught = pytest.CaptureFixture[str]

COUNT = "SELECT count(*) FROM labels"
SPOKEN = "1\n00:00:01,000 --> 00:00:02,000\nBO: Good night.\n"


class Out:
    """OUT of a checkpoint, and what the commands do with it."""

    def __init__(self, folder: Path, checkpoint: Checkpoint):
        self.path = folder / "out"
        self.flags = ["--output", str(self.path), "--checkpoint", str(checkpoint.folder)]

    def label(self, *arguments: str | Path) -> int:
        return main(["label", *map(str, arguments), *self.flags])

    @property
    def nights(self) -> dict[str, Any]:
        return read_manifests(str(self.path))


@pytest.fixture
def out(tmp_path: Path, tiny_checkpoint: Checkpoint) -> Out:
    return Out(tmp_path, tiny_checkpoint)


@pytest.fixture(scope="module")
def labelled(tiny_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Out:
    """A night of two episodes; no test changes it."""
    folder = tmp_path_factory.mktemp("labelled")
    out = Out(folder, tiny_checkpoint)
    rows = [row for number in (1, 2) for row in episode(number)]
    unnumbered = [{**row, "season": None, "episode": None} for row in episode(3)]
    write_jsonl(folder / "quay" / "numbered.jsonl", rows)
    write_jsonl(folder / "quay" / "pilot.jsonl", unnumbered)
    assert out.label(folder / "quay") == 0
    return out


def test_a_forgotten_flag_leaves_the_good_night_and_names_the_file_and_the_flag(
    out: Out, tmp_path: Path, capsys: Caught, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "quay.csv"
    table.write_text("kto,zdanie\nBo,quiet rain\nBo,good night\n")
    assert out.label(table, "--columns", "text=zdanie,speaker=kto") == 0
    before = out.nights
    capsys.readouterr()
    assert out.label(table) == 1
    told = capsys.readouterr()
    assert told.out.strip() == ""
    (line,) = told.err.splitlines()
    assert line.startswith("emonet label: night 0 is not committed and OUT is as it was, because ")
    assert f"missing_column: 1 file, first {table}: expected a header with a column 'text'" in line
    assert "--columns text=NAME" in line
    assert out.nights == before
    assert query(out.path, COUNT, monkeypatch) == [(2,)]
    assert main(["vacuum", str(out.path), "--older-than", "0m"]) == 0
    assert query(out.path, COUNT, monkeypatch) == [(2,)]


def test_files_that_are_no_subtitles_are_named_with_their_reasons_and_nothing_is_committed(
    out: Out, tmp_path: Path, capsys: Caught
) -> None:
    files = {"notes.txt": b"good night", "noise.srt": bytes(range(256)) * 9, "false.xlsx": b"PK\3"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert out.label(*(tmp_path / name for name in files)) == 1
    line = capsys.readouterr().err
    assert f"undecodable: 2 files, first {tmp_path / 'false.xlsx'}: expected text" in line
    assert f"unknown_format: 1 file, first {tmp_path / 'notes.txt'}: expected " in line
    assert "nothing was labelled (0 cues found in 3 files" in line
    assert "3 of 3 files were refused" in line
    assert "good night" not in line
    assert out.nights == {}


def test_an_evening_without_files_is_committed_if_it_may_be_and_the_next_builds_on_it(
    out: Out, tmp_path: Path, capsys: Caught, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = tmp_path / "2026-11-21"
    assert out.label(evening, "--night", "1") == 1
    assert "matches no file" in capsys.readouterr().err
    assert out.label(evening, "--night", "1", "--allow-empty") == 0
    assert query(out.path, "FROM labels", monkeypatch) == []
    silent = tmp_path / "quay" / "Quay S01E01.srt"
    silent.parent.mkdir()
    silent.write_text("1\n00:00:01,000 --> 00:00:02,000\n[rain]\n")
    assert out.label(silent, "--night", "2") == 1
    assert "1 cues found in 1 files, 1 of them without speech" in capsys.readouterr().err
    assert out.label(silent, "--night", "2", "--allow-empty") == 0
    assert out.label(write_season(tmp_path / "later", (1,)), "--night", "3", "--allow-empty") == 0
    assert query(out.path, "SELECT night, count(*) FROM labels GROUP BY 1", monkeypatch) == [
        ("3", 14)
    ]
    assert [one["memory_from"]["night"] for one in out.nights.values()] == [None, "1", "2"]
    # its files come late, and an empty night is run again after them
    write_season(evening, (5,))
    assert out.label(evening, "--night", "1", "--allow-empty", "--cascade") == 0
    assert query(out.path, COUNT, monkeypatch) == [(2 * 14,)]
    assert main(["verify", str(out.path)]) == 0


def test_files_that_vanish_while_they_are_read_are_no_night(
    tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    paths = [write_srt(tmp_path / f"Quay S01E{at:02d}.srt", at) for at in range(1, 11)]
    night = Night("1", tuple(map(str, paths)), READING)
    for path in paths[7:]:
        path.unlink()
    engine = Engine(tiny_checkpoint, None, beam_options([]))
    with pytest.raises(EmonetError) as raised:
        label_night(str(tmp_path / "out"), night, engine)
    told = own_sentence(raised.value)
    assert told is not None
    assert "3 of 10 files were refused, more than --max-rejected 0.2" in told
    assert f"unreadable_file: 3 files, first {paths[7]}" in told
    assert told.endswith("or accept it with a higher --max-rejected")
    assert read_manifests(str(tmp_path / "out")) == {}


def test_another_corpus_never_takes_the_place_of_the_first(
    out: Out, tmp_path: Path, capsys: Caught, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_season(tmp_path / "quay", (1,))
    second = write_season(tmp_path / "isle", (2, 3))
    assert out.label(first) == 0
    before = files_of(out.path)
    capsys.readouterr()
    assert out.label(second) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"night 0 holds {first / '01.jsonl'}, and this run is asked for {second}" in line
    assert "--night NAME" in line
    assert main(["vacuum", str(out.path), "--older-than", "0m"]) == 0
    assert files_of(out.path) == before
    # beside the first, as it grows
    write_season(first, (4,))
    assert out.label(first, second) == 0
    assert query(out.path, COUNT, monkeypatch) == [(4 * 14,)]
    assert out.label(second, "--replace") == 0
    assert query(out.path, COUNT, monkeypatch) == [(2 * 14,)]


def test_a_run_ends_with_the_first_refusals_files_and_cues_apart(
    out: Out, tmp_path: Path, capsys: Caught, monkeypatch: pytest.MonkeyPatch
) -> None:
    quay = write_season(tmp_path / "quay", (1,))
    for name in ("a.srt", "b.srt"):
        (quay / name).write_text("")
    backwards = "".join(f"\n{at}\n-->\n" for at in (2, 3, 4))
    (quay / "Quay S01E09.srt").write_text(SPOKEN + backwards)
    assert out.label(quay, "--max-rejected", "0.5") == 0
    told = capsys.readouterr().out
    assert f"empty_file: 2 files, first {quay / 'a.srt'}\n" in told
    cue = f"{quay / 'Quay S01E09.srt'}, line 6: expected a timing such as"
    assert f"malformed_cue: 3 cues, first {cue}" in told
    (row,) = [line for line in told.splitlines() if "rejected" in line]
    assert row.split("│")[2].strip() == "2 files, 3 cues"
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["runs", str(out.path)]) == 0
    assert "2 files, 3 cues" in capsys.readouterr().out
    assert main(["speakers", str(quay)]) == 0
    assert "rejected: 2 files, 3 cues\n" in capsys.readouterr().out


def exported(out: Out, path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The view of all labels as a file of a person's own."""
    monkeypatch.chdir(out.path)
    with duckdb.connect() as connection:
        connection.execute((out.path / "views.sql").read_text())
        form = {".csv": "CSV", ".jsonl": "JSON", ".parquet": "PARQUET"}[path.suffix]
        connection.execute(f"COPY labels TO '{path}' (FORMAT {form})")
    return path


@pytest.mark.parametrize("name", ["own.csv", "own.jsonl", "own.parquet"])
def test_what_was_labelled_is_never_evaluated_as_gold(
    labelled: Out, tmp_path: Path, name: str, capsys: Caught, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = exported(labelled, tmp_path / name, monkeypatch)
    checkpoint = labelled.flags[2:]
    assert main(["evaluate", str(own), *checkpoint]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{own}: its column label is what emonet predicted" in told.err
    assert main(["evaluate", str(own), "--columns", "label=label", *checkpoint]) == 1
    assert "column 'label' is what emonet predicted" in capsys.readouterr().err
    training = ["train", str(own), "--dev", str(own), "--output", str(tmp_path / "checkpoint")]
    assert main(training) == 1
    assert f"{own}: its column label is what emonet predicted" in capsys.readouterr().err


def test_labels_that_people_put_right_beside_ours_are_gold(
    labelled: Out,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = exported(labelled, tmp_path / "own.jsonl", monkeypatch)
    rows = [{**json.loads(line), "right": "joy"} for line in own.read_text().splitlines()]
    write_jsonl(own, rows)
    capsys.readouterr()
    flags = ["--columns", "label=right", "--json", *labelled.flags[2:]]
    assert main(["evaluate", str(own), *flags, "--history", str(own)]) == 0
    assert json.loads(capsys.readouterr().out)["classes"]["joy"]["support"] == 42


def test_what_was_labelled_can_be_labelled_anew_with_its_episodes_and_speakers(
    labelled: Out, tmp_path: Path, tiny_checkpoint: Checkpoint
) -> None:
    paths = [labelled.path / part["path"] for part in labelled.nights["0"]["labels"]]
    again = Out(tmp_path, tiny_checkpoint)
    assert again.label(*paths, "--corpus", "quay") == 0
    columns = ["episode_id", "utterance", "dialogue_id", "speaker_id", "text", "label"]
    first, second = (
        labels_of(one.path, one.nights["0"]).select(columns).to_pylist()
        for one in (labelled, again)
    )
    assert second == first
    assert {row["episode_id"] for row in first} == {"Quay/s01e01", "Quay/s01e02", "Quay/pilot"}
