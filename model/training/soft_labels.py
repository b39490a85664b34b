"""Soft labels: what finished models say of dialogue that nobody has labelled.

A student that learns from them sees far more dialogue than there are gold labels for (Hinton et al.
2015; over unlabelled text Turc et al. 2019).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model.checkpoint import Checkpoint, load_model
from model.dataset import Transcript, digest
from model.errors import ModelError
from model.training.progress import Progress
from model.training.steps import LazyLogits, Step, read_arrays, write_arrays

SOFT_LABELS = "soft_labels.safetensors"

_LOGITS = "logits"


def check_teachers(teachers: Sequence[Checkpoint], labels: Sequence[str]) -> None:
    """Refuses teachers that do not know just these labels.

    Raises:
      ModelError: there is no teacher, or one has others.
    """
    if not teachers:
        raise ModelError("unlabelled data wants a teacher: give a checkpoint that labels it")
    for teacher in teachers:
        if teacher.settings.labels != tuple(labels):
            raise ModelError(
                f"teacher {teacher.folder} has the labels {', '.join(teacher.settings.labels)}, "
                f"the data {', '.join(labels)}; give one that was trained on the same labels"
            )


def soft_labels_step(
    unlabelled: Sequence[Transcript], teachers: Sequence[Checkpoint], progress: Progress
) -> Step:
    """The step that labels dialogue by the mean of its teachers' logits.

    Logits are calibrated, so that students do not become surer than their teachers are right; the
    class bias is left out, because the student has one of its own.

    Args:
      unlabelled: in timeline order.
      teachers: one or more.
      progress: receives the step and its episodes as they go.
    """

    def make(folder: Path) -> None:
        progress.begin("soft labels")
        total = len(teachers) * len(unlabelled)
        parts = []
        for number, teacher in enumerate(teachers):
            model = load_model(teacher).for_inference()
            model.calibration = dataclasses.replace(model.calibration, class_bias=())
            logits = []
            for done, transcript in enumerate(unlabelled, start=number * len(unlabelled) + 1):
                logits.append(model.encode(transcript).context_logits)
                progress.advance(done, total)
            parts.append(np.concatenate(logits))
        mean = np.asarray(np.mean(parts, axis=0), dtype=np.float32)
        write_arrays(folder / SOFT_LABELS, {_LOGITS: mean})

    depends_on = {
        "unlabelled": digest(unlabelled),
        "teachers": [teacher.model_id for teacher in teachers],
    }
    return Step("soft labels", depends_on, make)


def soft_labels_of(step: Step, root: Path) -> LazyLogits:
    """What the step makes below `root`, (utterances, classes) float32."""
    return LazyLogits(step.key, lambda: read_arrays(step.finish(root) / SOFT_LABELS)[_LOGITS])
