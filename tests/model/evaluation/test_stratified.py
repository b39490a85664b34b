from __future__ import annotations

import numpy as np
import pytest

from model.evaluation.scores import weighted_f1
from model.evaluation.stratified import sample_scores

LABELS = ("joy", "neutral", "sadness")
SIZES = np.array([300, 1500, 200])


def corpus(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Gold and predicted labels of 2,000 lines; the strata are the predicted labels."""
    random = np.random.default_rng(seed)
    predicted = np.repeat(np.arange(3), SIZES)
    right = random.random(len(predicted)) < np.array([0.5, 0.8, 0.3])[predicted]
    return np.where(right, predicted, random.integers(0, 3, len(predicted))), predicted


def drawn(seed: int, each: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    starts = np.cumsum([0, *SIZES[:-1]])
    return np.concatenate(
        [
            start + random.choice(size, each, replace=False)
            for start, size in zip(starts, SIZES, strict=True)
        ]
    )


def test_a_sample_of_all_lines_gives_the_scores_of_the_corpus_without_doubt() -> None:
    gold, predicted = corpus(0)
    scores = sample_scores(gold, predicted, predicted, SIZES.astype(float), LABELS)
    confusion = np.zeros((3, 3))
    np.add.at(confusion, (gold, predicted), 1)
    one = scores.scores["weighted_f1"]
    assert one.value == one.low == one.high == pytest.approx(float(weighted_f1(confusion)))


def test_scores_of_samples_are_those_of_the_corpus_on_average_and_intervals_hold_them() -> None:
    gold, predicted = corpus(0)
    whole = sample_scores(gold, predicted, predicted, SIZES.astype(float), LABELS)
    for name in ("accuracy", "weighted_f1", "macro_f1"):
        truth, values, held = whole.scores[name].value, [], 0
        for seed in range(60):
            at = drawn(seed, 60)
            one = sample_scores(
                gold[at], predicted[at], predicted[at], SIZES.astype(float), LABELS
            ).scores[name]
            values.append(one.value)
            held += one.low <= truth <= one.high
        assert np.mean(values) == pytest.approx(truth, abs=0.015)
        assert held >= 52  # of 60, of which 57 are expected


def test_lines_that_weigh_alike_would_be_off() -> None:
    gold, predicted = corpus(0)
    at = drawn(0, 60)
    plain = sample_scores(gold[at], predicted[at], np.zeros(180, int), np.array([180.0]), LABELS)
    truth = (gold == predicted).mean()
    assert plain.scores["accuracy"].high < truth
