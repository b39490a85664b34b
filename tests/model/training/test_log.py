from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from small_models import LABELS
from small_training import DATA, DEV, TRAINING, run

from model.checkpoint import open_checkpoint
from model.encoders.references import EncoderReference
from model.training.card import CARD
from model.training.log import LOG, TENSORBOARD
from model.training.progress import Epoch, Progress


class DeathError(Exception):
    """What training is interrupted with."""


class Dying(Progress):
    """Dies after the second epoch."""

    def finished(self, epoch: Epoch) -> None:
        if epoch.number == 2:
            raise DeathError


def entries(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / LOG).read_text().splitlines()]


def test_a_training_logs_losses_learning_rates_and_scores_of_each_class(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    epochs = run(tmp_path, small_bert)
    steps = [one for one in entries(tmp_path) if "step" in one]
    assert [one["step"] for one in steps] == [10 * n for n in range(1, len(steps) + 1)]
    assert all(one["training"] == "context" and one["loss"] > 0 for one in steps)
    for rate, peak in (("encoder_lr", TRAINING.encoder_lr), ("head_lr", TRAINING.head_lr)):
        assert all(0 <= one[rate] <= peak for one in steps)
    scored = [one for one in entries(tmp_path) if "epoch" in one]
    assert [one["dev_weighted_f1"] for one in scored] == [epoch.dev for epoch in epochs]
    assert all(one["dev_f1"].keys() == set(LABELS) for one in scored)


def test_an_interrupted_training_logs_each_epoch_once(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    with pytest.raises(DeathError):
        run(tmp_path, small_bert, progress=Dying())
    run(tmp_path, small_bert)
    run(tmp_path, small_bert)
    assert [one["epoch"] for one in entries(tmp_path) if "epoch" in one] == [1, 2, 3]


@pytest.mark.skipif(
    not importlib.util.find_spec("tensorboard"), reason="the package tensorboard is not installed"
)
def test_tensorboard_shows_the_same_numbers(tmp_path: Path, small_bert: EncoderReference) -> None:
    from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-not-found,unused-ignore]
        EventAccumulator,
    )

    epochs = run(tmp_path, small_bert)
    events = EventAccumulator(str(tmp_path / TENSORBOARD))
    events.Reload()
    scalars = events.Scalars("context/epoch/dev_weighted_f1")
    assert [one.step for one in scalars] == [1, 2, 3]
    assert [one.value for one in scalars] == pytest.approx([epoch.dev for epoch in epochs])


def test_a_checkpoint_has_a_card_with_its_counts_and_scores(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    run(tmp_path, small_bert)
    card = (tmp_path / CARD).read_text()
    checkpoint = open_checkpoint(tmp_path)
    scores = checkpoint.provenance["dev_scores"]
    assert sum(checkpoint.provenance["dev_priors"]) == pytest.approx(1)
    assert f"| weighted F1 | {100 * scores['weighted_f1']:.1f} |" in card
    assert f"{sum(map(len, DATA)):,} utterances to train on, {sum(map(len, DEV)):,} of dev" in card
    for label, count in checkpoint.provenance["train_labels"].items():
        f1 = 100 * scores["classes"][label]["f1"]
        assert f"| {label} | {count:,} |" in card
        assert f"| {f1:.1f} | {scores['classes'][label]['support']} |" in card
    assert checkpoint.model_id in card
    assert "*fill in" in card


def test_a_card_that_a_person_has_filled_in_is_kept(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    (tmp_path / CARD).write_text("ours")
    run(tmp_path, small_bert)
    assert (tmp_path / CARD).read_text() == "ours"
