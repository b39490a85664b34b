"""From windows of turns to batches of one padded length, for training and accelerators.

There few large products under a mask are faster than `packing`'s many small ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from model.network.attention import Span
from model.network.packing import Batch, View, scored_turns
from model.network.windows import Window

MASKED = float(np.finfo(np.float32).min) / 4
"""Added to a masked attention score: its softmax is exactly zero, also in bfloat16, and two of
them added up stay finite."""

BATCH_TOKENS = 2048
"""Tokens of a padded batch: larger calls are no faster on a core and fall out of its cache."""


def batch_windows(
    turns: Sequence[Sequence[int]],
    windows: Sequence[Window],
    pad_to_multiple_of: int,
    budget: int = BATCH_TOKENS,
) -> Iterator[list[Window]]:
    """The windows in batches of at most `budget` tokens, each of one padded length."""
    lengths = [sum(map(len, turns[window.start : window.end])) for window in windows]
    for _, rows in batch_by_length(lengths, pad_to_multiple_of, budget):
        yield [windows[row] for row in rows]


def collate(
    turns: Sequence[Sequence[int]],
    windows: Sequence[Window],
    pad_to_multiple_of: int,
    pad_id: int,
    view: View,
    device: torch.device,
) -> Batch:
    """Windows over `turns` as one batch, each padded to a multiple of `pad_to_multiple_of`."""
    rows = [[id_ for turn in turns[w.start : w.end] for id_ in turn] for w in windows]
    length = -(-max(map(len, rows)) // pad_to_multiple_of) * pad_to_multiple_of
    numbers = [[n for n, turn in enumerate(turns[w.start : w.end]) for _ in turn] for w in windows]
    turn_of = pad_rows(numbers, length, -1)
    mask = torch.from_numpy(turn_causal_mask(turn_of, view.reach)).to(device)
    position_ids = np.broadcast_to(np.arange(length), turn_of.shape)
    # a window of one turn has the same positions and no distance either way
    if view.slopes is not None and turn_of.max() > 0:
        back = torch.from_numpy(turns_between(turn_of)).to(device)
        mask = mask - torch.from_numpy(view.slopes).to(device)[:, None, None] * back
        position_ids = per_turn_positions(turn_of)
    parts = [[*map(len, turns[w.start : w.end])] for w in windows]
    parts = [[*own, length - sum(own)] for own in parts]
    scored = [[*scored_turns([w]), -1] for w in windows]
    starts = np.cumsum([0, *(part for own in parts for part in own)])[:-1]
    return Batch(
        tokens=torch.from_numpy(pad_rows(rows, length, pad_id).ravel()).to(device),
        position_ids=torch.from_numpy(position_ids.flatten()).to(device),
        spans=[Span(len(rows) * length, len(rows), length, length, mask)],
        starts=torch.from_numpy(starts).to(device),
        turns=np.concatenate(scored),
    )


def batch_by_length(
    lengths: Sequence[int], pad_to_multiple_of: int, budget: int
) -> Iterator[tuple[int, list[int]]]:
    """Groups rows of like length, longest first, into batches of at most `budget` tokens.

    Args:
      lengths: tokens of each row.
      pad_to_multiple_of: no batch mixes two padded lengths, so the shape that a row is computed
        in depends on the row alone.
      budget: tokens of a batch, padding included; a longer row is a batch of its own.

    Yields:
      The padded length and the indices of the rows.
    """
    padded = [-(-length // pad_to_multiple_of) * pad_to_multiple_of for length in lengths]
    order = sorted(range(len(padded)), key=lambda row: (-padded[row], row))
    begin = 0
    while begin < len(order):
        length = padded[order[begin]]
        end = begin
        while (
            end < len(order)
            and padded[order[end]] == length
            and (end == begin or (end + 1 - begin) * length <= budget)
        ):
            end += 1
        yield length, order[begin:end]
        begin = end


def pad_rows(rows: Sequence[Sequence[int]], length: int, value: int) -> np.ndarray:
    """(rows, length) int64: each row padded with `value`."""
    padded = np.full((len(rows), length), value, dtype=np.int64)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return padded


def turn_causal_mask(turn_of: np.ndarray, reach: int | None) -> np.ndarray:
    """The additive mask under which a token sees its own turn and earlier ones.

    Args:
      turn_of: (rows, length) int64, the number of each token's turn in its row, -1 for padding.
      reach: how many turns a token sees, its own included; None for all.

    Returns:
      (rows, 1, length, length) float32: 0 where the second last axis sees the last one, else
      `MASKED`. Padding sees itself alone, so that no row of scores is masked throughout.
    """
    reader, read = turn_of[:, :, None], turn_of[:, None, :]
    seen = (read <= reader) & (read >= 0)
    if reach is not None:
        seen &= read > reader - reach
    seen |= np.eye(turn_of.shape[1], dtype=bool)
    mask = np.full(seen.shape, MASKED, dtype=np.float32)
    mask[seen] = 0.0
    return mask[:, None]


def turns_between(turn_of: np.ndarray) -> np.ndarray:
    """How many turns back a token's turn lies, (rows, 1, length, length) float32; 0 for later ones.

    Args:
      turn_of: as `turn_causal_mask` takes it.
    """
    back = turn_of[:, :, None] - turn_of[:, None, :]
    return np.asarray(np.maximum(back, 0)[:, None], dtype=np.float32)


def per_turn_positions(turn_of: np.ndarray) -> np.ndarray:
    """The position of each token in its own turn, from 0, (rows, length) int64."""
    position = np.arange(turn_of.shape[1])
    begins = np.diff(turn_of, axis=1, prepend=-2) != 0
    first = np.maximum.accumulate(np.where(begins, position, 0), axis=1)
    return np.asarray(position - first)
