from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from made_up_corpora import episode, write_jsonl
from made_up_runs import without_progress

from emonet.__main__ import main
from emonet.cli.progress import step_progress
from model.checkpoint import SETTINGS, open_checkpoint
from model.encoders.references import EncoderReference
from model.evaluation.scores import Scores
from model.training.context import ContextLearner
from model.training.cross_fitting import OOF_LOGITS
from model.training.loop import TrainingLoop
from model.training.progress import Progress

Caught = pytest.CaptureFixture[str]


SIZES = """
epochs = 3
window_tokens = 128
history = 3
trained_layers = 1
utterance_encoder_layers = 1
"""


@pytest.fixture
def usual(small_bert: EncoderReference, tmp_path: Path) -> list[str]:
    """A training of three epochs."""
    trn = write_jsonl(tmp_path / "trn.jsonl", [row for n in (1, 2) for row in episode(n)])
    dev = write_jsonl(tmp_path / "dev.jsonl", episode(3))
    (tmp_path / "settings.toml").write_text(SIZES)
    files = [str(trn), "--dev", str(dev), "--output", str(tmp_path / "checkpoint")]
    sizes = ["--settings", str(tmp_path / "settings.toml"), "--oof-folds", "0"]
    return ["train", *files, *sizes, "--encoder", small_bert.name]


@pytest.fixture
def interrupted(usual: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Caught) -> list[str]:
    """What a training says that is interrupted in its second epoch."""
    scored = iter([ContextLearner.dev_scores])

    def dev_scores(learner: ContextLearner) -> Scores:
        for real in scored:
            return real(learner)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ContextLearner, "dev_scores", dev_scores)
        assert main(usual) == 130
    told = capsys.readouterr()
    assert without_progress(told.err) == (
        "emonet: interrupted, finished epochs are kept and the same command goes on after them\n"
    )
    return told.out.splitlines()


def test_an_epoch_is_told_when_it_is_done_and_an_interrupted_training_goes_on(
    usual: list[str], interrupted: list[str], tmp_path: Path, capsys: Caught
) -> None:
    few, begun, first = interrupted
    assert few.startswith("fewer than 50 utterances of joy ")
    assert begun == "training: context"
    assert first.startswith("epoch 1: loss ")
    assert main(usual) == 0
    told = capsys.readouterr()
    assert without_progress(told.err) == ""
    _, begun_again, again, on, second, third, other, *epochs, stage, last = told.out.splitlines()
    assert (begun_again, again, on) == (begun, first, "going on with epoch 2")
    assert other == "training: utterance-only classifier"
    assert [line[:8] for line in (second, third, *epochs)] == [
        "epoch 2:", "epoch 3:", "epoch 1:", "epoch 2:", "epoch 3:",
    ]  # fmt: skip
    assert stage == "training: speaker encoder"
    reached = open_checkpoint(tmp_path / "checkpoint").provenance["dev_weighted_f1"]
    assert last == f"checkpoint: {tmp_path / 'checkpoint'}, dev weighted F1 {reached:.2f}"


def test_a_checkpoint_is_trained_again_by_its_own_settings(
    usual: list[str], tmp_path: Path
) -> None:
    assert main([*usual, "--epochs", "1", "--seed", "5"]) == 0
    made = tmp_path / "checkpoint" / SETTINGS
    usual[usual.index("--settings") + 1] = str(made)
    assert main([*usual, "--output", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / SETTINGS).read_bytes() == made.read_bytes()


def test_a_settings_file_that_is_off_is_told_of_by_name(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    (tmp_path / "settings.toml").write_text("histroy = 3\n")
    assert main(usual) == 1
    assert capsys.readouterr().err == (
        f"emonet train: {tmp_path / 'settings.toml'}: 'histroy' is no setting; "
        "did you mean history?\n"
    )
    assert not (tmp_path / "checkpoint").exists()


SUITE = """
[all]
epochs = 1
window_tokens = 128
trained_layers = 1
utterance_encoder_layers = 0
oof_folds = 0

[[variant]]
name = "context"
main = true
history = 0

[[variant]]
name = "history"
against = "context"
history = 3

[[variant]]
name = "strangers"
against = "history"
history = 3
speakers = "shuffled"

[[variant]]
name = "more"
auxiliary = true
"""


def test_an_ablation_writes_its_table_and_an_interrupted_one_goes_on(
    usual: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Caught
) -> None:
    (tmp_path / "suite.toml").write_text(SUITE)
    _, trn, _, dev, *_ = usual
    encoder = usual[usual.index("--encoder") + 1]
    suite = tmp_path / "suite"
    flags = ["ablate", trn, "--dev", dev, "--output", str(suite), "--encoder", encoder]
    flags += ["--suite", str(tmp_path / "suite.toml")]
    with monkeypatch.context() as patch:
        trained, real = iter([1]), TrainingLoop.run

        def run(loop: TrainingLoop, progress: Progress) -> object:
            for _ in trained:
                return real(loop, progress)
            raise KeyboardInterrupt

        patch.setattr(TrainingLoop, "run", run)
        assert main(flags) == 130
    kept = {path.name: path.read_bytes() for path in (suite / "results").iterdir()}
    assert len(kept) == 3  # the variants of the one context, and not yet its second seed
    assert main(flags) == 0
    told = capsys.readouterr().out
    assert kept.items() <= {p.name: p.read_bytes() for p in (suite / "results").iterdir()}.items()
    written = json.loads((suite / "suite.json").read_text())
    context, history, _ = written["variants"]
    names = [context["variant"], history["variant"], history["against"]]
    assert names == ["context", "history", "context"]
    assert (len(context["weighted_f1"]), len(history["weighted_f1"])) == (5, 3)
    table, where = (suite / "suite.md").read_text().split("\nWhere the speaker's own history helps")
    assert f"| history | 3 | {history['mean']:.2f} ({history['sd']:.2f}) |" in table
    (groups,) = written["history"].values()
    assert list(written["history"]) == ["history"]
    for group in groups:
        assert f"| {group['by']} | {group['group']} | {group['utterances']} | " in where
    assert f"{history['mean']:.2f}" in told
    drawn = (suite / "suite.svg").read_text()
    assert "context (5)" in drawn
    assert "history (3)" in drawn
    assert main([*flags, "--main"]) == 0
    assert "history" not in capsys.readouterr().out


def test_a_finished_training_says_so_and_another_one_must_go_elsewhere(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    assert main(usual) == 0
    few, _, *epochs, last = capsys.readouterr().out.splitlines()
    assert main(usual) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [few, *epochs[:3], "nothing is left to train", last]
    assert main([*usual, "--seed", "1"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"emonet train: {tmp_path / 'checkpoint'} holds a finished checkpoint with other data or "
        "settings (seed); give another --output, or remove it first"
    )


def test_a_checkpoint_names_the_languages_it_was_trained_on(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f'{SIZES}\nlanguages = ["de", "en"]\n')
    assert main([*usual, "--epochs", "1"]) == 0
    assert open_checkpoint(tmp_path / "checkpoint").settings.languages == ("de", "en")
    capsys.readouterr()
    settings.write_text('languages = ["d e"]\n')
    assert main(usual) == 1
    assert "not codes such as en" in capsys.readouterr().err


def test_training_says_which_of_dev_is_not_apart_from_the_training_data(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    dev = [row for number in (2, 3, 4) for row in episode(number)]
    write_jsonl(tmp_path / "dev.jsonl", dev)
    assert main([*usual, "--epochs", "1"]) == 0
    _, first, *_ = capsys.readouterr().out.splitlines()
    assert first == "1 of the 3 dev episodes are in part among the training data"


def test_a_training_runs_over_an_encoder_of_any_family(
    usual: list[str], small_encoder: EncoderReference, tmp_path: Path, capsys: Caught
) -> None:
    over = ["--encoder", small_encoder.name, "--epochs", "1", "--oof-folds", "2"]
    assert main([*usual, *over]) == 0
    begun = [line for line in capsys.readouterr().out.splitlines() if line.startswith("training")]
    fitted = ["fold 1 of 2", "fold 2 of 2", "context", "utterance-only classifier"]
    assert begun == [f"training: {step}" for step in (*fitted, "speaker encoder")]
    checkpoint = open_checkpoint(tmp_path / "checkpoint")
    assert checkpoint.encoder == small_encoder
    assert (
        main(["evaluate", str(tmp_path / "dev.jsonl"), "--checkpoint", str(checkpoint.folder)]) == 0
    )


def test_out_of_fold_logits_serve_another_training_as_they_served_their_own(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    assert main([*usual, "--oof-folds", "2"]) == 0
    logits = tmp_path / "checkpoint" / OOF_LOGITS
    without = [flag for flag in usual if flag not in ("--oof-folds", "0")]
    again = [*without, "--output", str(tmp_path / "again"), "--oof-logits", str(logits)]
    capsys.readouterr()
    assert main(again) == 0
    assert "training: fold" not in capsys.readouterr().out
    weights = [tmp_path / name / "trained.safetensors" for name in ("checkpoint", "again")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert main([*again, "--teacher-logits", str(logits)]) == 1
    assert "with other data or settings (teacher_logits)" in capsys.readouterr().err
    write_jsonl(tmp_path / "trn.jsonl", [row for n in (1, 4) for row in episode(n)])
    assert main(again) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"emonet train: {logits}: has the logits of other data than the")


def test_folds_and_logits_that_are_there_are_not_asked_for_together(
    usual: list[str], capsys: Caught
) -> None:
    with pytest.raises(SystemExit):
        main([*usual, "--oof-logits", "oof_logits.safetensors"])
    assert "argument --oof-logits: not allowed with argument --oof-folds" in capsys.readouterr().err


def test_more_folds_than_dialogues_are_refused_before_anything_is_trained(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    assert main([*usual, "--oof-folds", "5"]) == 1
    told = capsys.readouterr()
    assert "training:" not in told.out
    assert told.err == "emonet train: oof_folds is 5, more than the 4 episodes there are\n"
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_data_without_a_gold_label_is_not_scored(
    command: str, usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    rows = [{key: value for key, value in row.items() if key != "label"} for row in episode(3)]
    dev = str(write_jsonl(tmp_path / "dev.jsonl", rows))
    assert main(usual if command == "train" else ["evaluate", dev]) == 1
    told = capsys.readouterr()
    assert "training:" not in told.out
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
        with step_progress("training") as progress:
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
