"""A data set as training reads it: tokens, embeddings and histories, in batches of windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from model.dataset import Transcript, gold_indices
from model.emonet import EmoNet, histories
from model.windows import Window, fill_windows, pack

T = TypeVar("T")

_FILL = 64
"""Rows are filled up to a multiple of this many tokens: fewer, fuller calls than inference has."""

_FILL_ALONE = 16
"""The same for turns that stand alone, which are short."""


@dataclasses.dataclass(frozen=True)
class Corpus:
    """A data set as the training loop reads it, its turns counted through all episodes.

    Attributes:
      turns: token ids of each turn.
      windows: over the turns of all episodes.
      embeddings: (utterances, d) float16.
      histories: (utterances, N) int64.
      gold: (utterances,) int64, -1 for none.
    """

    turns: list[list[int]]
    windows: list[Window]
    embeddings: np.ndarray
    histories: np.ndarray
    gold: np.ndarray


def read_corpus(
    model: EmoNet,
    data: Sequence[Transcript],
    dev: Sequence[Transcript],
    embed: Callable[[tuple[str, ...]], np.ndarray] | None = None,
) -> tuple[Corpus, Corpus]:
    """Both sets, tokenized, and with histories over their common timeline.

    Args:
      model: what would read them; without history nothing is embedded.
      data: one set.
      dev: the other.
      embed: `model.embed`, or what has its result already.
    """
    data, dev = (sorted(part, key=lambda transcript: transcript.place) for part in (data, dev))
    everything = sorted(
        [(t.place, 0, t) for t in data] + [(t.place, 1, t) for t in dev], key=lambda e: e[:2]
    )
    timeline = [transcript for *_, transcript in everything]
    in_dev = np.concatenate([np.full(len(t), bool(is_dev)) for _, is_dev, t in everything])
    texts = (text for t in timeline for text in t.texts if model.settings.history)
    embeddings = (embed or model.embed)(tuple(texts))
    windows = histories(timeline, model.settings.history)
    labels = model.settings.labels
    return (
        _corpus(model, data, labels, embeddings, windows[~in_dev]),
        _corpus(model, dev, labels, embeddings, windows[in_dev]),
    )


def read_context(model: EmoNet, data: Sequence[Transcript], labels: Sequence[str]) -> Corpus:
    """A set of other labels without embeddings and histories, for the context encoder alone."""
    utterances = sum(map(len, data))
    nothing, none = np.zeros((0, 0), np.float16), np.zeros((utterances, 0), np.int64)
    return _corpus(model, data, labels, nothing, none)


def batches(corpus: Corpus, order: Sequence[int], turns: int) -> Iterator[list[Window]]:
    """The corpus's windows, by index in `order`, in batches that score `turns` turns or more."""
    windows = (corpus.windows[index] for index in order)
    return fill_steps(windows, lambda window: window.end - window.scored, turns)


def fill_steps(parts: Iterable[T], size: Callable[[T], int], turns: int) -> Iterator[list[T]]:
    """Parts in their order, as many at once as have `turns` turns or more by `size`; the rest."""
    step: list[T] = []
    for part in parts:
        step.append(part)
        if sum(map(size, step)) >= turns:
            yield step
            step = []
    if step:
        yield step


def batch_logits(model: EmoNet, corpus: Corpus, windows: Sequence[Window]) -> tuple[Tensor, Tensor]:
    """The turns that some windows score, (scored,) int64, and their logits (scored, classes)."""
    scored, states = batch_states(model, corpus, windows)
    if model.settings.history:
        states = states + model.behaviour(*past(corpus, scored.numpy()))
    return scored, model.classify(states).float()


def past(corpus: Corpus, asked: np.ndarray) -> tuple[Tensor, Tensor]:
    """The histories of some turns, (asked,) int64, as `EmoNet.behaviour` takes them."""
    windows = corpus.histories[asked]
    used, places = np.unique(windows, return_inverse=True)
    said = torch.from_numpy(corpus.embeddings[used].astype(np.float32))
    return said, torch.from_numpy(np.where(windows < 0, -1, places.reshape(windows.shape)))


def batch_states(model: EmoNet, corpus: Corpus, windows: Sequence[Window]) -> tuple[Tensor, Tensor]:
    """The turns that some windows score, (scored,) int64, and their c_t, (scored, d) float32."""
    groups = list(fill_windows(corpus.turns, windows, _fill(model)))
    scored = torch.cat([torch.arange(w.scored, w.end) for rows in groups for w in rows])
    return scored, torch.cat([_read(model, corpus, rows) for rows in groups])


def _fill(model: EmoNet) -> int:
    return _FILL_ALONE if model.settings.window_turns == 1 else _FILL


def _read(model: EmoNet, corpus: Corpus, windows: Sequence[Window]) -> Tensor:
    """States of the turns that some windows score, (scored, d) float32, in their order."""
    turns = [turn for w in windows for turn in corpus.turns[w.start : w.end]]
    starts = np.cumsum([0, *(w.end - w.start for w in windows)])
    local = [
        Window(int(start), int(start) + w.scored - w.start, int(start) + w.end - w.start)
        for start, w in zip(starts[:-1], windows, strict=True)
    ]
    kept = torch.cat([torch.arange(w.scored, w.end) for w in local])
    batch = pack(turns, local, _fill(model), model.context.pad_id)
    return model.read(model.context, batch, len(turns))[kept]


def _corpus(
    model: EmoNet,
    transcripts: Sequence[Transcript],
    labels: Sequence[str],
    embeddings: np.ndarray,
    windows: np.ndarray,
) -> Corpus:
    turns: list[list[int]] = []
    rows: list[Window] = []
    for transcript in transcripts:
        own, first = model.context_turns(transcript), len(turns)
        turns += own
        rows += [
            Window(first + w.start, first + w.scored, first + w.end)
            for w in model.windows(own, transcript.dialogues)
        ]
    gold = gold_indices(transcripts, labels)
    # of windows without a gold label there is nothing to learn, and a batch of them has no loss
    asked = [row for row in rows if (gold[row.scored : row.end] >= 0).any()]
    return Corpus(turns, asked, embeddings, windows, gold)
