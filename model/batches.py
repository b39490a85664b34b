"""A data set as training reads it: tokens, embeddings and histories, in batches of windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from model.dataset import Transcript, common_timeline, gold_indices
from model.emonet import EmoNet, histories
from model.precision import autocast
from model.windows import BATCH_TOKENS, Window, fill_windows, pack

T = TypeVar("T")

_FILL = 64
"""Rows are filled up to a multiple of this many tokens: fewer, fuller calls than inference has."""

_FILL_ALONE = 16
"""The same for turns that stand alone, which are short."""

_ACCELERATOR_TOKENS = 16_384
"""Of a call at most, where each call costs more than its filling (`BATCH_TOKENS` elsewhere)."""


@dataclasses.dataclass(frozen=True)
class Corpus:
    """A data set as the training loop reads it, its turns counted through all episodes.

    Attributes:
      turns: token ids of each turn.
      windows: over the turns of all episodes.
      alone: what utterances tell alone, (utterances, classes) float32.
      embeddings: (utterances, d) float16.
      histories: (utterances, N) int64.
      gold: (utterances,) int64, -1 for none.
    """

    turns: list[list[int]]
    windows: list[Window]
    alone: np.ndarray
    embeddings: np.ndarray
    histories: np.ndarray
    gold: np.ndarray


def read_corpus(
    model: EmoNet,
    data: Sequence[Transcript],
    dev: Sequence[Transcript],
    read_alone: Callable[[tuple[str, ...]], tuple[np.ndarray, np.ndarray]] | None = None,
) -> tuple[Corpus, Corpus]:
    """Both sets, tokenized, and with histories over their common timeline.

    Args:
      model: what would read them.
      data: one set.
      dev: the other.
      read_alone: `model.read_alone`, or what has its result already.
    """
    labels = model.settings.labels
    if not model.settings.history and not model.settings.utterance_layers:
        return read_context(model, data, labels), read_context(model, dev, labels)
    data, dev = (sorted(part, key=lambda transcript: transcript.place) for part in (data, dev))
    both = common_timeline(data, dev)
    timeline = [transcript for transcript, _ in both]
    in_dev = np.concatenate([np.full(len(t), is_dev) for t, is_dev in both])
    texts = tuple(text for t in timeline for text in t.texts)
    alone, embeddings = (read_alone or model.read_alone)(texts)
    windows = histories(timeline, model.settings.history)
    return (
        _corpus(model, data, labels, alone[~in_dev], embeddings, windows[~in_dev]),
        _corpus(model, dev, labels, alone[in_dev], embeddings, windows[in_dev]),
    )


def read_context(model: EmoNet, data: Sequence[Transcript], labels: Sequence[str]) -> Corpus:
    """A set, perhaps of other labels, for the context alone: with nothing beside its windows."""
    data = sorted(data, key=lambda transcript: transcript.place)
    utterances = sum(map(len, data))
    alone = np.zeros((utterances, len(labels)), np.float32)
    nothing, none = np.zeros((0, 0), np.float16), np.zeros((utterances, 0), np.int64)
    return _corpus(model, data, labels, alone, nothing, none)


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
    """The turns that some windows score, (scored,) int64, and what their context says of them.

    The latter is W_o c_t + b, (scored, classes) float32.
    """
    scored, states = batch_states(model, corpus, windows)
    return scored, model.classify(states).float()


def corpus_logits(model: EmoNet, corpus: Corpus) -> np.ndarray:
    """All but the speaker's part, of a model in training: (utterances, classes) float32."""
    model.eval()
    logits = torch.from_numpy(corpus.alone.copy())
    with torch.inference_mode(), autocast(model.device):
        for batch in batches(corpus, range(len(corpus.windows)), 256):
            scored, values = batch_logits(model, corpus, batch)
            logits[scored] += values.cpu()
    return logits.numpy()


def past(corpus: Corpus, asked: np.ndarray) -> tuple[Tensor, Tensor]:
    """The histories of some turns, (asked,) int64, as `EmoNet.behaviour` takes them."""
    windows = corpus.histories[asked]
    used, places = np.unique(windows, return_inverse=True)
    said = torch.from_numpy(corpus.embeddings[used].astype(np.float32))
    return said, torch.from_numpy(np.where(windows < 0, -1, places.reshape(windows.shape)))


def batch_states(model: EmoNet, corpus: Corpus, windows: Sequence[Window]) -> tuple[Tensor, Tensor]:
    """The turns that some windows score, (scored,) int64, and their c_t, (scored, d) float32."""
    groups = list(fill_windows(corpus.turns, windows, *_filling(model)))
    scored = torch.cat([torch.arange(w.scored, w.end) for rows in groups for w in rows])
    return scored, torch.cat([_read(model, corpus, rows) for rows in groups])


def _filling(model: EmoNet) -> tuple[int, int]:
    """What the rows of a call are filled up to a multiple of, and its tokens at most."""
    settings = model.settings
    alone = settings.window_turns == 1
    if model.device.type == "cpu":
        return _FILL_ALONE if alone else _FILL, BATCH_TOKENS
    return settings.turn_tokens if alone else settings.window_tokens, _ACCELERATOR_TOKENS


def _read(model: EmoNet, corpus: Corpus, windows: Sequence[Window]) -> Tensor:
    """States of the turns that some windows score, (scored, d) float32, in their order."""
    turns = [turn for w in windows for turn in corpus.turns[w.start : w.end]]
    starts = np.cumsum([0, *(w.end - w.start for w in windows)])
    local = [
        Window(int(start), int(start) + w.scored - w.start, int(start) + w.end - w.start)
        for start, w in zip(starts[:-1], windows, strict=True)
    ]
    kept = torch.cat([torch.arange(w.scored, w.end) for w in local])
    fill, _ = _filling(model)
    batch = pack(turns, local, fill, model.context.pad_id)
    return model.read(model.context, batch, len(turns))[kept]


def _corpus(
    model: EmoNet,
    transcripts: Sequence[Transcript],
    labels: Sequence[str],
    alone: np.ndarray,
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
    return Corpus(turns, asked, alone, embeddings, windows, gold)
