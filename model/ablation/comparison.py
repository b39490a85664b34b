"""How much better one set of runs is than another, and how sure that is. Pure: numpy arrays."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from model.ablation.ablation import Result
from model.ablation.suite import Variant
from model.evaluation.scores import macro_f1, weighted_f1

_DRAWS = 2000


@dataclasses.dataclass(frozen=True)
class Difference:
    """The score of one less that of the other, in points of 100.

    Attributes:
      mean: over seeds.
      low: lower end of the 95% interval.
      high: upper end.
    """

    mean: float
    low: float
    high: float


def dialogue_confusions(
    gold: np.ndarray, labels: np.ndarray, dialogues: Sequence[str], classes: int
) -> np.ndarray:
    """The confusion matrix of each dialogue.

    Args:
      gold: (utterances,) int64, -1 for none, which is left out.
      labels: (utterances,) int64.
      dialogues: the id of each utterance's dialogue.
      classes: how many there are.

    Returns:
      (dialogues, gold, predicted) int64, the dialogues in the order of their ids.
    """
    _, number = np.unique(np.asarray(dialogues), return_inverse=True)
    known = gold >= 0
    counts = np.zeros((number.max() + 1, classes, classes), dtype=np.int64)
    np.add.at(counts, (number[known], gold[known], labels[known]), 1)
    return counts


def difference(one: np.ndarray, other: np.ndarray) -> Difference:
    """How much better `one` is than `other`, with its `paired_interval`.

    Args:
      one: (seeds, dialogues, gold, predicted) counts of `dialogue_confusions`.
      other: the same of the other side, with the same seeds.
    """

    def gaps(drawn: np.ndarray) -> np.ndarray:
        scores = [
            weighted_f1(np.einsum("bd,sdgp->bsgp", drawn, side, optimize=True))
            for side in (one, other)
        ]
        return np.asarray(scores[0] - scores[1])

    return paired_interval(gaps, dialogues=one.shape[1])


def paired_interval(gaps: Callable[[np.ndarray], np.ndarray], *, dialogues: int) -> Difference:
    """How far apart two sides are, by a paired bootstrap over dialogues and seeds.

    Each draw takes as many dialogues and as many seeds as there are, with replacement, and the
    same ones of both sides: an interval speaks for other dialogues of this kind and for other
    seeds (Efron and Tibshirani 1993, section 13.3, percentiles).

    Args:
      gaps: how far apart they are, (draws, seeds) as shares of 1, where each dialogue is taken as
        often as (draws, dialogues) counts say.
      dialogues: how many there are.
    """
    random = np.random.default_rng(0)
    drawn = random.multinomial(dialogues, np.full(dialogues, 1 / dialogues), size=_DRAWS)
    each = 100 * gaps(drawn)
    seeds = each.shape[1]
    means = np.take_along_axis(each, random.integers(seeds, size=each.shape), axis=1).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    found = 100 * gaps(np.ones((1, dialogues), dtype=np.int64)).mean()
    return Difference(float(found), float(low), float(high))


def suite_table(
    variants: Sequence[Variant],
    results: Mapping[str, Sequence[Result]],
    gold: np.ndarray,
    dialogues: Sequence[str],
) -> list[dict[str, Any]]:
    """The variants of an ablation in plain numbers, scores in percent.

    Args:
      variants: in the order of the table.
      results: of each variant, by its name, for seeds from 0.
      gold: (utterances,) int64 of dev, -1 for none.
      dialogues: the id of each utterance's dialogue.
    """
    confusions = {
        variant.name: np.stack(
            [
                dialogue_confusions(gold, one.labels, dialogues, len(variant.settings.labels))
                for one in results[variant.name]
            ]
        )
        for variant in variants
    }
    return [_table_row(variant, results[variant.name], confusions) for variant in variants]


def _table_row(
    variant: Variant, results: Sequence[Result], confusions: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    counts = confusions[variant.name].sum(axis=1)
    weighted, macro = (100 * measure(counts) for measure in (weighted_f1, macro_f1))
    row: dict[str, Any] = {
        "variant": variant.name,
        "seeds": len(results),
        "weighted_f1": weighted.tolist(),
        "mean": float(weighted.mean()),
        "sd": statistics.stdev(weighted.tolist()) if len(results) > 1 else None,
        "macro_f1": float(macro.mean()),
        "log_loss": statistics.mean(one.log_loss for one in results),
        "context_seconds": statistics.mean(one.seconds for one in results),
    }
    if variant.against:
        sides = confusions[variant.name], confusions[variant.against]
        common = min(map(len, sides))
        row["against"] = variant.against
        row["difference"] = dataclasses.asdict(difference(*(side[:common] for side in sides)))
    return row
