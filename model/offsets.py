"""Offsets of the classes: the labels with the highest weighted F1 are not quite the likeliest ones.

A class that is found often but wrongly costs precision, one that is hardly ever named costs recall.
Weighted cross entropy moves all classes by one power of their frequency; what is left is a number a
class, found on utterances that the model has not learned from.
"""

from __future__ import annotations

import numpy as np

from model.evaluate import weighted_f1

_DRAWS = 20
_STEPS = (0.4, 0.2, 0.1)
"""Of coordinate ascent, in nats, from coarse to fine."""


def class_offsets(logits: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """What to add to the logits of each class so that the labels have a high weighted F1.

    It is the mean of what coordinate ascent finds on bootstrap draws of the utterances (bagging,
    Breiman 1996): F1 is a function of steps, and on one draw its highest lies there by chance.

    Args:
      logits: (utterances, classes) float32, of models that have not learned from them.
      gold: (utterances,) int64, -1 for none.

    Returns:
      (classes,) float32, with mean zero.
    """
    known = np.flatnonzero(gold >= 0)
    random = np.random.default_rng(0)
    draws = random.choice(known, size=(_DRAWS, len(known)))
    found = np.mean([_ascend(logits[draw], gold[draw]) for draw in draws], axis=0)
    return np.asarray(found - found.mean(), dtype=np.float32)


def _ascend(logits: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """Offsets from which no step of any class leads higher, (classes,) float64."""
    classes = logits.shape[1]

    def height(offsets: np.ndarray) -> float:
        labels = (logits + offsets).argmax(axis=1)
        counts = np.bincount(gold * classes + labels, minlength=classes**2)
        return float(weighted_f1(counts.reshape(classes, classes)))

    offsets = np.zeros(classes)
    highest = height(offsets)
    for size in _STEPS:
        climbing = True
        while climbing:
            climbing = False
            for step in size * np.concatenate([np.eye(classes), -np.eye(classes)]):
                if (reached := height(offsets + step)) > highest:
                    offsets, highest, climbing = offsets + step, reached, True
    return offsets
