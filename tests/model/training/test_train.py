from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import safetensors.torch
import torch
from small_models import LABELS, made_up, small_settings, transcript, untrained
from small_training import (
    DATA,
    DEV,
    HISTORY_DATA,
    HISTORY_DEV,
    HISTORY_SETTINGS,
    LEARNING,
    SETTINGS,
    TRAINING,
    run,
    word_says,
)

import model.training.class_bias
import model.training.recipe
from model.checkpoint import WEIGHTS, load_model, open_checkpoint
from model.dataset import Data, Transcript, gold_indices
from model.encoders.references import EncoderReference
from model.errors import ModelError
from model.evaluation.calibration import fit_temperature
from model.evaluation.scores import evaluate, predict
from model.network.settings import SPEAKERS, TrainingSettings
from model.training.batches import read_corpus
from model.training.class_bias import fit_class_bias
from model.training.context import ContextTraining
from model.training.cross_fitting import OOF_LOGITS, cross_fitting, load_oof_logits
from model.training.loop import TrainingLoop
from model.training.progress import SILENT, Epoch, Progress
from model.training.speaker_stage import read_histories


class Watch(Progress):
    """Remembers the steps of one part of a training, and how many were done after each epoch."""

    def __init__(self, part: str):
        self.part = part
        self.step = ""
        self.seen: list[tuple[int, int]] = []
        self.epochs: list[int] = []

    def begin(self, step: str) -> None:
        self.step = step

    def advance(self, done: int, total: int) -> None:
        if self.step == self.part:
            self.seen.append((done, total))

    def finished(self, epoch: Epoch) -> None:
        if self.step == self.part:
            self.epochs.append(len(self.seen))


def test_progress_counts_every_step(tmp_path: Path, small_bert: EncoderReference) -> None:
    watch = Watch("context")
    # an epoch has more or fewer batches as long dialogues and short ones come one after another
    data = [made_up(12, seed=seed, dialogues=12 if seed % 2 else 1) for seed in range(6)]
    training = dataclasses.replace(TRAINING, batch_turns=5)
    run(tmp_path, small_bert, training, train=data, progress=watch)
    assert len(set(np.diff([0, *watch.epochs]))) > 1
    steps = len(watch.seen)
    assert watch.seen == [(step + 1, steps) for step in range(steps)]


def test_a_corpus_is_read_in_the_order_of_its_places(small_bert: EncoderReference) -> None:
    trained = untrained(small_bert, history=3)
    # by their ids the episodes stand the other way round
    data = [dataclasses.replace(t, episode=f"{9 - n}") for n, t in enumerate(DATA)]
    context, context_again = (read_corpus(trained, t, LABELS) for t in (data, data[::-1]))
    assert context.turns == context_again.turns
    assert context.windows == context_again.windows
    np.testing.assert_array_equal(context.gold, context_again.gold)
    histories, again = (
        read_histories(both.train, both.dev, np.zeros((0, 0)), n=3, labels=LABELS)
        for both in (Data(data, DEV), Data(data[::-1], DEV[::-1]))
    )
    for one, other in zip(histories, again, strict=True):
        np.testing.assert_array_equal(one.windows, other.windows)
        np.testing.assert_array_equal(one.gold, other.gold)
    places = np.concatenate([np.full(len(t), n) for n, t in enumerate([*DATA, *DEV])])
    windows = np.concatenate([part.windows for part in histories])
    assert (places[windows] <= places[:, None])[windows >= 0].all()


def test_dev_has_its_speakers_history_in_the_training_set() -> None:
    _, dev = read_histories(DATA, DEV, np.zeros((0, 0)), n=3, labels=LABELS)
    known = {who for t in DATA for who in t.speakers}
    speakers = [who for t in DEV for who in t.speakers]
    assert any(speakers)
    for who, history in zip(speakers, dev.windows, strict=True):
        assert (history >= 0).all() == (who in known and who is not None)


def test_it_learns_what_a_word_says(tmp_path: Path, small_encoder: EncoderReference) -> None:
    data, dev = word_says(0, range(8)), word_says(1, range(8, 10))
    settings = small_settings(tag="none", history=0)
    training = dataclasses.replace(LEARNING, epochs=30, patience=30, encoder_lr=3e-3)
    run(tmp_path, small_encoder, training, train=data, dev=dev, settings=settings)
    trained = load_model(open_checkpoint(tmp_path)).for_inference()
    assert evaluate(trained, dev, history=data).weighted_f1 > 0.9


def test_what_words_say_is_learned_without_a_context_that_learns_anything(
    tmp_path: Path, small_encoder: EncoderReference
) -> None:
    data, dev = word_says(0, range(8)), word_says(1, range(8, 10))
    settings = small_settings(tag="none", history=0, trained_layers=0, utterance_encoder_layers=2)
    training = dataclasses.replace(LEARNING, epochs=30, patience=30, encoder_lr=3e-3)
    run(tmp_path, small_encoder, training, train=data, dev=dev, settings=settings)
    trained = load_model(open_checkpoint(tmp_path)).for_inference()
    assert evaluate(trained, dev, history=data).weighted_f1 > 0.9


def test_auxiliary_data_with_labels_of_its_own_improves_the_encoder(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    data, dev = word_says(0, [0]), word_says(1, range(8, 10))
    other = {"joy": "bright", "neutral": "plain", "sadness": "dark"}
    auxiliary = [
        dataclasses.replace(t, labels=[other[str(label)] for label in t.labels])
        for t in word_says(2, range(20, 30))
    ]
    # with per-turn positions the one transcript would do, and there were nothing left to gain
    settings = small_settings(
        tag="none", history=0, per_turn_positions=False, utterance_encoder_layers=0
    )
    training = dataclasses.replace(
        LEARNING, epochs=20, patience=20, batch_turns=4, encoder_lr=3e-3, auxiliary_weight=2
    )
    without, with_ = (
        max(
            epoch.dev
            for epoch in run(
                tmp_path / f"{len(more)}",
                small_bert,
                training,
                train=data,
                dev=dev,
                settings=settings,
                auxiliary=more,
            )
        )
        for more in ([], auxiliary)
    )
    assert with_ > without + 10


def test_it_learns_what_only_the_speakers_history_decides(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    run(
        tmp_path,
        small_bert,
        LEARNING,
        train=HISTORY_DATA,
        dev=HISTORY_DEV,
        settings=HISTORY_SETTINGS,
    )
    trained = load_model(open_checkpoint(tmp_path)).for_inference()
    scores = evaluate(trained, HISTORY_DEV, history=HISTORY_DATA)
    assert scores.confusion.sum() == 80
    assert scores.weighted_f1 > 0.9


@pytest.mark.parametrize("control", ["no history", "shuffled", "episode", "no second stage"])
def test_without_the_speakers_own_history_it_cannot_learn_that(
    tmp_path: Path, small_bert: EncoderReference, control: str
) -> None:
    settings = dataclasses.replace(HISTORY_SETTINGS, history=0 if control == "no history" else 2)
    training = dataclasses.replace(
        LEARNING,
        speakers=control if control in SPEAKERS else "corpus",
        speaker_epochs=0 if control == "no second stage" else LEARNING.speaker_epochs,
    )
    run(tmp_path, small_bert, training, train=HISTORY_DATA, dev=HISTORY_DEV, settings=settings)
    assert open_checkpoint(tmp_path).provenance["dev_weighted_f1"] < 70


def test_the_context_is_the_same_with_and_without_history(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    folders = [tmp_path / f"{history}" for history in (0, 3)]
    for folder, history in zip(folders, (0, 3), strict=True):
        settings = dataclasses.replace(SETTINGS, history=history)
        run(folder, small_bert, settings=settings)
    without, with_ = (safetensors.torch.load_file(folder / WEIGHTS) for folder in folders)
    context = [name for name in without if name.startswith(("context.", "classify."))]
    assert context
    assert all(torch.equal(without[name], with_[name]) for name in context)
    assert with_["project.weight"].any()
    assert (
        open_checkpoint(folders[0]).provenance["epochs"]
        == (open_checkpoint(folders[1]).provenance["epochs"])
    )


def test_a_checkpoint_is_as_sure_of_its_labels_as_dev_says(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    before, after = HISTORY_DEV
    # without a wrong label there is no being too sure
    wrong = [after.labels[5 * (n // 5)] for n in range(len(after))]
    dev = [before, dataclasses.replace(after, labels=wrong)]
    run(tmp_path, small_bert, LEARNING, train=HISTORY_DATA, dev=dev, settings=HISTORY_SETTINGS)
    checkpoint = open_checkpoint(tmp_path)
    assert checkpoint.calibration.temperature > 1.5
    logits = predict(load_model(checkpoint).for_inference(), dev, history=HISTORY_DATA)
    gold = gold_indices(dev, checkpoint.settings.labels)
    # weights are stored in bfloat16
    assert fit_temperature(logits, gold) == pytest.approx(1, abs=0.1)


def test_utterances_without_gold_are_read_and_not_learned_from(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    unlabelled = dataclasses.replace(
        made_up(40, seed=9, dialogues=5), labels=[None] * 40, episode="unlabelled", place=(9,)
    )
    each_its_own_batch = dataclasses.replace(TRAINING, epochs=1, batch_turns=1)
    epochs = run(tmp_path, small_bert, each_its_own_batch, train=[*DATA, unlabelled])
    assert all(np.isfinite(epoch.loss) for epoch in epochs)


def test_a_dev_label_that_training_lacks_is_refused(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    with pytest.raises(ModelError, match="the data has the labels anger"):
        run(tmp_path, small_bert, dev=[transcript(["Grr."], episode="x", labels=["anger"])])


def test_dev_data_without_a_gold_label_is_refused_before_anything_is_made(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    unlabelled = [dataclasses.replace(t, labels=[None] * len(t)) for t in DEV]
    with pytest.raises(ModelError, match="none of the 24 utterances to score on has a gold label"):
        run(tmp_path / "checkpoint", small_bert, dev=unlabelled)
    assert not (tmp_path / "checkpoint").exists()


def test_an_output_that_cannot_be_written_is_refused_before_the_data_is_read(
    tmp_path: Path, small_bert: EncoderReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.delattr(model.training.recipe.Recipe, "export")
    with pytest.raises(ModelError, match=r"file/checkpoint/.training: cannot be written \(Not a"):
        run(tmp_path / "file" / "checkpoint", small_bert)


@pytest.mark.parametrize("field", ["epochs", "patience", "batch_turns"])
def test_training_settings_that_train_nothing_are_refused(field: str) -> None:
    nothing: dict[str, Any] = {field: 0}
    with pytest.raises(ModelError, match=field):
        TrainingSettings(**nothing)


TWO_FOLDS = dataclasses.replace(TRAINING, oof_folds=2)


def oof_logits(train: Sequence[Transcript], folder: Path, encoder: EncoderReference) -> np.ndarray:
    training = dataclasses.replace(TRAINING, epochs=1)
    context = ContextTraining(Data(train, DEV), SETTINGS, training, encoder)
    made = cross_fitting(context, 2, folder, SILENT).finish(folder)
    return load_oof_logits(made / OOF_LOGITS, train, LABELS)


def test_out_of_fold_logits_of_an_episode_do_not_depend_on_its_labels(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    logits = oof_logits(DATA, tmp_path, small_bert)
    assert logits.shape == (sum(map(len, DATA)), len(SETTINGS.labels))
    other = [next(label for label in LABELS if label != gold) for gold in DATA[0].labels]
    changed = [dataclasses.replace(DATA[0], labels=other), *DATA[1:]]
    then = oof_logits(changed, tmp_path, small_bert)
    ends = np.cumsum([len(t) for t in DATA])[:-1]
    pairs = zip(np.split(logits, ends), np.split(then, ends), strict=True)
    same = [np.array_equal(one, two) for one, two in pairs]
    # the first and the third are one fold, whose context the changed labels are no lesson for
    assert same == [True, False, True, False]


def test_a_context_learns_from_its_teacher(tmp_path: Path, small_bert: EncoderReference) -> None:
    utterances, classes = sum(map(len, DATA)), len(SETTINGS.labels)
    settings = dataclasses.replace(SETTINGS, history=0)
    training = dataclasses.replace(TRAINING, distillation_weight=0.9, head_lr=1.0, ema_decay=0)
    for number, label in enumerate(SETTINGS.labels):
        one = np.float32(9) * np.eye(classes, dtype=np.float32)[number]
        folder = tmp_path / label
        teacher = np.tile(one, (utterances, 1))
        run(folder, small_bert, training, settings=settings, teacher_logits=teacher)
        logits = predict(load_model(open_checkpoint(folder)).for_inference(), DEV)
        assert (logits.argmax(axis=1) == number).mean() > 0.9


def test_teacher_logits_take_the_place_of_out_of_fold_logits_in_distillation_alone(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    shape = sum(map(len, DATA)), len(LABELS)
    teacher, oof, other = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    folders = [tmp_path / str(number) for number in range(3)]
    for folder, logits in zip(folders, (None, oof, other), strict=True):
        run(folder, small_bert, oof_logits=logits, teacher_logits=teacher)
    first, *rest = (load_model(open_checkpoint(folder)) for folder in folders)
    for trained, logits in zip(rest, (oof, other), strict=True):
        torch.testing.assert_close(trained.context.state_dict(), first.context.state_dict())
        torch.testing.assert_close(trained.classify.state_dict(), first.classify.state_dict())
        bias = fit_class_bias(logits, gold_indices(DATA, SETTINGS.labels))
        np.testing.assert_array_equal(np.array(trained.calibration.class_bias, np.float32), bias)
    assert first.calibration.class_bias == ()
    run(tmp_path / "own", small_bert, oof_logits=oof)
    own = load_model(open_checkpoint(tmp_path / "own"))
    assert not torch.allclose(own.classify.weight, first.classify.weight)


def test_folds_that_are_finished_are_not_trained_again(
    tmp_path: Path, small_bert: EncoderReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "whole", small_bert, TWO_FOLDS)
    with monkeypatch.context() as patch:
        patch.setattr(
            model.training.class_bias, "fit_class_bias", Mock(side_effect=KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "again", small_bert, TWO_FOLDS)
    with monkeypatch.context() as patch:
        patch.setattr(TrainingLoop, "_epoch", lambda *_: pytest.fail("trained again"))
        run(tmp_path / "again", small_bert, TWO_FOLDS)
    whole, again = ((tmp_path / name / WEIGHTS).read_bytes() for name in ("whole", "again"))
    assert whole == again
    assert not (tmp_path / "again" / ".training").exists()


def test_a_class_bias_is_fitted_where_there_are_out_of_fold_logits_and_it_is_asked_for(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    once = dataclasses.replace(TWO_FOLDS, epochs=1)
    run(tmp_path / "with", small_bert, once)
    run(tmp_path / "without", small_bert, dataclasses.replace(once, fit_class_bias=False))
    with_, without = (open_checkpoint(tmp_path / name) for name in ("with", "without"))
    assert without.calibration.class_bias == ()
    assert len(with_.calibration.class_bias) == len(LABELS)
    assert sum(with_.calibration.class_bias) == pytest.approx(0, abs=1e-6)
    with pytest.raises(ModelError, match="oof_folds is 5, more than the 4 episodes there are"):
        run(tmp_path / "too many", small_bert, dataclasses.replace(once, oof_folds=5))
    assert not (tmp_path / "too many").exists()
