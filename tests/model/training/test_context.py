from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from small_models import untrained
from small_training import DATA, DEV, TRAINING, run
from small_training import SETTINGS as SMALL

import model.training.recipe
import model.training.steps
from model.checkpoint import SETTINGS, SUMS, WEIGHTS, open_checkpoint
from model.dataset import Transcript
from model.encoders.references import EncoderReference
from model.errors import ModelError
from model.evaluation.calibration import reliability
from model.evaluation.scores import Scores
from model.network.settings import TrainingSettings
from model.network.settings_file import as_table
from model.training.card import CARD
from model.training.context import ContextLearner
from model.training.log import LOG
from model.training.progress import Epoch, Progress

FILES = [SETTINGS, WEIGHTS, SUMS]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, small_bert: EncoderReference) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    run(folder, small_bert)
    assert {path.name for path in folder.iterdir()} == {*FILES, CARD, LOG}
    return folder


def test_a_seed_gives_one_checkpoint_to_the_byte(
    tmp_path: Path, small_bert: EncoderReference, uninterrupted: Path
) -> None:
    run(tmp_path, small_bert)
    assert bytes_of(tmp_path) == bytes_of(uninterrupted)


def test_another_seed_gives_other_weights(
    tmp_path: Path, small_bert: EncoderReference, uninterrupted: Path
) -> None:
    run(tmp_path, small_bert, dataclasses.replace(TRAINING, seed=1))
    assert (tmp_path / WEIGHTS).read_bytes() != (uninterrupted / WEIGHTS).read_bytes()


class DeathError(Exception):
    """What training is interrupted with."""


def die(*_: object) -> None:
    raise DeathError


class Log(Progress):
    """Records its events, and dies after a share of the steps."""

    def __init__(self, share: float = 1.0):
        self.share = share
        self.events: list[int | str] = []
        self.steps: list[int] = []

    def resumed(self, number: int | None) -> None:
        self.events.append(f"{number}")

    def advance(self, done: int, total: int) -> None:
        if done > self.share * total:
            raise DeathError
        self.steps.append(done)

    def finished(self, epoch: Epoch) -> None:
        self.events.append(epoch.number)


def relabelled(transcript: Transcript) -> Transcript:
    return dataclasses.replace(
        transcript, labels=["glad" if label == "joy" else "not" for label in transcript.labels]
    )


@pytest.mark.parametrize("share", [0, 0.34, 0.5, 0.99])
def test_an_interrupted_run_ends_as_one_that_was_not(
    tmp_path: Path, small_bert: EncoderReference, uninterrupted: Path, share: float
) -> None:
    with pytest.raises(DeathError):
        run(tmp_path, small_bert, progress=Log(share))
    with pytest.raises(ModelError, match="no finished checkpoint"):
        open_checkpoint(tmp_path)
    log = Log()
    run(tmp_path, small_bert, progress=log)
    assert bytes_of(tmp_path) == bytes_of(uninterrupted)
    went_on = 1 + int(TRAINING.epochs * share)
    assert (log.steps[0] > 1) == (went_on > 1)
    epochs = list(range(1, TRAINING.epochs + 1))
    resumed = [f"{went_on}"] if went_on > 1 else []
    assert log.events == [*epochs[: went_on - 1], *resumed, *epochs[went_on - 1 :]]


def test_an_interrupted_run_with_auxiliary_data_ends_as_one_that_was_not(
    tmp_path: Path, small_bert: EncoderReference, uninterrupted: Path
) -> None:
    auxiliary = [relabelled(transcript) for transcript in DATA[:3]]
    run(tmp_path / "whole", small_bert, auxiliary=auxiliary)
    with pytest.raises(DeathError):
        run(tmp_path / "halves", small_bert, auxiliary=auxiliary, progress=Log(0.5))
    run(tmp_path / "halves", small_bert, auxiliary=auxiliary)
    assert bytes_of(tmp_path / "halves") == bytes_of(tmp_path / "whole")
    # it has learned something else, and the head is no part of the checkpoint
    one, other = (
        safetensors.torch.load_file(folder / WEIGHTS)
        for folder in (tmp_path / "whole", uninterrupted)
    )
    assert one.keys() == other.keys()
    assert any((one[name] != other[name]).any() for name in one)


def test_without_a_moving_average_the_last_weights_of_an_epoch_are_kept(
    tmp_path: Path, small_bert: EncoderReference, scripted_dev: list[dict[str, torch.Tensor]]
) -> None:
    once = dataclasses.replace(TRAINING, epochs=1)
    for decay in (0.0, 0.99):
        run(tmp_path / f"{decay}", small_bert, dataclasses.replace(once, ema_decay=decay))
    last, averaged = scripted_dev
    start = untrained(small_bert, **dataclasses.asdict(SMALL)).trained()
    names = [name for name in last if name.startswith("context.") and name.endswith("weight")]
    for name in names:
        moved = [(weights[name] - start[name]).norm() for weights in (averaged, last)]
        assert 0 < moved[0] < moved[1]


def test_a_run_that_died_before_its_checkpoint_is_not_trained_again(
    tmp_path: Path,
    small_bert: EncoderReference,
    uninterrupted: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(model.training.recipe, "save_checkpoint", die)
        with pytest.raises(DeathError):
            run(tmp_path, small_bert)
    run(tmp_path, small_bert, progress=Log(0))
    assert bytes_of(tmp_path) == bytes_of(uninterrupted)


@pytest.mark.parametrize(
    ("changes", "other"),
    [
        ({"settings": dataclasses.replace(SMALL, history=4)}, "history"),
        ({"training": dataclasses.replace(TRAINING, seed=1)}, "seed"),
        ({"train": DATA[:3]}, "data_digest"),
        ({"dev": DEV[:1]}, "dev_digest"),
        ({"auxiliary": DATA[:1]}, "auxiliary_digest"),
    ],
    ids=["settings", "training", "train", "dev", "auxiliary"],
)
def test_an_unfinished_run_with_other_settings_is_refused(
    tmp_path: Path, small_bert: EncoderReference, changes: dict[str, Any], other: str
) -> None:
    with pytest.raises(DeathError):
        run(tmp_path, small_bert, progress=Log(0.5))
    refusal = rf"holds an unfinished training with other data or settings \({other}"
    with pytest.raises(ModelError, match=refusal):
        run(tmp_path, small_bert, **changes)


def test_a_finished_checkpoint_is_not_replaced_by_another(
    tmp_path: Path, small_bert: EncoderReference, uninterrupted: Path
) -> None:
    folder = shutil.copytree(uninterrupted, tmp_path / "finished")
    longer = dataclasses.replace(TRAINING, epochs=4, seed=1)
    with pytest.raises(ModelError, match=r"finished checkpoint with .* \(epochs, seed\); give"):
        run(folder, small_bert, longer)
    assert bytes_of(folder) == bytes_of(uninterrupted)


def test_a_finished_checkpoint_is_told_of_and_not_trained_again(
    tmp_path: Path, small_bert: EncoderReference, uninterrupted: Path
) -> None:
    folder = shutil.copytree(uninterrupted, tmp_path / "finished")
    (folder / ".training").mkdir()  # as when the machine goes down in the last moment
    (folder / ".training" / "state.safetensors").write_bytes(b"half of it")
    log = Log(0)
    epochs = run(folder, small_bert, progress=log)
    assert log.events == [*(epoch.number for epoch in epochs), "None"]
    assert len(epochs) == TRAINING.epochs
    assert bytes_of(folder) == bytes_of(uninterrupted)


def test_a_run_that_dies_while_it_is_described_begins_anew(
    tmp_path: Path, small_bert: EncoderReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(path: Path, content: str, **_: str) -> None:
        path.write_bytes(content.encode()[: len(content) // 2])
        raise DeathError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", write_half)
        with pytest.raises(DeathError):
            run(tmp_path, small_bert)
    assert len(run(tmp_path, small_bert)) == TRAINING.epochs


@pytest.fixture
def scripted_dev(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, torch.Tensor]]]:
    """Dev scores of 10, 30, 20, 25, 40 percent, and the context that each was given for."""
    seen: list[dict[str, torch.Tensor]] = []

    def dev_scores(learner: ContextLearner) -> Scores:
        context = learner.averaged
        seen.append({name: value.detach().clone() for name, value in context.items()})
        right = (10, 30, 20, 25, 40)[len(seen) - 1]
        confusion = np.array([[right, 100 - right], [100 - right, right]])
        return Scores(
            ("no", "yes"),
            confusion,
            reliability(np.zeros(0, np.int64), np.zeros((0, 2), np.float32)),
        )

    monkeypatch.setattr(ContextLearner, "dev_scores", dev_scores)
    return seen  # type: ignore[return-value]


def test_training_stops_when_dev_gains_no_more_and_keeps_the_best_epoch(
    tmp_path: Path, small_bert: EncoderReference, scripted_dev: list[dict[str, torch.Tensor]]
) -> None:
    epochs = run(
        tmp_path, small_bert, TrainingSettings(epochs=5, patience=2, batch_turns=16, oof_folds=0)
    )
    assert [epoch.dev for epoch in epochs] == pytest.approx([10, 30, 20, 25])
    stored = safetensors.torch.load_file(tmp_path / WEIGHTS)
    provenance = open_checkpoint(tmp_path).provenance
    for name, tensor in scripted_dev[1].items():
        torch.testing.assert_close(stored[name], tensor.to(stored[name].dtype), rtol=0, atol=0)
    last = scripted_dev[3]
    assert any((stored[name] != last[name]).any() for name in last if name.startswith("context."))
    assert provenance["epoch"] == 2


def test_an_interruption_does_not_restart_patience(
    tmp_path: Path, small_bert: EncoderReference, scripted_dev: list[dict[str, torch.Tensor]]
) -> None:
    training = TrainingSettings(epochs=5, patience=2, batch_turns=16, oof_folds=0)
    with pytest.raises(DeathError):
        run(tmp_path, small_bert, training, progress=Log(0.6))
    assert len(scripted_dev) == 3
    assert len(run(tmp_path, small_bert, training)) == 4


def test_a_checkpoint_says_where_it_comes_from(uninterrupted: Path) -> None:
    provenance = json.loads((uninterrupted / SETTINGS).read_text())["provenance"]
    assert provenance["settings"] == json.loads(json.dumps(as_table(SMALL, TRAINING)))
    assert provenance["train_utterances"] == sum(map(len, DATA))
    assert provenance["dev_utterances"] == sum(map(len, DEV))
    assert sum(provenance["train_labels"].values()) == sum(map(len, DATA))
    assert provenance["versions"].keys() == {"python", "torch", "transformers"}
