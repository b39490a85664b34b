"""Whole nights in a bucket: the bytes of a folder, and one commit over a network that fails."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from made_up_corpora import digests, label, write_season
from made_up_runs import begin, entries, night, run_night
from object_store import FakeNetwork, Fault
from plain_commit import commit

from beam_pipeline.output.manifest import read_manifests
from beam_pipeline.output.vacuum import unnamed_runs
from beam_pipeline.output.verify import verify
from beam_pipeline.records import EmonetError
from beam_pipeline.storage import gcs, storage_of
from emonet.__main__ import main
from model.checkpoint import Checkpoint

pytestmark = pytest.mark.faults

Caught = pytest.CaptureFixture[str]


@pytest.fixture
def out(gcs_bucket: str) -> str:
    return f"{gcs_bucket}/corpora/out"


def test_nights_in_a_bucket_have_the_bytes_of_nights_in_a_folder(
    tiny_checkpoint: Checkpoint, tmp_path: Path, out: str, capsys: Caught
) -> None:
    for name, numbers in {"1": (1, 2), "2": (3,), "3": (4,)}.items():
        season = write_season(tmp_path / name / "quay", numbers)
        here = label(tiny_checkpoint, [season], tmp_path / "out", night=name)
        there = label(tiny_checkpoint, [season], out, night=name)
        assert digests(here) == digests(there)
    assert main(["verify", out]) == 0
    assert main(["runs", out]) == 0
    assert "superseded or abandoned" not in capsys.readouterr().out


def test_inputs_and_output_in_buckets_through_the_command_line(
    tiny_checkpoint: Checkpoint, tmp_path: Path, gcs_bucket: str, out: str, capsys: Caught
) -> None:
    season = write_season(tmp_path / "quay", (1, 2))
    for path in season.iterdir():
        storage_of(gcs_bucket).write(f"in/quay/{path.name}", path.read_bytes())
    flags = ["--output", out, "--checkpoint", str(tiny_checkpoint.folder), "--corpus", "made up"]
    assert main(["label", f"{gcs_bucket}/in/**/*.jsonl", *flags, "--night", "1"]) == 0
    here = label(tiny_checkpoint, [season], tmp_path / "out")
    (there,) = read_manifests(out).values()
    assert digests(there) == digests(here)

    assert main(["label", f"{gcs_bucket}/in/**/*.jsonl", *flags, "--night", "1"]) == 0
    assert "wrote the same bytes as run" in capsys.readouterr().out
    assert len(unnamed_runs(out)) == 1
    assert main(["vacuum", out, "--older-than", "0m"]) == 0
    assert unnamed_runs(out) == []
    assert main(["verify", out]) == 0
    checkpoint = str(tiny_checkpoint.folder)
    assert main(["rebuild-memory", out, "--checkpoint", checkpoint]) == 0
    assert main(["verify", out]) == 0


def test_of_runs_that_commit_to_a_bucket_at_the_same_moment_one_alone_wins(out: str) -> None:
    runs = [begin(out, "1") for _ in range(6)]
    reported = [entries(run, night(1)) for run in runs]
    outcomes: list[Any] = []

    def attempt(at: int) -> None:
        try:
            outcomes.append(commit(runs[at], reported[at])["run"])
        except EmonetError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=attempt, args=(at,)) for at in range(len(runs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [message for message in outcomes if " " not in message]
    assert len([message for message in outcomes if "committed by another run" in message]) == 5
    assert read_manifests(out)["1"]["run"] == winner
    assert list(verify(out)) == []


@pytest.mark.parametrize("fault", [503, Fault.CUT, Fault.LOST, Fault.GARBLED])
def test_a_night_over_a_network_that_fails_at_any_request_is_there_or_not(
    out: str, network: FakeNetwork, fault: Any
) -> None:
    before = run_night(out, "1", night(1))
    first = len(network.seen)
    run_night(out, "2", night(2, 3))
    requests = len(network.seen) - first
    assert requests > 20
    messages = []
    for at in range(0, requests, 7):
        network.fail(*[Fault.NONE] * at, fault, then=Fault.NONE)
        try:
            run_night(out, "2", night(2, 3))
        except EmonetError as error:
            messages.append(str(error))
        network.fail()
        assert [one for one in verify(out) if "the next commit mends it" not in one] == []
        assert read_manifests(out)["1"] == before
    assert all("gs://" in sentence for sentence in messages)


def test_a_store_that_goes_away_in_the_middle_is_an_error_within_a_bounded_time(
    out: str, network: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gcs, "PATIENCE_S", 2.0)
    monkeypatch.setattr(gcs, "REQUEST_S", 1.0)
    before = run_night(out, "1", night(1))
    run = begin(out, "2")
    reported = entries(run, night(2))
    network.fail(Fault.NONE, Fault.NONE, then=503)
    with pytest.raises(EmonetError, match="failed again and again"):
        commit(run, reported)
    network.fail()
    assert read_manifests(out) == {"1": before}
    assert commit(run, reported)["run"] == run.name
    assert list(verify(out)) == []
