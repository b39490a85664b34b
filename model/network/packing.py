"""From windows of turns to the flat buffer of tokens that an encoder reads at once.

Windows lie one after another in buffers of one size, without padding, and a turn reads its window
up to its own end. That needs no mask, and no shape that a turn is computed in depends on what comes
after it or lies beside it. `padding` does the same for training and accelerators.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from model.network.attention import Span
from model.network.windows import Window

_OPEN_BUFFERS = 16
"""In how many buffers at most a window may still find room."""


@dataclasses.dataclass(frozen=True)
class View:
    """What a token sees of its window.

    Attributes:
      reach: how many turns, its own included; None for all up to its own.
      slopes: what each head takes off a score for a turn of distance, (heads,) float32, where
        position ids start anew with each turn; None where they count through the window.
    """

    reach: int | None = None
    slopes: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Batch:
    """Windows in a buffer.

    Attributes:
      tokens: (rows,) int64.
      position_ids: (rows,) int64, counted from 0.
      spans: what reads what.
      starts: (parts,) int64, the first row of each turn or padding; it ends where the next begins.
      turns: (parts,) int64, the index of each turn among all; -1 for padding, and for turns that
        the window only reads.
    """

    tokens: Tensor
    position_ids: Tensor
    spans: list[Span]
    starts: Tensor
    turns: np.ndarray


def pack(
    turns: Sequence[Sequence[int]],
    windows: Sequence[Window],
    rows: int,
    pad_id: int,
    view: View,
) -> Iterator[Batch]:
    """Windows over `turns` in buffers of `rows` tokens each, the rest of one filled with `pad_id`.

    Raises:
      ValueError: a window has more tokens than a buffer has rows.
    """
    lengths = [sum(map(len, turns[window.start : window.end])) for window in windows]
    for chosen in fill_buffers(lengths, rows):
        yield _packed(turns, [windows[number] for number in chosen], rows, pad_id, view)


def fill_buffers(lengths: Sequence[int], rows: int) -> list[list[int]]:
    """Which sequences share a buffer of `rows` tokens: the longest first, each where it fits.

    Raises:
      ValueError: a sequence is longer than a buffer.
    """
    if max(lengths, default=0) > rows:
        raise ValueError(f"a window has {max(lengths)} tokens, a buffer {rows}")
    buffers: list[list[int]] = []
    room: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda one: (-lengths[one], one)):
        oldest = max(0, len(buffers) - _OPEN_BUFFERS)
        fitting = (b for b in range(oldest, len(buffers)) if room[b] >= lengths[number])
        buffer = next(fitting, len(buffers))
        if buffer == len(buffers):
            buffers.append([])
            room.append(rows)
        buffers[buffer].append(number)
        room[buffer] -= lengths[number]
    return buffers


def _packed(
    turns: Sequence[Sequence[int]], windows: Sequence[Window], rows: int, pad_id: int, view: View
) -> Batch:
    tokens = np.full(rows, pad_id, dtype=np.int64)
    position_ids = np.zeros(rows, dtype=np.int64)
    spans: list[Span] = []
    starts: list[int] = [0]
    for window in windows:
        own = turns[window.start : window.end]
        begin, ends = starts[-1], np.cumsum([len(turn) for turn in own])
        length = int(ends[-1])
        tokens[begin : begin + length] = [token for turn in own for token in turn]
        position_ids[begin : begin + length] = np.arange(length)
        if view.slopes is not None:
            firsts = np.concatenate([[0], ends[:-1]])
            position_ids[begin : begin + length] -= np.repeat(firsts, np.diff(ends, prepend=0))
        spans += _spans(begin, [0, *ends.tolist()], view)
        starts += (begin + ends).tolist()
    return Batch(
        tokens=torch.from_numpy(tokens),
        position_ids=torch.from_numpy(position_ids),
        spans=_joined(spans),
        starts=torch.tensor(starts),
        turns=np.append(scored_turns(windows), -1),
    )


def _spans(begin: int, bounds: Sequence[int], view: View) -> Iterator[Span]:
    """A span a turn of the window at row `begin`, whose turns lie between `bounds`."""
    count = len(bounds) - 1
    biases = None
    if view.slopes is not None and count > 1:
        turn = np.repeat(np.arange(count), np.diff(bounds))
        distance = turn - np.arange(count)[:, None]
        biases = torch.from_numpy(view.slopes[None, :, None] * distance[:, None].astype(np.float32))
    for number in range(count):
        first = bounds[0 if view.reach is None else max(0, number + 1 - view.reach)]
        end = bounds[number + 1]
        bias = None if biases is None or number == 0 else biases[number, None, :, None, first:end]
        yield Span(begin + end, 1, end - bounds[number], end - first, bias)


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Neighbours of one length that read themselves alone as one span."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        alone = span.queries == span.keys and span.bias is None
        if (
            last
            and alone
            and (last.queries, last.keys, last.bias) == (span.queries, span.keys, None)
        ):
            joined[-1] = dataclasses.replace(span, count=last.count + 1)
        else:
            joined.append(span)
    return joined


def scored_turns(windows: Sequence[Window]) -> np.ndarray:
    """The index of each turn of some windows; -1 where a window only reads it."""
    numbers = [n if n >= w.scored else -1 for w in windows for n in range(w.start, w.end)]
    return np.array(numbers, dtype=np.int64)
