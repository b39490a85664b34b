"""Cross-fitting: out-of-fold logits of a training set, by contexts that were not trained on them.

In a file they can teach another training over the same data, as one over an encoder that is too
large to be trained once a fold and once more.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from model.dataset import Transcript, digest
from model.errors import ModelError
from model.training.context import LOGITS, ContextTraining
from model.training.progress import Progress
from model.training.steps import Step, read_arrays, replace_file, sha256_of_logits

OOF_LOGITS = "oof_logits.safetensors"
"""Their file, in the folder of the step and next to a checkpoint."""

_HELD_OUT = "held out"


def cross_fitting(training: ContextTraining, folds: int, root: Path, progress: Progress) -> Step:
    """The step that makes out-of-fold logits (cross-fitting).

    The episodes are dealt out to the folds in turn; each fold is read by a context that is trained
    on the others, with the fold's number as its seed. These contexts are steps of their own, so
    that an interrupted cross-fitting trains none again.

    Args:
      training: of a context over the whole training set; it is to have no teacher.
      folds: how many, from 2 to as many as there are episodes.
      root: the folder of all steps.
      progress: receives steps and epochs as they go.

    Raises:
      ModelError: there are fewer episodes than folds.
    """
    train, labels = training.data.train, training.settings.labels
    if folds > len(train):
        raise ModelError(f"oof_folds is {folds}, more than the {len(train)} episodes there are")
    members = [range(fold, len(train), folds) for fold in range(folds)]
    steps = []
    for fold, held in enumerate(members):
        rest = [episode for number, episode in enumerate(train) if number not in held]
        context = dataclasses.replace(
            training,
            data=dataclasses.replace(training.data, train=rest),
            training=dataclasses.replace(training.training, seed=fold),
        )
        sets = {_HELD_OUT: [train[number] for number in held]}
        steps.append(context.step(f"fold {fold + 1} of {folds}", sets, progress))

    def make(folder: Path) -> None:
        parts: dict[int, np.ndarray] = {}
        for step, held in zip(steps, members, strict=True):
            ends = np.cumsum([len(train[number]) for number in held])[:-1]
            logits = read_arrays(step.finish(root) / LOGITS)[_HELD_OUT]
            parts.update(zip(held, np.split(logits, ends), strict=True))
        joined = np.concatenate([parts[number] for number in range(len(train))])
        save_oof_logits(folder / OOF_LOGITS, joined, train, labels)

    return Step("out-of-fold logits", {"folds": [step.key for step in steps]}, make)


def save_oof_logits(
    path: Path, logits: np.ndarray, train: Sequence[Transcript], labels: Sequence[str]
) -> None:
    """Writes out-of-fold logits, and of what they are.

    Args:
      path: of the file.
      logits: (utterances, classes) float32, the episodes in timeline order.
      train: the training set, in any order.
      labels: the classes.
    """
    about = {**_about(train, labels), "sha256": sha256_of_logits(logits)}
    tensors = {"oof_logits": np.ascontiguousarray(logits)}
    replace_file(path, lambda part: safetensors.numpy.save_file(tensors, part, about))


def load_oof_logits(path: Path, train: Sequence[Transcript], labels: Sequence[str]) -> np.ndarray:
    """Reads what `save_oof_logits` wrote of this very training set.

    Returns:
      (utterances, classes) float32, the episodes in timeline order.

    Raises:
      ModelError: it cannot be read, is damaged, or is of another training set or other labels.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            (name,) = file.keys()  # called otherwise in files of before
            about, logits = file.metadata() or {}, file.get_tensor(name)
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read as out-of-fold logits: {error}") from error
    if sha256_of_logits(logits) != about.get("sha256"):
        raise ModelError(f"{path}: is damaged (its sha256 is another one); make it anew")
    for part, expected in _about(train, labels).items():
        if about[part] != expected:
            raise ModelError(
                f"{path}: has the logits of other {part} than the training set has; "
                "give the file of a training over the same data"
            )
    return np.asarray(logits)


def _about(train: Sequence[Transcript], labels: Sequence[str]) -> dict[str, str]:
    ordered = sorted(train, key=lambda transcript: transcript.place)
    return {"labels": json.dumps(list(labels)), "data": digest(ordered)}
