from __future__ import annotations

import numpy as np
import pytest
from made_up_logits import drawn

from model.evaluation.calibration import probabilities
from model.evaluation.scores import score
from model.training.class_bias import fit_class_bias


def f1(logits: np.ndarray, gold: np.ndarray) -> float:
    return score(gold, logits, ("a", "b", "c", "d")).weighted_f1


def test_a_class_that_is_named_too_often_is_named_less_also_where_nothing_was_learned() -> None:
    logits, gold = drawn(0, 4000)
    tilted = logits + np.array([1.5, 0, 0, -1.5], dtype=np.float32)
    learned, held = slice(0, 2000), slice(2000, 4000)
    offsets = fit_class_bias(tilted[learned], gold[learned])
    assert offsets[0] < -1 < 1 < offsets[3]
    gained = f1(tilted[held] + offsets, gold[held]) - f1(tilted[held], gold[held])
    left = f1(logits[held], gold[held]) - f1(tilted[held] + offsets, gold[held])
    assert gained > 0.05
    assert left < 0.01


def test_offsets_depend_on_what_is_said_of_an_utterance_up_to_a_constant() -> None:
    logits, gold = drawn(1, 500)
    rows = np.random.default_rng(0).integers(-3, 4, (500, 1)).astype(np.float32)
    offsets = fit_class_bias(logits, gold)
    assert offsets.dtype == np.float32
    assert offsets.sum() == pytest.approx(0, abs=1e-6)
    np.testing.assert_array_equal(fit_class_bias(np.log(probabilities(logits)), gold), offsets)
    np.testing.assert_array_equal(fit_class_bias(logits + rows, gold), offsets)


def test_utterances_without_a_gold_label_have_no_say() -> None:
    logits, gold = drawn(2, 300)
    unknown = np.concatenate([gold, np.full(50, -1)])
    more = np.concatenate([logits, np.full((50, 4), 9, dtype=np.float32)])
    np.testing.assert_array_equal(fit_class_bias(more, unknown), fit_class_bias(logits, gold))
