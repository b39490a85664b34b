"""Distillation over dialogue that nobody has labelled."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from small_models import made_up, small_settings
from small_training import DATA, DEV, LEARNING, TRAINING, run, word_says

from model.checkpoint import Checkpoint, load_model, open_checkpoint
from model.dataset import Data, Transcript
from model.encoders.references import EncoderReference
from model.errors import ModelError
from model.evaluation.scores import evaluate
from model.training.progress import SILENT
from model.training.soft_labels import soft_labels_of, soft_labels_step
from model.training.train import train

UNLABELLED = [
    dataclasses.replace(made_up(12, seed=seed, dialogues=2), labels=[None] * 12)
    for seed in range(10, 14)
]


LEARNED = dataclasses.replace(LEARNING, epochs=30, patience=30, encoder_lr=3e-3, oof_folds=2)
PLAIN = small_settings(tag="none", history=0, utterance_encoder_layers=0)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory, small_bert: EncoderReference) -> Checkpoint:
    folder = tmp_path_factory.mktemp("teacher")
    data, dev = word_says(0, range(8)), word_says(1, range(8, 10))
    run(folder, small_bert, LEARNED, train=data, dev=dev, settings=PLAIN)
    return open_checkpoint(folder)


def unlabelled_of(transcripts: Sequence[Transcript]) -> list[Transcript]:
    return [dataclasses.replace(t, labels=[None] * len(t)) for t in transcripts]


def distilled(
    output: Path,
    encoder: EncoderReference,
    teachers: Sequence[Checkpoint],
    data: Data,
    epochs: int = 1,
) -> Checkpoint:
    training = dataclasses.replace(LEARNED, epochs=epochs, patience=epochs, oof_folds=0)
    train(data, PLAIN, training, encoder, output, SILENT, teachers)
    return open_checkpoint(output)


def test_a_student_learns_from_dialogue_that_nobody_has_labelled(
    tmp_path: Path, small_bert: EncoderReference, teacher: Checkpoint
) -> None:
    few, dev = word_says(2, [20]), word_says(3, range(30, 33))
    many = unlabelled_of(word_says(4, range(40, 60)))
    alone = distilled(tmp_path / "alone", small_bert, [], Data(few, dev), epochs=8)
    taught = distilled(
        tmp_path / "taught", small_bert, [teacher], Data(few, dev, unlabelled=many), epochs=8
    )
    unseen = word_says(5, range(70, 74))
    one, other = (
        evaluate(load_model(checkpoint).for_inference(), unseen, history=[]).weighted_f1
        for checkpoint in (alone, taught)
    )
    assert other > max(0.9, one)


def test_soft_labels_are_calibrated_and_without_class_bias(
    tmp_path: Path, teacher: Checkpoint
) -> None:
    step = soft_labels_step(UNLABELLED, [teacher], SILENT)
    found = soft_labels_of(step, tmp_path).read()
    assert teacher.calibration.class_bias
    model = load_model(teacher).for_inference()
    bias = np.array(teacher.calibration.class_bias, np.float32) / teacher.calibration.temperature
    for part, transcript in zip(np.split(found, len(UNLABELLED)), UNLABELLED, strict=True):
        expected = model.encode(transcript).context_logits - bias
        np.testing.assert_allclose(part, expected, atol=1e-5)


def test_two_teachers_teach_their_mean(
    tmp_path: Path, small_bert: EncoderReference, teacher: Checkpoint
) -> None:
    other = distilled(tmp_path / "other", small_bert, [], Data(DATA, DEV))

    def labels_of(*teachers: Checkpoint) -> np.ndarray:
        return soft_labels_of(soft_labels_step(UNLABELLED, teachers, SILENT), tmp_path).read()

    mean = (labels_of(teacher) + labels_of(other)) / 2
    np.testing.assert_allclose(labels_of(teacher, other), mean, atol=1e-6)


def test_a_checkpoint_names_its_teachers_and_how_much_they_labelled(
    tmp_path: Path, small_bert: EncoderReference, teacher: Checkpoint
) -> None:
    data = Data(DATA, DEV, unlabelled=UNLABELLED)
    provenance = distilled(tmp_path, small_bert, [teacher], data).provenance
    assert provenance["teachers"] == [teacher.model_id]
    assert provenance["unlabelled_utterances"] == 48


def test_unlabelled_data_wants_a_teacher_that_knows_the_labels(
    tmp_path: Path, small_bert: EncoderReference, teacher: Checkpoint
) -> None:
    data = Data(DATA, DEV, unlabelled=UNLABELLED)
    with pytest.raises(ModelError, match="wants a teacher"):
        distilled(tmp_path, small_bert, [], data)
    settings = dataclasses.replace(PLAIN, labels=("joy", "sadness"))
    others = [dataclasses.replace(t, labels=[label and "joy" for label in t.labels]) for t in DATA]
    with pytest.raises(ModelError, match="labels joy, neutral, sadness, the data joy, sadness"):
        train(
            Data(others, others, unlabelled=UNLABELLED),
            settings,
            TRAINING,
            small_bert,
            tmp_path,
            SILENT,
            [teacher],
        )
