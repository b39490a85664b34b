"""The second stage of training: what a speaker's past adds to a context that stays as it is.

Learned together with the context, the GRU learned the training set by heart and took the context
down with it; a finished context is the same with memory and without.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from model.batches import Corpus, past
from model.dataset import class_weights
from model.emonet import EmoNet
from model.settings import TrainingSettings

_DROPOUT = 0.5
"""Of embeddings: ten of them tell one utterance of the training set from all others."""


def learn_behaviour(
    model: EmoNet, training: TrainingSettings, corpus: Corpus, context: np.ndarray
) -> None:
    """Trains the GRU and its projection, in place.

    Args:
      model: its projection is zero, so that it starts as its context alone.
      training: how it is trained.
      corpus: what it learns from.
      context: what the finished context says of it, (utterances, classes) float32.
    """
    model.train()
    parameters = [*model.gru.parameters(), *model.project.parameters()]
    optimizer = torch.optim.AdamW(
        parameters, lr=training.head_rate, weight_decay=training.weight_decay
    )
    weights = torch.from_numpy(
        class_weights(corpus.gold, context.shape[1], training.weight_exponent)
    ).to(model.device)
    before, gold = (torch.from_numpy(part).to(model.device) for part in (context, corpus.gold))
    labelled = np.flatnonzero(corpus.gold >= 0)
    for epoch in range(training.memory_epochs):
        torch.manual_seed(hash((training.seed, epoch)))
        order = np.random.default_rng([training.seed, epoch]).permutation(labelled)
        for start in range(0, len(order), training.batch_turns):
            asked = order[start : start + training.batch_turns]
            said, windows = (part.to(model.device) for part in past(corpus, asked))
            behaviour = model.behaviour(functional.dropout(said, _DROPOUT), windows)
            chosen = torch.from_numpy(asked)
            logits = before[chosen] + behaviour @ model.classify.weight.T.detach()
            loss = functional.cross_entropy(logits, gold[chosen], weight=weights)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
