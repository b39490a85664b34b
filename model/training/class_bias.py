"""The class bias: the labels with the highest weighted F1 are not quite the likeliest ones.

A class that is predicted often but wrongly costs precision, one that is hardly ever predicted costs
recall. Weighted cross entropy moves all classes by one power of their frequency; what is left is a
number a class (logit adjustment), found on utterances that the model was not trained on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.dataset import Data, digest, gold_indices
from model.evaluation.scores import weighted_f1
from model.network.settings import Settings
from model.training.steps import LazyLogits, Step, write_json

CLASS_BIAS = "class_bias.json"

_DRAWS = 20
_STEPS = (0.4, 0.2, 0.1)
"""Of coordinate ascent, in nats, from coarse to fine."""


def class_bias_step(data: Data, settings: Settings, logits: LazyLogits) -> Step:
    """The step that fits the class bias on out-of-fold logits of the training set."""

    def make(folder: Path) -> None:
        gold = gold_indices(data.train, settings.labels)
        write_json(folder / CLASS_BIAS, fit_class_bias(logits.read(), gold).tolist())

    depends_on = {"oof_logits": logits.identity, "train": digest(data.train)}
    return Step("class bias", depends_on, make)


def fit_class_bias(logits: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """What to add to the logits of each class so that the labels have a high weighted F1.

    It is the mean of what coordinate ascent finds on bootstrap draws of the utterances (bagging,
    Breiman 1996): F1 is a function of steps, and on one draw its highest lies there by chance.

    Args:
      logits: (utterances, classes) float32, out of fold.
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
    """A class bias from which no step of any class leads higher, (classes,) float64."""
    classes = logits.shape[1]

    def height(bias: np.ndarray) -> float:
        labels = (logits + bias).argmax(axis=1)
        counts = np.bincount(gold * classes + labels, minlength=classes**2)
        return float(weighted_f1(counts.reshape(classes, classes)))

    bias = np.zeros(classes)
    highest = height(bias)
    for size in _STEPS:
        climbing = True
        while climbing:
            climbing = False
            for step in size * np.concatenate([np.eye(classes), -np.eye(classes)]):
                if (reached := height(bias + step)) > highest:
                    bias, highest, climbing = bias + step, reached, True
    return bias
