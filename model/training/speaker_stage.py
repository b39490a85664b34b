"""The speaker stage: training of the speaker encoder, a GRU over histories, on a finished context.

Trained together with the context, the GRU overfits the training set and takes the context with it.
A finished context is the same with history and without.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from model.dataset import (
    Data,
    Transcript,
    class_weights,
    common_timeline,
    digest,
    gold_indices,
)
from model.encoders.references import EncoderReference
from model.network.emonet import EmoNet, histories
from model.network.precision import autocast
from model.network.settings import Settings, TrainingSettings
from model.training.steps import Step, write_arrays

EMBEDDINGS = "embeddings.safetensors"

_DROPOUT = 0.5
"""Of embeddings: ten of them tell one utterance of the training set from all others."""


@dataclasses.dataclass(frozen=True)
class Histories:
    """A data set as the speaker stage reads it.

    Attributes:
      embeddings: of all utterances of the timeline, (all, d) float16.
      windows: (utterances, N) int64 indices into them, as `speaker_windows` gives them.
      gold: (utterances,) int64, -1 for none.
    """

    embeddings: np.ndarray
    windows: np.ndarray
    gold: np.ndarray


def embeddings_step(data: Data, settings: Settings, encoder: EncoderReference) -> Step:
    """The step that embeds both sets on their common timeline, for all models of this encoder."""

    def make(folder: Path) -> None:
        model = EmoNet.over(encoder, settings)
        timeline = common_timeline(data.train, data.dev)
        with autocast(model.device):
            embeddings = model.embed([text for t, _ in timeline for text in t.texts])
        write_arrays(folder / EMBEDDINGS, {"embeddings": embeddings})

    depends_on = {
        "encoder": dict(encoder.files),
        "turn_tokens": settings.turn_tokens,
        "layers": settings.embedder_layers,
        "sets": [digest(data.train), digest(data.dev)],
    }
    return Step("embeddings", depends_on, make)


def read_histories(
    train: Sequence[Transcript],
    dev: Sequence[Transcript],
    embeddings: np.ndarray,
    *,
    n: int,
    labels: Sequence[str],
) -> tuple[Histories, Histories]:
    """Both sets, with histories over their common timeline.

    Args:
      train: one set, in timeline order.
      dev: the other one.
      embeddings: of both on their common timeline, (utterances, d) float16.
      n: the length of a history.
      labels: the classes.
    """
    both = common_timeline(train, dev)
    in_dev = np.concatenate([np.full(len(t), is_dev) for t, is_dev in both])
    windows = histories([transcript for transcript, _ in both], n)
    return (
        Histories(embeddings, windows[~in_dev], gold_indices(train, labels)),
        Histories(embeddings, windows[in_dev], gold_indices(dev, labels)),
    )


def train_speaker_encoder(
    model: EmoNet, training: TrainingSettings, data: Histories, logits: np.ndarray, weight: float
) -> None:
    """Trains the GRU and its projection, in place.

    Args:
      model: its projection is set to zero first, so that it starts as its context alone.
      training: how it is trained.
      data: the training set.
      logits: of all parts but the speaker's, (utterances, classes) float32.
      weight: mixing weight of the speaker's logits.
    """
    nn.init.zeros_(model.project.weight)
    model.train()
    parameters = [*model.gru.parameters(), *model.project.parameters()]
    optimizer = torch.optim.AdamW(
        parameters, lr=training.head_lr, weight_decay=training.weight_decay
    )
    weights = torch.from_numpy(
        class_weights(data.gold, logits.shape[1], training.weight_exponent)
    ).to(model.device)
    fixed, gold = (torch.from_numpy(part).to(model.device) for part in (logits, data.gold))
    classify = weight * model.classify.weight.T.detach()
    labelled = np.flatnonzero(data.gold >= 0)
    for epoch in range(training.speaker_epochs):
        torch.manual_seed(hash((training.seed, epoch)))
        order = np.random.default_rng([training.seed, epoch]).permutation(labelled)
        for start in range(0, len(order), training.batch_turns):
            batch = order[start : start + training.batch_turns]
            embeddings, windows = (part.to(model.device) for part in _history_batch(data, batch))
            states = model.speaker_states(functional.dropout(embeddings, _DROPOUT), windows)
            chosen = torch.from_numpy(batch)
            loss = functional.cross_entropy(
                fixed[chosen] + states @ classify, gold[chosen], weight=weights
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()


def _history_batch(data: Histories, batch: np.ndarray) -> tuple[Tensor, Tensor]:
    """The histories of some utterances, (batch,) int64, as `EmoNet.speaker_states` takes them."""
    windows = data.windows[batch]
    used, number = np.unique(windows, return_inverse=True)
    embeddings = torch.from_numpy(data.embeddings[used].astype(np.float32))
    return embeddings, torch.from_numpy(np.where(windows < 0, -1, number.reshape(windows.shape)))
