"""Calibration: whether a probability is how often the label is right, and what makes it so.

After Guo et al. 2017, "On Calibration of Modern Neural Networks". Pure: numpy arrays.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from model.network.settings import Calibration, TrainingSettings

BINS = 15
"""As in Guo et al. 2017, section 5."""

_COLDEST, _HOTTEST = 1 / 16, 16.0
"""Labels that are all right, or right by chance, would want a temperature of zero, or none."""

_GOLDEN = (5**0.5 - 1) / 2


@dataclasses.dataclass(frozen=True)
class Reliability:
    """Utterances by how sure the model is of their label, in bins of equal width from 0 to 1.

    Attributes:
      counts: (bins,) int64.
      confidence: (bins,) float64, the mean probability of the chosen label; 0 in an empty bin.
      accuracy: (bins,) float64, the share of labels that are right; 0 in an empty bin.
    """

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error, 0 to 1 (Guo et al. 2017, equation 3)."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float(gaps @ self.counts / max(1, self.counts.sum()))

    def as_json(self) -> list[dict[str, Any]]:
        """The bins that are not empty, in plain numbers."""
        return [
            {"utterances": int(count), "confidence": float(sure), "accuracy": float(right)}
            for count, sure, right in zip(self.counts, self.confidence, self.accuracy, strict=True)
            if count
        ]


def reliability(gold: np.ndarray, logits: np.ndarray, bins: int = BINS) -> Reliability:
    """Holds probabilities against gold labels.

    Args:
      gold: (utterances,) int64, -1 for none, which is left out.
      logits: (utterances, classes) float32.
      bins: how many.
    """
    known = gold >= 0
    sure = probabilities(logits[known].astype(np.float64)).max(axis=1)
    right = logits[known].argmax(axis=1) == gold[known]
    # a bin is open below and closed above
    number = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(number, minlength=bins)
    filled = np.maximum(counts, 1)
    return Reliability(
        counts=counts,
        confidence=np.bincount(number, weights=sure, minlength=bins) / filled,
        accuracy=np.bincount(number, weights=right, minlength=bins) / filled,
    )


def fit_temperature(
    logits: np.ndarray, gold: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """The temperature T under which softmax(logits / T) makes the gold labels most likely.

    The likelihood is concave in 1 / T, so its slope is zero once: where gold labels have the
    logit that the probabilities expect.

    Args:
      logits: (utterances, classes) float32.
      gold: (utterances,) int64, -1 for none; one or more are known.
      weights: (utterances,) float64; all alike by default.
    """
    known = gold >= 0
    kept, right = logits[known].astype(np.float64), gold[known]
    weighed = None if weights is None else weights[known]
    found = np.average(kept[np.arange(len(kept)), right], weights=weighed)
    low, high = np.log(_COLDEST), np.log(_HOTTEST)
    for _ in range(40):  # to one part in a million million
        middle = (low + high) / 2
        expected = (probabilities(kept / np.exp(middle)) * kept).sum(axis=1)
        too_sure = np.average(expected, weights=weighed) > found
        low, high = (middle, high) if too_sure else (low, middle)
    return float(np.exp((low + high) / 2))


def fit_speaker_weight(logits: np.ndarray, speaker: np.ndarray, gold: np.ndarray) -> float:
    """The mixing weight of the speaker's logits that makes the gold labels likeliest.

    Each weight is judged at its own temperature. The likelihood is concave in the scales of both
    addends, so that over their ratio it has one peak, which a golden-section search finds. Where a
    history tells nothing, what was learned of it is chance, and the weight is near 0.

    Args:
      logits: of all parts but the speaker's, (utterances, classes) float32.
      speaker: (utterances, classes) float32, trained at a weight of 1.
      gold: (utterances,) int64, -1 for none; one or more are known.

    Returns:
      From 0 to 1.
    """

    def likelihood(weight: float) -> float:
        mixed = logits + weight * speaker
        return log_likelihood(mixed / fit_temperature(mixed, gold), gold)

    low, high = 0.0, 1.0
    for _ in range(20):  # to one part in ten thousand
        width = (high - low) * _GOLDEN
        if likelihood(high - width) < likelihood(low + width):
            low = high - width
        else:
            high = low + width
    return max((0.0, (low + high) / 2, 1.0), key=likelihood)


def calibrate(
    mixing: Calibration,
    logits: np.ndarray,
    speaker: np.ndarray | None,
    gold: np.ndarray,
    training: TrainingSettings,
) -> tuple[Calibration, np.ndarray]:
    """Fits the numbers that dev decides: the speaker's mixing weight and the temperature.

    Args:
      mixing: all other numbers.
      logits: of all parts but the speaker's, mixed by it, (utterances, classes) float32.
      speaker: raw, (utterances, classes) float32; None for a model without history.
      gold: (utterances,) int64, -1 for none; one or more are known.
      training: whether the mixing weight is fitted.

    Returns:
      All numbers, and calibrated logits, (utterances, classes) float32.
    """
    if speaker is not None:
        if training.fit_speaker_weight:
            weight = fit_speaker_weight(logits, mixing.speaker_logits(speaker), gold)
            mixing = dataclasses.replace(mixing, speaker_weight=weight)
        logits = logits + mixing.speaker_logits(speaker)
    temperature = fit_temperature(logits, gold)
    return dataclasses.replace(mixing, temperature=temperature), logits / temperature


def log_likelihood(logits: np.ndarray, gold: np.ndarray) -> float:
    """Mean of `log_likelihoods` where a gold label is known."""
    known = gold >= 0
    return float(log_likelihoods(logits[known], gold[known]).mean())


def log_likelihoods(logits: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """Natural logarithm of the probability of each gold label, all known: (utterances,) float64."""
    likelihood = probabilities(logits.astype(np.float64))
    return np.asarray(np.log(likelihood[np.arange(len(gold)), gold]))


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax of (utterances, classes) float32; each row sums to one."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]
