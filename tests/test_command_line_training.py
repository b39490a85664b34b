from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from made_up_corpora import episode, write_jsonl
from made_up_runs import without_progress

import model.ablation
import model.train
from beam_pipeline import console
from beam_pipeline.__main__ import main
from model.artifact import open_checkpoint
from model.batches import Corpus
from model.emonet import EmoNet
from model.evaluate import Scores
from model.references import EncoderReference
from model.run import Epoch

Caught = pytest.CaptureFixture[str]


@pytest.fixture
def usual(small_bert: EncoderReference, tmp_path: Path) -> list[str]:
    """A training of three epochs."""
    trn = write_jsonl(tmp_path / "trn.jsonl", [row for n in (1, 2) for row in episode(n)])
    dev = write_jsonl(tmp_path / "dev.jsonl", episode(3))
    sizes = ["--window-tokens", "128", "--remember", "3", "--trained-layers", "1", "--folds", "0"]
    files = [str(trn), "--dev", str(dev), "--output", str(tmp_path / "checkpoint")]
    return ["train", *files, *sizes, "--encoder", small_bert.name, "--epochs", "3"]


@pytest.fixture
def interrupted(usual: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Caught) -> list[str]:
    """What a training says that is interrupted in its second epoch."""
    scored = iter([model.train.dev_scores])

    def dev_scores(trained: EmoNet, dev: Corpus) -> Scores:
        for real in scored:
            return real(trained, dev)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(model.train, "dev_scores", dev_scores)
        assert main(usual) == 130
    told = capsys.readouterr()
    assert told.err == (
        "emonet: interrupted, finished epochs are kept and the same command goes on after them\n"
    )
    return told.out.splitlines()


def test_an_epoch_is_told_when_it_is_done_and_an_interrupted_training_goes_on(
    usual: list[str], interrupted: list[str], tmp_path: Path, capsys: Caught
) -> None:
    begun, first = interrupted
    assert begun == "training the context"
    assert first.startswith("epoch 1: loss ")
    assert main(usual) == 0
    told = capsys.readouterr()
    assert without_progress(told.err) == ""
    begun_again, again, on, second, third, other, last = told.out.splitlines()
    assert (begun_again, again, on) == (begun, first, "going on with epoch 2")
    assert other == "training the reader of utterances"
    assert [second[:8], third[:8]] == ["epoch 2:", "epoch 3:"]
    reached = open_checkpoint(tmp_path / "checkpoint").provenance["dev_weighted_f1"]
    assert last == f"checkpoint: {tmp_path / 'checkpoint'}, dev weighted F1 {reached:.2f}"


def test_a_training_without_a_reader_of_utterances(usual: list[str], tmp_path: Path) -> None:
    assert main([*usual, "--epochs", "1", "--utterance-layers", "0"]) == 0
    assert open_checkpoint(tmp_path / "checkpoint").settings.utterance_layers == 0


LADDER = """
[all]
epochs = 1
window_tokens = 128
trained_layers = 1

[[row]]
name = "context"
main = true
history = 0

[[row]]
name = "memory"
against = "context"
history = 3

[[row]]
name = "strangers"
against = "memory"
history = 3
speakers = "shuffled"

[[row]]
name = "beside"
beside = true
"""


def test_an_ablation_writes_its_table_and_an_interrupted_one_goes_on(
    usual: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Caught
) -> None:
    (tmp_path / "ladder.toml").write_text(LADDER)
    _, trn, _, dev, *_ = usual
    encoder = usual[usual.index("--encoder") + 1]
    ladder = tmp_path / "ladder"
    flags = ["ablate", trn, "--dev", dev, "--output", str(ladder), "--encoder", encoder]
    flags += ["--ladder", str(tmp_path / "ladder.toml")]
    with monkeypatch.context() as patch:
        trained = iter([model.train.train])

        def train(*data: Any, **options: Any) -> list[Epoch]:
            for real in trained:
                return real(*data, **options)
            raise KeyboardInterrupt

        patch.setattr(model.ablation, "train", train)
        assert main(flags) == 130
    kept = {path.name: path.read_bytes() for path in (ladder / "results").iterdir()}
    assert len(kept) == 3  # the rows of the one context, and not yet "beside"
    assert main(flags) == 0
    told = capsys.readouterr().out
    assert kept.items() <= {p.name: p.read_bytes() for p in (ladder / "results").iterdir()}.items()
    written = json.loads((ladder / "ladder.json").read_text())
    context, memory, _ = written["rows"]
    assert [context["row"], memory["row"], memory["against"]] == ["context", "memory", "context"]
    assert (len(context["weighted_f1"]), len(memory["weighted_f1"])) == (5, 3)
    table, where = (ladder / "ladder.md").read_text().split("\nWhere the speaker's own past tells")
    assert f"| memory | 3 | {memory['mean']:.2f} ({memory['sd']:.2f}) |" in table
    (past,) = written["past"].values()
    assert list(written["past"]) == ["memory"]
    for group in past:
        assert f"| {group['by']} | {group['group']} | {group['utterances']} | " in where
    assert f"{memory['mean']:.2f}" in told
    drawn = (ladder / "ladder.svg").read_text()
    assert "context (5)" in drawn
    assert "memory (3)" in drawn
    assert main([*flags, "--main"]) == 0
    assert "memory" not in capsys.readouterr().out


def test_a_finished_training_says_so_and_another_one_must_go_elsewhere(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    assert main(usual) == 0
    _, *epochs, _, last = capsys.readouterr().out.splitlines()
    assert main(usual) == 0
    assert capsys.readouterr().out.splitlines() == [*epochs, "nothing is left to train", last]
    assert main([*usual, "--seed", "1"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"emonet train: {tmp_path / 'checkpoint'} holds a finished checkpoint with other data or "
        "settings (seed); give another --output, or remove it first"
    )


def test_a_checkpoint_names_the_languages_it_was_trained_on(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    assert main([*usual, "--epochs", "1", "--language", "de,EN"]) == 0
    assert open_checkpoint(tmp_path / "checkpoint").settings.languages == ("de", "en")
    capsys.readouterr()
    assert main([*usual, "--language", "d e"]) == 1
    assert "not codes such as en" in capsys.readouterr().err


def test_training_says_which_of_dev_is_not_apart_from_the_training_data(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    dev = [row for number in (2, 3, 4) for row in episode(number)]
    write_jsonl(tmp_path / "dev.jsonl", dev)
    assert main([*usual, "--epochs", "1"]) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == "1 of the 3 dev episodes are in part among the training data"


def test_a_training_runs_over_an_encoder_of_any_family(
    usual: list[str], small_encoder: EncoderReference, tmp_path: Path, capsys: Caught
) -> None:
    over = ["--encoder", small_encoder.name, "--epochs", "1", "--memory-epochs", "1"]
    over += ["--folds", "2"]
    assert main([*usual, *over]) == 0
    begun = [line for line in capsys.readouterr().out.splitlines() if line.startswith("training")]
    parts = ["fold 1 of 2", "fold 2 of 2", "the context", "the reader of utterances"]
    assert begun == [f"training {part}" for part in parts]
    checkpoint = open_checkpoint(tmp_path / "checkpoint")
    assert checkpoint.encoder == small_encoder
    assert (
        main(["evaluate", str(tmp_path / "dev.jsonl"), "--checkpoint", str(checkpoint.folder)]) == 0
    )


def test_what_folds_said_teaches_another_training_as_it_taught_their_own(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    usual[usual.index("--folds") + 1] = "2"
    assert main(usual) == 0
    said = tmp_path / "checkpoint" / "folds.safetensors"
    again = [*usual, "--output", str(tmp_path / "again"), "--folds", str(said)]
    capsys.readouterr()
    assert main(again) == 0
    assert "training fold" not in capsys.readouterr().out
    weights = [tmp_path / name / "trained.safetensors" for name in ("checkpoint", "again")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert main([*again, "--taught-by", str(said)]) == 1
    assert "with other data or settings (taught_by)" in capsys.readouterr().err
    write_jsonl(tmp_path / "trn.jsonl", [row for n in (1, 4) for row in episode(n)])
    assert main(again) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"emonet train: {said}: was said of other data than those that are to be"
    )


def test_more_folds_than_episodes_are_refused_before_anything_is_trained(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    assert main([*usual, "--folds", "4"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "emonet train: folds is 4, not 0 or within 2 and the 2 episodes there are\n"
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_data_without_a_gold_label_is_not_scored(
    command: str, usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    rows = [{key: value for key, value in row.items() if key != "label"} for row in episode(3)]
    dev = str(write_jsonl(tmp_path / "dev.jsonl", rows))
    assert main(usual if command == "train" else ["evaluate", dev]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"emonet {command}: none of the 14 utterances to score on has a ")


def test_on_a_terminal_the_bar_gives_way_to_a_line_and_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with monkeypatch.context() as one_terminal:
        one_terminal.setattr("sys.stdout", shown)
        one_terminal.setattr("sys.stderr", shown)
        with console.step_progress("training") as progress:
            progress.advance(3, 9)
            progress.say("epoch 1: good")
            progress.advance(4, 9)
    up_and_erased = "\x1b[1A\x1b[2K"
    before, line, after = shown.getvalue().partition("epoch 1: good\n")
    assert line
    assert "3/9" in before
    assert before.endswith(up_and_erased)
    assert "4/9" in after
    assert after.endswith(up_and_erased)
