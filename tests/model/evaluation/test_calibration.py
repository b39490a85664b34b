from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_logits import drawn

from model.evaluation.calibration import (
    BINS,
    fit_speaker_weight,
    fit_temperature,
    log_likelihood,
    probabilities,
    reliability,
)
from model.network.settings import Calibration


@given(st.integers(0, 99), st.floats(0.3, 4))
def test_no_other_temperature_makes_the_gold_labels_likelier(seed: int, factor: float) -> None:
    logits, gold = drawn(seed, 60)
    best = fit_temperature(factor * logits, gold)
    near = [best * nudge for nudge in (0.9, 0.99, 1, 1.01, 1.1)]
    likelihoods = [log_likelihood(factor * logits / temperature, gold) for temperature in near]
    assert max(likelihoods) == likelihoods[2]


@pytest.mark.parametrize("factor", [0.5, 1, 3])
def test_a_model_that_is_too_sure_or_too_unsure_is_calibrated(factor: float) -> None:
    logits, gold = drawn(0, 20_000)
    temperature = fit_temperature(factor * logits, gold)
    assert temperature == pytest.approx(factor, rel=0.05)
    assert reliability(gold, factor * logits / temperature).error < 0.02
    assert factor == 1 or reliability(gold, factor * logits).error > 0.05


def test_labels_that_are_all_right_or_by_chance_have_a_temperature_too() -> None:
    logits = np.array([[2.0, 0.0], [0.0, 2.0]])
    assert fit_temperature(logits, np.array([0, 1])) == pytest.approx(1 / 16)
    assert fit_temperature(logits, np.array([1, 0])) == pytest.approx(16)


def test_utterances_without_gold_have_no_say() -> None:
    logits, gold = drawn(1, 50)
    some = np.where(np.arange(50) % 3 == 0, -1, gold)
    kept = some >= 0
    assert fit_temperature(logits, some) == fit_temperature(logits[kept], gold[kept])
    assert reliability(some, logits).error == reliability(gold[kept], logits[kept]).error


@given(st.integers(0, 99), st.integers(1, 80))
def test_the_calibration_error_is_the_mean_gap_of_confidence_and_accuracy(
    seed: int, utterances: int
) -> None:
    logits, gold = drawn(seed, utterances)
    sure = probabilities(logits.astype(np.float64)).max(axis=1)
    right = logits.argmax(axis=1) == gold
    gap = 0.0
    for bin_ in range(BINS):
        inside = (sure > bin_ / BINS) & (sure <= (bin_ + 1) / BINS)
        gap += abs(right[inside].sum() - sure[inside].sum())
    found = reliability(gold, logits)
    assert found.error == pytest.approx(gap / utterances)
    assert found.counts.sum() == utterances
    assert sum(row["utterances"] for row in found.as_json()) == utterances


def test_being_certain_falls_into_the_last_bin() -> None:
    found = reliability(np.array([0, 1]), np.array([[200.0, 0.0], [200.0, 0.0]]))
    assert found.as_json() == [{"utterances": 2, "confidence": 1.0, "accuracy": 0.5}]
    assert found.error == 0.5


def after_temperature(logits: np.ndarray, gold: np.ndarray) -> float:
    return log_likelihood(logits / fit_temperature(logits, gold), gold)


@given(st.integers(0, 99), st.floats(0, 1.5))
def test_no_other_weight_of_the_speaker_makes_the_gold_labels_likelier(
    seed: int, weight: float
) -> None:
    logits, gold = drawn(seed, 80)
    speaker_logits = np.random.default_rng(seed + 1).normal(0, 1, logits.shape).astype(np.float32)
    context = logits - weight * speaker_logits
    fitted = fit_speaker_weight(context, speaker_logits, gold)
    best = after_temperature(context + fitted * speaker_logits, gold)
    for other in (0, max(0, fitted - 0.05), min(1, fitted + 0.05), 1):
        assert best >= after_temperature(context + other * speaker_logits, gold) - 1e-6


def test_a_history_that_helps_is_kept_and_one_that_does_not_is_dropped() -> None:
    logits, gold = drawn(3, 10_000)
    speaker_logits = np.random.default_rng(4).normal(0, 1, logits.shape).astype(np.float32)
    assert fit_speaker_weight(logits - speaker_logits, speaker_logits, gold) > 0.95
    assert fit_speaker_weight(logits - speaker_logits / 2, speaker_logits, gold) == pytest.approx(
        0.5, abs=0.05
    )
    assert fit_speaker_weight(logits, speaker_logits, gold) < 0.05


NUMBERS = st.floats(0.1, 4)


@given(seed=st.integers(0, 99))
def test_without_numbers_of_its_own_a_calibration_changes_no_bit(seed: int) -> None:
    (context, _), (utterance, _), (speaker, _) = (drawn(seed + part, 20) for part in range(3))
    identity = Calibration()
    np.testing.assert_array_equal(identity.context_logits(context, utterance), context + utterance)
    np.testing.assert_array_equal(identity.speaker_logits(speaker), speaker)


@given(
    seed=st.integers(0, 99),
    numbers=st.builds(
        Calibration,
        context_weight=NUMBERS,
        utterance_weight=NUMBERS,
        speaker_weight=NUMBERS,
        class_bias=st.just(()) | st.tuples(*[st.floats(-2, 2)] * 4),
        temperature=NUMBERS,
    ),
)
def test_parts_that_are_calibrated_apart_add_up_to_the_whole(
    seed: int, numbers: Calibration
) -> None:
    context, utterance, speaker = (drawn(seed + part, 20)[0] for part in range(3))
    apart = numbers.context_logits(context, utterance) + numbers.speaker_logits(speaker)
    mixed = numbers.context_weight * (context + numbers.speaker_weight * speaker)
    mixed = mixed + numbers.utterance_weight * utterance + np.array(numbers.class_bias or 0)
    np.testing.assert_allclose(apart, mixed / numbers.temperature, rtol=1e-4, atol=1e-4)
    assert apart.dtype == np.float32
