"""An auxiliary head: another label set of like dialogue, learned with the model's own.

What it brings stays in the context encoder; the head itself is no part of a checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.dataset import Transcript, class_weights, label_set
from model.network.emonet import EmoNet
from model.network.windows import Window
from model.training.batches import batch_states, read_corpus


class AuxiliaryHead(nn.Module):
    """A linear classifier of the context's states, and the data that it is trained on.

    Attributes:
      corpus: the data, its gold in numbers of its own labels.
    """

    def __init__(self, model: EmoNet, data: Sequence[Transcript], exponent: float):
        super().__init__()
        labels = label_set(data)
        self.corpus = read_corpus(model, data, labels)
        weights = torch.from_numpy(class_weights(self.corpus.gold, len(labels), exponent))
        self.weights = weights.to(model.device)
        self.classify = nn.Linear(model.context.width, len(labels), device=model.device)

    def loss(self, model: EmoNet, windows: Sequence[Window]) -> Tensor:
        """Weighted cross entropy over the turns that some windows of its corpus score."""
        scored, states = batch_states(model, self.corpus, windows)
        gold = torch.from_numpy(self.corpus.gold)[scored].to(states.device)
        logits = self.classify(model.dropout(states)).float()
        return functional.cross_entropy(logits, gold, weight=self.weights, ignore_index=-1)
