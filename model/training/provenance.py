"""What a checkpoint tells of how it was made."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import torch

from model.checkpoint import Checkpoint
from model.dataset import Data, digest, label_counts
from model.encoders.references import EncoderReference
from model.network.encoder import fastest_device
from model.network.precision import precision_on
from model.network.settings import Settings, TrainingSettings
from model.network.settings_file import as_table
from model.training.progress import Epoch
from model.training.steps import sha256_of_logits


def identity_of(
    data: Data,
    settings: Settings,
    training: TrainingSettings,
    encoder: EncoderReference,
    teachers: Sequence[Checkpoint] = (),
) -> dict[str, Any]:
    """All that a model depends on, as JSON can hold it; see `recipe.train`."""
    given = {"oof_logits": data.oof_logits, "teacher_logits": data.teacher_logits}
    return {
        "settings": as_table(settings, training),
        "encoder": dict(encoder.files),
        "data_digest": digest(data.train),
        "dev_digest": digest(data.dev),
        "auxiliary_digest": digest(data.auxiliary),
        "unlabelled_digest": digest(data.unlabelled),
        "teachers": [teacher.model_id for teacher in teachers],
        **{name: None if ls is None else sha256_of_logits(ls) for name, ls in given.items()},
    }


def differing(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The names of what two identities have that is not the same, sorted.

    Args:
      held: an identity, perhaps among other things.
      wanted: an identity.
    """
    one = dict(_leaves({name: held.get(name) for name in wanted}))
    other = dict(_leaves(wanted))
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _leaves(identity: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in json.loads(json.dumps(identity)).items():
        yield from value.items() if isinstance(value, dict) else [(name, value)]


def history_of(epochs: Sequence[Epoch], data: Data) -> dict[str, Any]:
    """How a training went, and over what.

    Args:
      epochs: of the context, one or more.
      data: what it was trained with.
    """
    best = max(epochs, key=lambda epoch: epoch.dev)
    return {
        "epochs": [dataclasses.asdict(epoch) for epoch in epochs],
        "epoch": best.number,
        "train_utterances": sum(map(len, data.train)),
        "dev_utterances": sum(map(len, data.dev)),
        "unlabelled_utterances": sum(map(len, data.unlabelled)),
        "train_labels": dict(sorted(label_counts(data.train).items())),
        "precision": precision_on(fastest_device()),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": version("transformers"),
        },
    }
