"""The utterance-only classifier: upper layers of its own over the pass that embeds an utterance.

A context reads a turn among others, and tells less of the turn's own words than a classifier that
sees nothing else. Each is right where the other is not, so their logits are mixed.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import nn
from torch.nn.utils import skip_init

from model.network.encoder import Encoder
from model.network.precision import Classifier
from model.network.settings import Settings, TrainingSettings


class UtteranceClassifier(nn.Module):
    """Upper layers of the frozen encoder once more, fine-tuned, and a linear classifier.

    Its logits are zero until it has loaded what was trained.
    """

    def __init__(self, *, embedder: Encoder, layers: int, classes: int):
        super().__init__()
        self.layers = embedder.upper_layers(layers)
        self.classify: Classifier = skip_init(  # type: ignore[no-untyped-call]
            Classifier, embedder.width, classes
        )
        nn.init.zeros_(self.classify.weight)
        nn.init.zeros_(self.classify.bias)

    def load(self, context: Encoder, classify: nn.Linear) -> None:
        """Copies what a model of the settings `utterance_only` has learned as its context."""
        self.layers.load_state_dict(context.upper_layers(len(self.layers)).state_dict())
        with torch.no_grad():
            self.classify.weight.copy_(classify.weight)
            self.classify.bias.copy_(classify.bias)


def utterance_only(
    settings: Settings, training: TrainingSettings
) -> tuple[Settings, TrainingSettings]:
    """What a model is, and how it is trained, whose context is the utterance only.

    It has no class weights, and is to have no teacher: the less it is like the context, the more
    there is to add.
    """
    return (
        dataclasses.replace(
            settings,
            tag="none",
            history=0,
            window_turns=1,
            per_turn_positions=False,
            trained_layers=settings.utterance_encoder_layers,
            utterance_encoder_layers=0,
        ),
        dataclasses.replace(training, weight_exponent=0.0),
    )
