"""A data set as a context's training reads it: tokens, in batches of windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from model.dataset import Transcript, gold_indices, group_turns
from model.network.emonet import EmoNet
from model.network.padding import BATCH_TOKENS, batch_windows, collate
from model.network.precision import autocast
from model.network.windows import Window

_PAD_TO_MULTIPLE_OF = 64
"""Rows are padded to a multiple of this many tokens: fewer, fuller calls than inference has."""

_PAD_UTTERANCES_TO_MULTIPLE_OF = 16
"""The same for windows of one turn, which are short."""

_ACCELERATOR_TOKENS = 16_384
"""Of a call at most, where each call costs more than its padding (`BATCH_TOKENS` elsewhere)."""


@dataclasses.dataclass(frozen=True)
class Corpus:
    """A data set as the training loop reads it, its turns counted through all episodes.

    Attributes:
      turns: token ids of each turn.
      windows: over the turns of all episodes.
      gold: (utterances,) int64, -1 for none.
    """

    turns: list[list[int]]
    windows: list[Window]
    gold: np.ndarray


def read_corpus(
    model: EmoNet,
    transcripts: Sequence[Transcript],
    labels: Sequence[str],
    *,
    gold_only: bool = True,
) -> Corpus:
    """A set in timeline order, tokenized for the context.

    Args:
      model: what is to read it.
      transcripts: in any order.
      labels: the classes of its gold labels, which need not be the model's.
      gold_only: leaves out windows without a gold label: of them alone there is nothing to learn,
        and a batch of them has no loss.
    """
    transcripts = sorted(transcripts, key=lambda transcript: transcript.place)
    turns: list[list[int]] = []
    windows: list[Window] = []
    for transcript in transcripts:
        own, first = model.context_turns(transcript), len(turns)
        turns += own
        windows += [w.after(first) for w in model.windows(own, transcript.dialogues)]
    gold = gold_indices(transcripts, labels)
    if gold_only:
        windows = [w for w in windows if (gold[w.scored : w.end] >= 0).any()]
    return Corpus(turns, windows, gold)


def joined(first: Corpus, second: Corpus) -> Corpus:
    """Two sets as one, the second one's utterances behind those of the first."""
    return Corpus(
        first.turns + second.turns,
        first.windows + [w.after(len(first.turns)) for w in second.windows],
        np.concatenate([first.gold, second.gold]),
    )


def batches(corpus: Corpus, order: Sequence[int], turns: int) -> Iterator[list[Window]]:
    """The corpus's windows, by index in `order`, in batches that score `turns` turns or more."""
    windows = (corpus.windows[index] for index in order)
    return group_turns(windows, lambda window: window.end - window.scored, turns)


def corpus_logits(model: EmoNet, corpus: Corpus) -> np.ndarray:
    """Raw logits of the context, W_o c_t + b, of a model in training.

    Returns:
      (utterances, classes) float32; zeros for what no window scores.
    """
    model.eval()
    logits = torch.zeros(len(corpus.gold), len(model.settings.labels))
    with torch.inference_mode(), autocast(model.device):
        for batch in batches(corpus, range(len(corpus.windows)), 256):
            scored, states = batch_states(model, corpus, batch)
            logits[scored] = model.classify(states).float().cpu()
    return logits.numpy()


def batch_states(model: EmoNet, corpus: Corpus, windows: Sequence[Window]) -> tuple[Tensor, Tensor]:
    """The turns that some windows score, (scored,) int64, and their c_t, (scored, d) float32."""
    groups = list(batch_windows(corpus.turns, windows, *_row_shape(model)))
    scored = torch.cat([torch.arange(w.scored, w.end) for rows in groups for w in rows])
    return scored, torch.cat([_read(model, corpus, rows) for rows in groups])


def _row_shape(model: EmoNet) -> tuple[int, int]:
    """The multiple that the rows of a call are padded to, and its tokens at most."""
    settings = model.settings
    utterance_only = settings.window_turns == 1
    if model.device.type == "cpu":
        return (
            _PAD_UTTERANCES_TO_MULTIPLE_OF if utterance_only else _PAD_TO_MULTIPLE_OF,
            BATCH_TOKENS,
        )
    return settings.turn_tokens if utterance_only else settings.window_tokens, _ACCELERATOR_TOKENS


def _read(model: EmoNet, corpus: Corpus, windows: Sequence[Window]) -> Tensor:
    """States of the turns that some windows score, (scored, d) float32, in their order."""
    encoder = model.context
    multiple, _ = _row_shape(model)
    view = model.view(encoder)
    batch = collate(corpus.turns, windows, multiple, encoder.pad_id, view, model.device)
    return model.read(encoder, batch)[batch.turns >= 0]
