from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_models import LABELS, made_up, small_settings
from small_training import DATA, DEV
from torch.nn import functional

import model.baselines.compm_training
from model.baselines.compm import CoMPM
from model.baselines.compm_training import Trained, add_gradients, train_compm, training_steps
from model.dataset import Data, Transcript, gold_indices
from model.encoders.references import EncoderReference
from model.errors import ModelError
from model.evaluation.scores import score
from model.network.encoder import load_encoder
from model.network.settings import TrainingSettings
from model.training.progress import Epoch, Progress

TRAINING = TrainingSettings(epochs=2, batch_turns=16)


def run(encoder: EncoderReference, folder: Path, **changes: Any) -> Trained:
    training = changes.pop("training", TRAINING)
    progress = changes.pop("progress", Progress())
    data = Data(**{"train": DATA, "dev": DEV, **changes})
    return train_compm(data, small_settings(trained_layers=1), training, encoder, folder, progress)


def gold_of(*transcripts: Transcript) -> np.ndarray:
    return gold_indices(transcripts, LABELS)


@pytest.fixture
def small_model(small_bert: EncoderReference, monkeypatch: pytest.MonkeyPatch) -> CoMPM:
    """Without dropout, and in float32, so that it can be compared."""
    monkeypatch.setattr(
        model.baselines.compm_training, "autocast", lambda _: contextlib.nullcontext()
    )
    torch.manual_seed(0)
    context, memory = load_encoder(small_bert), load_encoder(small_bert)
    return CoMPM(labels=LABELS, context=context, memory=memory, trained_layers=1).eval()


def test_the_gradients_of_a_step_are_those_of_its_mean_loss(small_model: CoMPM) -> None:
    whole = made_up(30, dialogues=3)
    some = [None if turn % 7 == 0 else label for turn, label in enumerate(whole.labels)]
    step = dataclasses.replace(whole, labels=some)
    logits = small_model(small_model.read(step))
    loss = functional.cross_entropy(logits, torch.from_numpy(gold_of(step)), ignore_index=-1)
    loss.backward()  # type: ignore[no-untyped-call]
    expected = gradients(small_model)
    small_model.zero_grad()
    assert add_gradients(small_model, step) == pytest.approx(loss.item(), abs=1e-5)
    found = gradients(small_model)
    assert found.keys() == expected.keys()
    parts = {name.partition(".")[0] for name, gradient in found.items() if gradient.any()}
    assert parts == {"context", "memory", "gru", "project", "classify"}
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient, expected[name], atol=1e-5, err_msg=name)


def gradients(small_model: CoMPM) -> dict[str, torch.Tensor]:
    return {n: p.grad.clone() for n, p in small_model.named_parameters() if p.grad is not None}


def test_a_step_keeps_the_dialogues_of_its_episodes_apart(small_model: CoMPM) -> None:
    (step,) = training_steps(DATA, TrainingSettings(batch_turns=1000), 0)
    assert len(set(step.dialogues)) == sum(len(set(t.dialogues)) for t in DATA)
    together = small_model.logits(step)
    apart = np.concatenate([small_model.logits(transcript) for transcript in DATA])
    order = [np.lexsort(logits.round(4).T) for logits in (together, apart)]
    np.testing.assert_allclose(together[order[0]], apart[order[1]], atol=1e-4)


def test_the_steps_of_an_epoch_hold_every_labelled_dialogue_once() -> None:
    unlabelled = dataclasses.replace(DATA[0], episode="none", labels=[None] * len(DATA[0]))
    epochs = [list(training_steps([*DATA, unlabelled], TRAINING, number)) for number in range(2)]
    texts = sorted(text for transcript in DATA for text in transcript.texts)
    for steps in epochs:
        assert sorted(text for step in steps for text in step.texts) == texts
        assert all(len(step) >= TRAINING.batch_turns for step in steps[:-1])
    assert [step.texts for step in epochs[0]] != [step.texts for step in epochs[1]]


def test_it_learns_what_can_be_learned(small_bert: EncoderReference, tmp_path: Path) -> None:
    texts = {"joy": "glad", "neutral": "rain", "sadness": "sorry"}
    plain = [
        dataclasses.replace(whole, texts=[texts[str(label)] for label in whole.labels])
        for whole in (made_up(12, seed=seed, dialogues=12) for seed in range(6))
    ]
    quick = TrainingSettings(epochs=8, batch_turns=2, encoder_lr=1e-3, head_lr=1e-2)
    trained = run(small_bert, tmp_path, train=plain[:4], dev=plain[4:], training=quick)
    assert trained.epochs[-1].loss < 0.5 * trained.epochs[0].loss
    assert max(epoch.dev for epoch in trained.epochs) > 95


class Recorded(Progress):
    """Remembers the epochs."""

    def __init__(self) -> None:
        self.epochs: list[Epoch] = []

    def finished(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)


def test_the_logits_are_those_of_the_best_epoch_in_timeline_order(
    small_bert: EncoderReference, tmp_path: Path
) -> None:
    recorded = Recorded()
    trained = run(small_bert, tmp_path, dev=DEV[::-1], progress=recorded)
    assert recorded.epochs == trained.epochs
    scores = score(gold_of(*DEV), trained.logits, LABELS)
    assert 100 * scores.weighted_f1 == pytest.approx(max(epoch.dev for epoch in recorded.epochs))


def test_a_seed_gives_the_same_run_and_another_one_another(
    small_bert: EncoderReference, tmp_path: Path
) -> None:
    first, again = (run(small_bert, tmp_path / name) for name in ("first", "again"))
    assert first.epochs == again.epochs
    np.testing.assert_array_equal(first.logits, again.logits)
    other = run(small_bert, tmp_path / "other", training=dataclasses.replace(TRAINING, seed=1))
    assert (other.logits != first.logits).any()


def test_an_interrupted_training_goes_on_after_its_last_epoch(
    small_bert: EncoderReference, tmp_path: Path
) -> None:
    class Interrupting(Progress):
        def finished(self, epoch: Epoch) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(small_bert, tmp_path / "halves", progress=Interrupting())
    halves, whole = (run(small_bert, tmp_path / name) for name in ("halves", "whole"))
    assert halves.epochs == whole.epochs
    np.testing.assert_array_equal(halves.logits, whole.logits)


def test_it_stops_when_dev_no_longer_grows(small_bert: EncoderReference, tmp_path: Path) -> None:
    still = TrainingSettings(
        epochs=5, patience=1, batch_turns=16, encoder_lr=0, head_lr=0, ema_decay=0
    )
    assert len(run(small_bert, tmp_path, training=still).epochs) == 2


def test_labels_that_do_not_fit_are_refused(small_bert: EncoderReference, tmp_path: Path) -> None:
    foreign = dataclasses.replace(DATA[0], labels=["anger"] * len(DATA[0]))
    with pytest.raises(ModelError, match="the data has the labels anger"):
        run(small_bert, tmp_path, train=[foreign])
    unlabelled = dataclasses.replace(DEV[0], labels=[None] * len(DEV[0]))
    with pytest.raises(ModelError, match="none of the 12 utterances"):
        run(small_bert, tmp_path, dev=[unlabelled])
