"""What a checkpoint tells of how it was made."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from model.dataset import Transcript, digest, label_counts
from model.folds import sha256_of_said
from model.references import EncoderReference
from model.run import Epoch
from model.settings import Settings, TrainingSettings


def identity_of(
    settings: Settings,
    training: TrainingSettings,
    encoder: EncoderReference,
    data: Sequence[Transcript],
    dev: Sequence[Transcript],
    second: Sequence[Transcript],
    folds: int,
    said: np.ndarray | None,
    teacher: np.ndarray | None,
) -> dict[str, Any]:
    """All that the weights of a training depend on, as JSON can hold it; see `train.train`."""
    return {
        "settings": dataclasses.asdict(settings),
        "training": dataclasses.asdict(training),
        "encoder": dict(encoder.files),
        "data_digest": digest(data),
        "dev_digest": digest(dev),
        "second_digest": digest(second),
        "folds": folds,
        "folds_said": None if said is None else sha256_of_said(said),
        "taught_by": None if teacher is None else sha256_of_said(teacher),
    }


def history_of(
    epochs: Sequence[Epoch], data: Sequence[Transcript], dev: Sequence[Transcript]
) -> dict[str, Any]:
    """How a training went, and over what.

    Args:
      epochs: of the context, one or more.
      data: what it learned from.
      dev: what it was chosen on.
    """
    best = max(epochs, key=lambda epoch: epoch.dev)
    return {
        "epochs": [dataclasses.asdict(epoch) for epoch in epochs],
        "epoch": best.number,
        "train_utterances": sum(map(len, data)),
        "dev_utterances": sum(map(len, dev)),
        "train_labels": dict(sorted(label_counts(data).items())),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": version("transformers"),
        },
    }
