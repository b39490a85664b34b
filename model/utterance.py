"""What an utterance tells alone: upper layers of its own over the pass that embeds it.

A context reads a turn among others, and tells less of the turn's own words than a reader who sees
nothing else. Each is right where the other is not, so their logits are added.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import nn
from torch.nn.utils import skip_init

from model.encoder import Encoder
from model.precision import Classifier
from model.settings import Settings, TrainingSettings

SHARE = 0.3
"""Of all logits; those of the context have the rest."""


class UtteranceReader(nn.Module):
    """Upper layers of the frozen encoder once more, fine-tuned, and a linear classifier.

    It says nothing until it has taken over what was learned.
    """

    def __init__(self, *, embedder: Encoder, layers: int, classes: int):
        super().__init__()
        self.layers = embedder.upper_layers(layers)
        self.classify: Classifier = skip_init(  # type: ignore[no-untyped-call]
            Classifier, embedder.width, classes
        )
        nn.init.zeros_(self.classify.weight)
        nn.init.zeros_(self.classify.bias)

    def take_over(self, context: Encoder, classify: nn.Linear) -> None:
        """What a model of the settings `alone` has learned, its logits at their `SHARE`."""
        learned = context.upper_layers(len(self.layers))
        self.layers.load_state_dict(learned.state_dict())
        with torch.no_grad():
            self.classify.weight.copy_(SHARE * classify.weight)
            self.classify.bias.copy_(SHARE * classify.bias)


def mixed(context: np.ndarray, utterance: np.ndarray) -> np.ndarray:
    """Logits of both, (utterances, classes) float32, each at its share."""
    return np.asarray((1 - SHARE) * context + SHARE * utterance, dtype=np.float32)


def alone(settings: Settings, training: TrainingSettings) -> tuple[Settings, TrainingSettings]:
    """What a model is, and how it is trained, whose context is the utterance alone.

    It is taught by nobody and weighs all utterances the same: the less it is like the context, the
    more there is to add.
    """
    return (
        dataclasses.replace(
            settings,
            tag="none",
            history=0,
            window_turns=1,
            turn_places=False,
            trained_layers=settings.utterance_layers,
            utterance_layers=0,
        ),
        dataclasses.replace(training, taught=0.0, weight_exponent=0.0, memory_epochs=0),
    )
