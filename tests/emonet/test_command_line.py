from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up_corpora import episode, labels_of, write_jsonl, write_season
from made_up_runs import query, without_progress

from beam_pipeline.output.manifest import read_manifests
from emonet.__main__ import main
from model.checkpoint import Checkpoint

COMMAND = [sys.executable, "-m", "emonet"]
ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize("command", ["label", "train", "ablate", "evaluate"])
def test_the_help_of_a_command_fits_a_screen_and_has_an_example(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert lines[-1].startswith(f"example: emonet {command} ")


def test_help_and_flags_that_are_off_do_not_wait_for_the_libraries() -> None:
    program = (
        "import sys; from emonet.__main__ import main\n"
        "try: main(['train', '--help'])\n"
        "finally: print(sorted({'torch', 'transformers', 'apache_beam'} & sys.modules.keys()))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    assert ran.stdout.splitlines()[-1] == "[]"


def test_label_writes_a_night_tells_of_it_and_says_nothing_else(
    tiny_checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = write_season(tmp_path / "quay", (1, 2))
    (corpus / "empty.srt").write_text("")
    out = tmp_path / "out"
    flags = ["--output", str(out), "--night", "n1", "--checkpoint", str(tiny_checkpoint.folder)]
    ran = subprocess.run(
        [*COMMAND, "label", str(corpus), *flags, "--max-rejected", "0.5"],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    assert without_progress(ran.stderr) == ""
    manifest = read_manifests(str(out))["n1"]
    counts = manifest["counts"]
    title, *table, last = ran.stdout.strip().splitlines()
    assert title.strip() == f"night n1, run {manifest['run']}"
    cells = {
        cell.strip(): value.strip()
        for line in table
        if line.startswith("│")
        for cell, value in [line.strip("│").split("│")]
    }
    assert cells["episodes"] == "2"
    assert cells["utterances"] == "28"
    assert cells["speakers"] == "4"
    assert (cells["files"], cells["rejected"]) == ("3", "1 file")
    assert f"empty_file: 1 file, first {corpus / 'empty.srt'}" in table
    shown = {label: int(cells[label].split()[0]) for label in counts["labels"]}
    assert shown == counts["labels"]
    assert last == f"read it:  cd {out} && duckdb -init views.sql   # FROM labels"
    assert query(out, "SELECT count(*) FROM labels", monkeypatch) == [(28,)]
    assert set(labels_of(out, manifest)["corpus"].to_pylist()) == {"quay"}


def test_a_corpus_is_called_as_it_is_told_or_by_its_first_input(
    tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    corpus = write_season(tmp_path / "quay.v1", (1,))
    usual = ["--output", str(tmp_path / "out"), "--checkpoint", str(tiny_checkpoint.folder)]
    assert main(["label", str(corpus / "*.jsonl"), *usual, "--night", "1"]) == 0
    later = write_season(tmp_path / "quay.v2", (2,))
    named = ["--night", "2", "--corpus", "harbours", "--show", "Sea"]
    assert main(["label", str(later), *usual, *named]) == 0
    first, second = (
        labels_of(tmp_path / "out", manifest).to_pylist()[0]
        for manifest in read_manifests(str(tmp_path / "out")).values()
    )
    assert (first["corpus"], first["show"]) == ("quay", "Quay")
    assert (second["corpus"], second["show"]) == ("harbours", "Sea")


def test_columns_are_read_by_the_names_a_user_gives(
    tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    table = tmp_path / "quay" / "a.csv"
    table.parent.mkdir()
    table.write_text("who,line\nBo,quiet rain\nBo,good night\n")
    usual = ["--output", str(tmp_path / "out"), "--checkpoint", str(tiny_checkpoint.folder)]
    assert main(["label", str(table), *usual, "--columns", "text=line,speaker=who"]) == 0
    rows = labels_of(tmp_path / "out", read_manifests(str(tmp_path / "out"))["0"]).to_pylist()
    said = [(row["speaker_name"], row["text"], row["history_length"]) for row in rows]
    assert said == [("Bo", "quiet rain", 0), ("Bo", "good night", 1)]


@pytest.fixture(scope="module")
def trained(small_bert: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint made by `emonet train`, beside its data."""
    folder = tmp_path_factory.mktemp("trained")
    for name, numbers in (("trn", range(1, 5)), ("dev", range(5, 7))):
        write_jsonl(folder / f"{name}.jsonl", [row for n in numbers for row in episode(n)])
    settings = folder / "settings.toml"
    sizes = ("trained_layers = 1", "utterance_encoder_layers = 1", "window_tokens = 128")
    settings.write_text("\n".join([*sizes, "history = 3"]))
    flags = ["--encoder", small_bert.name, "--settings", str(settings)]
    data = [str(folder / "trn.jsonl"), "--dev", str(folder / "dev.jsonl")]
    short = ["--epochs", "2", "--output", str(folder / "checkpoint")]
    assert main(["train", *data, *flags, *short]) == 0
    return folder


def test_training_and_evaluating_give_scores_as_a_table_and_as_json(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = [str(trained / "dev.jsonl"), "--history", str(trained / "trn.jsonl")]
    flags = ["--checkpoint", str(trained / "checkpoint")]
    capsys.readouterr()
    assert main(["evaluate", *data, *flags, "--json"]) == 0
    told = capsys.readouterr()
    assert without_progress(told.err) == ""
    result = json.loads(told.out)
    assert (result["episodes"], result["utterances"]) == (2, 28)
    assert (result["history"], result["history_utterances"]) == ([str(trained / "trn.jsonl")], 56)
    assert result["data"] == [str(trained / "dev.jsonl")]
    confusion = result["confusion"]
    assert sum(map(sum, confusion)) == 28
    rows = [row for number in (5, 6) for row in episode(number)]
    for label, counts in zip(sorted({row["label"] for row in rows}), confusion, strict=True):
        assert sum(counts) == sum(row["label"] == label for row in rows)
        assert result["classes"][label]["support"] == sum(counts)
    assert main(["evaluate", *data, *flags]) == 0
    shown = capsys.readouterr().out
    assert f"weighted F1 {100 * result['weighted_f1']:.2f}" in shown
    assert "28 utterances; history: 56 further utterances" in shown


def test_history_of_the_scored_episodes_themselves_is_left_out_and_told_of(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = [str(trained / "dev.jsonl"), "--checkpoint", str(trained / "checkpoint")]
    assert main(["evaluate", *data]) == 0
    assert "history: the set's own earlier episodes alone\n" in capsys.readouterr().out
    assert main(["evaluate", *data, "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    # other files, the same episodes
    rows = [row for number in (5, 6) for row in episode(number)]
    again = write_jsonl(trained / "again.jsonl", rows)
    assert main(["evaluate", *data, "--history", str(again)]) == 0
    told = capsys.readouterr().out
    assert "alone (2 episodes of --history are in the set and left out)\n" in told
    assert main(["evaluate", *data, "--json", "--history", str(again)]) == 0
    assert json.loads(capsys.readouterr().out) == {**alone, "history": [str(again)]}


def test_what_was_trained_can_label(trained: Path) -> None:
    flags = ["--output", str(trained / "out"), "--checkpoint", str(trained / "checkpoint")]
    assert main(["label", str(trained / "dev.jsonl"), *flags]) == 0
    manifest = read_manifests(str(trained / "out"))["0"]
    assert manifest["counts"]["utterances"] == 28
    assert (manifest["origin"]["width"], manifest["origin"]["history"]) == (32, 3)


def test_a_path_that_looks_like_markup_is_shown_as_it_is(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = write_jsonl(trained / "[red]" / "[/b].jsonl", episode(5))
    assert main(["evaluate", str(odd), "--checkpoint", str(trained / "checkpoint")]) == 0
    assert f"{odd}: 1 episodes, 14 utterances" in capsys.readouterr().out


@pytest.fixture
def heeded_interrupts() -> Iterator[None]:
    """A shell's background jobs, and so all that these tests start from one, ignore an interrupt.

    A `preexec_fn` would heed it too, but what it forks runs gRPC's handlers of a fork, which speak.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded_interrupts")
def test_an_interrupt_ends_the_run_with_one_line_and_nothing_half_written(
    tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    rows = episode(1, 60)
    many = write_jsonl(
        tmp_path / "quay.jsonl", ({**row, "episode": n} for n in range(2000) for row in rows)
    )
    out = tmp_path / "out"
    flags = ["--output", str(out), "--checkpoint", str(tiny_checkpoint.folder)]
    with subprocess.Popen(
        [*COMMAND, "label", str(many), *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as running:
        while not (out / ".lock").exists():
            assert running.poll() is None
            time.sleep(0.1)
        time.sleep(2)
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        try:
            told, error = running.communicate(timeout=30)
        finally:
            running.kill()
    assert running.returncode == 130
    assert (told.strip(), error) == (
        "",
        "emonet: interrupted, nothing is half written; `emonet runs` lists what is there\n",
    )
    assert read_manifests(str(out)) == {}
