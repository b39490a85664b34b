"""What goes wrong at the command line ends in one line that says what to do."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made_up_corpora import write_season, write_srt
from made_up_runs import ORIGIN, files_of, files_read, night, run_night, without_progress

from beam_pipeline.output.manifest import read_manifests
from emonet.__main__ import main
from model.checkpoint import Checkpoint

Caught = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]

GOOD = "1\n00:00:01,000 --> 00:00:02,000\nBO: Good night.\n"
TIMELESS = "\n2\n-->\n"

BAD = {
    "empty.srt": b"",
    "no cue.srt": b"good night, and nothing else\n",
    "timeless.srt": (GOOD + TIMELESS).encode(),
    "cut.srt.gz": gzip.compress(GOOD.encode(), mtime=0)[:-9],
    "endless.jsonl": b'{"text": "' + b"a" * 50 * 2**20 + b'"}\n',
    "song.mp3": bytes(range(256)) * 10,
    "columns.csv": b"who,said\nBo,good night\n",
}
REASONS = {
    ("empty.srt", "empty_file"),
    ("no cue.srt", "no_cues"),
    ("timeless.srt", "malformed_cue"),
    ("cut.srt.gz", "truncated_gzip"),
    ("endless.jsonl", "text_too_long"),
    ("song.mp3", "undecodable"),
    ("columns.csv", "missing_column"),
}


@pytest.fixture
def usual(tiny_checkpoint: Checkpoint, tmp_path: Path) -> list[str]:
    """A corpus that can be labelled, and where to."""
    corpus = write_season(tmp_path / "quay", (1,))
    flags = ["--output", str(tmp_path / "out"), "--checkpoint", str(tiny_checkpoint.folder)]
    return [str(corpus), *flags]


def fails(arguments: list[str], capsys: Caught) -> str:
    """The one line that a failing command says."""
    assert main(["label", *arguments]) == 1
    told = capsys.readouterr()
    assert told.out.strip() == ""
    (line,) = without_progress(told.err).splitlines()
    assert line.startswith("emonet label: ")
    return line


def test_bad_files_are_rejected_with_their_reason_and_the_rest_is_labelled(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    for name, content in BAD.items():
        (tmp_path / "quay" / name).write_bytes(content)
    assert main(["label", *usual, "--max-rejected", "1"]) == 0
    told = capsys.readouterr()
    assert without_progress(told.err) == ""
    manifest = read_manifests(str(tmp_path / "out"))["0"]
    assert manifest["counts"]["utterances"] == 14 + 1
    rows = [
        row
        for part in manifest["rejected"]
        for row in pq.read_table(tmp_path / "out" / part["path"], partitioning=None).to_pylist()
    ]
    assert {(Path(row["source"]).name, row["reason"]) for row in rows} == REASONS
    for _, reason in REASONS:
        assert reason in told.out
    (missing,) = [row for row in rows if row["reason"] == "missing_column"]
    assert "a column 'text', found 2 columns of other names" in missing["detail"]


def test_a_file_that_is_not_utf8_is_labelled_and_its_encoding_noted(
    usual: list[str], tmp_path: Path
) -> None:
    latin = tmp_path / "quay" / "Quay S02E01.srt"
    latin.write_bytes(GOOD.replace("Good", "Déjà").encode("latin-1"))
    assert main(["label", *usual]) == 0
    inputs = files_read(tmp_path / "out", read_manifests(str(tmp_path / "out"))["0"])
    assert {Path(one["path"]).name: one["encoding"] for one in inputs} == {
        "01.jsonl": "utf-8",
        "Quay S02E01.srt": "cp1252",
    }


def test_an_input_that_matches_nothing_is_an_error(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    line = fails([str(tmp_path / "nowhere" / "*.srt"), *usual[1:]], capsys)
    assert "nowhere/*.srt' matches no file; give " in line
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_is_an_error(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    (tmp_path / "file").write_text("in the way")
    line = fails([*usual, "--output", str(tmp_path / "file" / "out")], capsys)
    assert "file/out: cannot be written" in line
    assert "give another folder" in line


@pytest.mark.parametrize("name", ["settings.json", "trained.safetensors", "SHA256SUMS"])
def test_a_checkpoint_with_a_flipped_bit_is_an_error(
    usual: list[str], tiny_checkpoint: Checkpoint, tmp_path: Path, capsys: Caught, name: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_checkpoint.folder, copy)
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    line = fails([*usual, "--checkpoint", str(copy)], capsys)
    assert str(copy) in line
    assert "restore it" in line
    assert not (tmp_path / "out").exists()


def test_an_encoder_of_another_model_is_an_error_and_commits_nothing(
    usual: list[str], tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_checkpoint.encoder.name, other)
    (other / "config.json").write_text((other / "config.json").read_text() + "\n")
    # in a process of its own: the engine's workers print traces by themselves
    ran = subprocess.run(
        [sys.executable, "-m", "emonet", "label", *usual, "--encoder", str(other)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert (ran.returncode, ran.stdout.strip()) == (1, "")
    (line,) = ran.stderr.splitlines()
    assert f"{other / 'config.json'} is not the file it was made with" in line
    assert read_manifests(str(tmp_path / "out")) == {}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--encodr", "x"], "--encodr: neither an option of emonet nor one of Beam's"),
        (["--columns", "text"], "--columns: 'text' is not of the form FIELD=NAME"),
        (["--columns", "words=said"], "--columns: expected any of text, speaker"),
        (["--night", "a/b"], "--night 'a/b': use letters, digits"),
        (["--checkpoint", "/nowhere"], "checkpoint /nowhere: SHA256SUMS is missing"),
        (["--encoder", "/nowhere"], "encoder '/nowhere' is neither a folder, nor"),
    ],
)
def test_a_flag_that_is_off_is_an_error_that_names_it(
    usual: list[str], tmp_path: Path, capsys: Caught, flags: list[str], said: str
) -> None:
    assert said in fails([*usual, *flags], capsys)
    assert not list((tmp_path / "out").rglob("*.parquet"))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["label"],
        ["label", "a.srt"],
        ["evaluate", "a.json", "--jsn", "b"],
        ["train", "a.json", "--dev", "b.json", "--output", "c", "--epochs", "many"],
        ["label", "a.srt", "--output", "b", "--direct_num_workers", "many"],
    ],
)
def test_usage_that_is_off_is_told_in_a_few_lines(arguments: list[str], capsys: Caught) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("usage: emonet")
    assert "error: " in lines[-1]
    assert len(lines) <= 8


def test_a_memory_of_another_model_is_an_error_that_leaves_the_nights_alone(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    run_night(tmp_path / "out", "1", night(1))
    before = files_of(tmp_path / "out")
    line = fails([*usual, "--night", "2"], capsys)
    assert f"night 1 left a memory of embedder {ORIGIN.embedder[:12]}" in line
    assert files_of(tmp_path / "out") == before


def damage_manifest(out: Path) -> Path:
    return out / "_manifests" / "night=1.json"


def damage_memory(out: Path) -> Path:
    return next((out / "memory").rglob("*.parquet"))


@pytest.mark.parametrize("damaged", [damage_manifest, damage_memory])
def test_a_night_on_a_damaged_past_is_refused_and_leaves_it_alone(
    usual: list[str], tmp_path: Path, capsys: Caught, damaged: Callable[[Path], Path]
) -> None:
    assert main(["label", *usual, "--night", "1"]) == 0
    capsys.readouterr()
    path = damaged(tmp_path / "out")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    later = write_season(tmp_path / "later" / "quay", (2, 3))
    line = fails([str(later), *usual[1:], "--night", "2"], capsys)
    assert str(path) in line
    assert "restore it" in line
    nights = [name for name in files_of(tmp_path / "out") if name.startswith("_manifests/night")]
    assert nights == ["_manifests/night=1.json"]


def test_verbose_shows_the_trace_of_an_error(usual: list[str], capsys: Caught) -> None:
    assert main(["label", *usual, "--night", "a/b", "--verbose"]) == 1
    error = capsys.readouterr().err
    assert "Traceback" in error
    assert error.splitlines()[-1].startswith("emonet label: --night 'a/b'")


def test_an_unforeseen_error_never_shows_the_text_of_the_corpus(
    usual: list[str], capsys: Caught, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(transcript: object) -> None:
        raise ValueError(f"cannot read {transcript}")

    monkeypatch.setattr("beam_pipeline.labelling.transcript_of", broken)
    assert "cannot read" not in fails(usual, capsys)


def test_evaluating_a_data_set_with_anything_refused_is_an_error(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    bad = write_srt(tmp_path / "bad" / "Quay S01E01.srt", 1, turns=3)
    bad.write_text(bad.read_text() + TIMELESS.replace("2", "77", 1))
    assert main(["evaluate", str(bad), *usual[3:]]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{bad} " in line
    assert "malformed_cue" in line
    assert "mend it or leave it out (1 cue refused in all)" in line


def test_evaluating_an_episode_that_comes_twice_is_an_error(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    again = write_season(tmp_path / "again", (1,))
    assert main(["evaluate", usual[0], str(again), *usual[3:]]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "1 episodes come twice, first Quay/s01e01; give each once" in line
