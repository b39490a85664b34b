from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.evaluation.calibration import log_likelihood, probabilities
from model.evaluation.class_priors import fit_with_labels, fit_without_labels, gain

OWN = np.array([0.2, 0.5, 0.3])


def corpus(priors: np.ndarray, lines: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a calibrated model that expects `OWN`, of lines with these priors."""
    random = np.random.default_rng(seed)
    gold = random.choice(3, lines, p=priors)
    # of a Gaussian around each class, the posterior is softmax of a linear function
    means = 1.5 * np.eye(3)
    seen = means[gold] + random.normal(size=(lines, 3))
    return seen @ means.T + np.log(OWN), gold


@given(seed=st.integers(0, 50))
@settings(max_examples=20)
def test_mean_probabilities_of_the_lines_become_their_priors(seed: int) -> None:
    logits, gold = corpus(np.array([0.6, 0.1, 0.3]), 120, seed)
    weights = np.random.default_rng(seed).uniform(1, 9, 120)
    fit = fit_with_labels(logits, gold, weights)
    assert fit.priors.sum() == pytest.approx(1)
    mean = np.average(probabilities(fit.shifted(logits)), axis=0, weights=weights)
    np.testing.assert_allclose(mean, fit.priors, atol=1e-3)


def test_lines_of_another_habit_become_likelier() -> None:
    priors = np.array([0.7, 0.05, 0.25])
    logits, gold = corpus(priors, 300)
    fit = fit_with_labels(logits, gold, np.ones(300))
    counts = np.bincount(gold) / 300
    assert (np.abs(fit.priors - counts) < np.abs(fit.own - counts) / 5).all()
    others, theirs = corpus(priors, 3000, seed=1)
    before, after = (log_likelihood(one, theirs) for one in (others, fit.shifted(others)))
    assert after > before + 0.2
    assert gain(logits, gold, np.ones(300)) == pytest.approx(after - before, abs=0.1)


def test_a_class_that_is_in_no_line_keeps_a_prior() -> None:
    logits, gold = corpus(np.array([0.5, 0.5, 0.0]), 60)
    fit = fit_with_labels(logits, gold, np.ones(60))
    assert 0 < fit.priors[2] < fit.own[2]
    assert np.isfinite(fit.shift).all()


def test_without_labels_priors_move_towards_the_truth_and_not_past_it() -> None:
    priors = np.array([0.7, 0.1, 0.2])
    logits, _ = corpus(priors, 4000)
    fit = fit_without_labels(logits, OWN)
    assert OWN[0] < fit.priors[0] < priors[0]
    assert fit.temperature == 1


def test_without_labels_the_models_own_habit_stays_as_it_is() -> None:
    logits, _ = corpus(OWN, 20_000)
    np.testing.assert_allclose(fit_without_labels(logits, OWN).priors, OWN, atol=0.01)
