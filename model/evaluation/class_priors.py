"""Class priors of a corpus, and the shift of logits that gives them. Pure: numpy arrays.

With labels the priors are their counts, shrunken towards what the model expects of the same lines.
Without any they are those of the EM of Saerens, Latinne and Decaestecker 2002, "Adjusting the
Outputs of a Classifier to New a Priori Probabilities", with the same kind of shrinking: where
classes are hard to tell apart, the likelihood is so flat that EM alone ends far from the truth.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from model.evaluation.calibration import fit_temperature, log_likelihoods, probabilities

PSEUDO_LINES = 20.0
"""Lines that the model's own priors count for beside labelled ones."""

PSEUDO_SHARE = 1.0
"""The same beside lines without labels, as a share of their number."""

_FOLDS = 10
_ROUNDS, _STEPS, _CLOSE = 20, 500, 1e-6


@dataclasses.dataclass(frozen=True)
class Fit:
    """Numbers as `LabelShift` has them.

    Attributes:
      priors: of the corpus, (classes,) float64, which sum to one.
      own: what the model expects, (classes,) float64.
      shift: (classes,) float64, with mean zero.
      temperature: of the shifted logits.
    """

    priors: np.ndarray
    own: np.ndarray
    shift: np.ndarray
    temperature: float

    def shifted(self, logits: np.ndarray) -> np.ndarray:
        """Logits, (utterances, classes), under the fit."""
        return np.asarray((logits + self.shift) / self.temperature)


def fit_with_labels(logits: np.ndarray, gold: np.ndarray, weights: np.ndarray) -> Fit:
    """Priors by counts, the shift that gives them, and the temperature of the labels.

    The shift is the one under which the mean probabilities of these very lines are the priors. This
    is the equation of maximum likelihood for the bias of a class, with pseudo-counts.

    Args:
      logits: (lines, classes) float.
      gold: (lines,) int64, all known.
      weights: (lines,) float64; lines of the corpus that each stands for, up to a factor.
    """
    lines, classes = logits.shape
    weights = weights * lines / weights.sum()
    own = weights @ probabilities(logits) / lines
    counts = np.bincount(gold, weights, minlength=classes)
    priors = (counts + PSEUDO_LINES * own) / (lines + PSEUDO_LINES)
    shift, temperature = np.zeros(classes), 1.0
    for _ in range(_ROUNDS):
        shift = _matching(logits, weights, priors, temperature, shift)
        before, temperature = temperature, fit_temperature(logits + shift, gold, weights)
        if abs(np.log(temperature / before)) < _CLOSE:
            break
    return Fit(priors, own, shift, temperature)


def fit_without_labels(logits: np.ndarray, own: np.ndarray) -> Fit:
    """Priors by EM with a Dirichlet prior, and their shift.

    Args:
      logits: (lines, classes) float.
      own: mean probability of each class over text of the kind that the model was calibrated on,
        (classes,) float64.
    """
    likelihoods, priors = probabilities(logits) / own, own
    for _ in range(_STEPS):
        joint = likelihoods * priors
        found = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
        before, priors = priors, (found + PSEUDO_SHARE * own) / (1 + PSEUDO_SHARE)
        if np.abs(priors - before).max() < _CLOSE:
            break
    shift = np.log(priors / own)
    return Fit(priors, own, shift - shift.mean(), 1.0)


def gain(logits: np.ndarray, gold: np.ndarray, weights: np.ndarray) -> float:
    """How much likelier a fit makes gold labels that it has not seen, in nats a line.

    By cross-validation over tenths of the lines.

    Args:
      logits: (lines, classes) float.
      gold: (lines,) int64, all known.
      weights: (lines,) float64.
    """
    fold = np.random.default_rng(0).permutation(len(gold)) % _FOLDS
    likelier = np.zeros(len(gold))
    for number in range(_FOLDS):
        held = fold == number
        fit = fit_with_labels(logits[~held], gold[~held], weights[~held])
        after = log_likelihoods(fit.shifted(logits[held]), gold[held])
        likelier[held] = after - log_likelihoods(logits[held], gold[held])
    return float(np.average(likelier, weights=weights))


def _matching(
    logits: np.ndarray,
    weights: np.ndarray,
    priors: np.ndarray,
    temperature: float,
    shift: np.ndarray,
) -> np.ndarray:
    """The shift under which the mean probabilities are `priors`, found from a first guess."""
    for _ in range(_STEPS):
        mean = weights @ probabilities((logits + shift) / temperature) / weights.sum()
        step = temperature * np.log(priors / mean)
        shift = shift + step
        if np.abs(step).max() < _CLOSE:
            break
    return np.asarray(shift - shift.mean())
