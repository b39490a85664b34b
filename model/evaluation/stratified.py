"""Scores of a whole corpus from a stratified sample of it, with intervals. Pure: numpy arrays.

Each stratum's counts are weighed by the lines that one line of the sample stands for (Cochran 1977,
"Sampling Techniques", chapter 5), so that confusions, and all scores of them, are those of the
corpus. Intervals are percentiles of a bootstrap within strata: of n lines n - 1 are drawn with
replacement, and each counts n / (n - 1) (Rao and Wu 1988, "Resampling Inference with Complex Survey
Data"). A stratum that was labelled whole does not vary.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from model.evaluation.scores import class_f1, macro_f1, weighted_f1

DRAWS = 2000
_LEVEL = (2.5, 97.5)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A score and its 95 % interval, each from 0 to 1."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class SampleScores:
    """Scores of a corpus, by a sample of it.

    Attributes:
      labels: the classes.
      confusion: (gold, predicted) lines of the corpus, estimated, float64.
      lines: how many of the sample are labelled.
      scores: `accuracy`, `weighted_f1`, `macro_f1`.
      f1: of each class.
    """

    labels: tuple[str, ...]
    confusion: np.ndarray
    lines: int
    scores: dict[str, Estimate]
    f1: dict[str, Estimate]

    def as_json(self) -> dict[str, Any]:
        """Everything in plain numbers."""
        return {
            "lines": self.lines,
            **{name: dataclasses.asdict(one) for name, one in self.scores.items()},
            "classes": {
                label: {"f1": dataclasses.asdict(one), "support": float(support)}
                for (label, one), support in zip(
                    self.f1.items(), self.confusion.sum(axis=1), strict=True
                )
            },
            "confusion": self.confusion.round(2).tolist(),
        }


def sample_scores(
    gold: np.ndarray,
    predicted: np.ndarray,
    strata: np.ndarray,
    sizes: np.ndarray,
    labels: tuple[str, ...],
) -> SampleScores:
    """Estimates scores.

    Args:
      gold: what people say, (lines,) int64, one or more.
      predicted: what the model says, (lines,) int64.
      strata: the stratum of each line, (lines,) int64.
      sizes: lines of the corpus in each stratum, (strata,) float64.
      labels: the classes.
    """
    counts = np.bincount(strata, minlength=len(sizes))
    weights = (sizes / np.maximum(counts, 1))[strata]
    confusion = _confusions(gold, predicted, weights[None], len(labels))[0]
    drawn = _confusions(gold, predicted, weights * _multiples(strata, counts, sizes), len(labels))
    measures = {"accuracy": _accuracy, "weighted_f1": weighted_f1, "macro_f1": macro_f1}
    scores = {
        name: _estimate(measure(confusion), measure(drawn)) for name, measure in measures.items()
    }
    f1, drawn_f1 = class_f1(confusion), class_f1(drawn)
    classes = {label: _estimate(f1[at], drawn_f1[:, at]) for at, label in enumerate(labels)}
    return SampleScores(labels, confusion, len(gold), scores, classes)


def _multiples(strata: np.ndarray, counts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """How often each line counts in each draw, (draws, lines) float64."""
    random = np.random.default_rng(0)
    multiples = np.ones((DRAWS, len(strata)))
    for stratum, count in enumerate(counts):
        if count > 1 and count < sizes[stratum]:
            even = np.full(count, 1 / count)
            drawn = random.multinomial(count - 1, even, size=DRAWS)
            multiples[:, strata == stratum] = drawn * count / (count - 1)
    return multiples


def _confusions(
    gold: np.ndarray, predicted: np.ndarray, weights: np.ndarray, classes: int
) -> np.ndarray:
    """(draws, gold, predicted) float64, of weights (draws, lines)."""
    cells = np.zeros((len(gold), classes * classes))
    cells[np.arange(len(gold)), gold * classes + predicted] = 1
    return np.asarray((weights @ cells).reshape(-1, classes, classes))


def _accuracy(confusion: np.ndarray) -> np.ndarray:
    right = np.trace(confusion, axis1=-2, axis2=-1)
    return np.asarray(right / confusion.sum(axis=(-2, -1)))


def _estimate(value: np.ndarray, drawn: np.ndarray) -> Estimate:
    low, high = np.percentile(drawn, _LEVEL)
    return Estimate(float(value), float(low), float(high))
