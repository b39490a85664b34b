"""From turns to the rows of tokens that the encoder reads. Pure: lists and numpy arrays.

A turn is tokenized for itself, special tokens included; a window is
consecutive turns of one dialogue, one after another; a row is a window, padded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

MASKED = float(np.finfo(np.float32).min) / 4
"""Added to a masked attention score: its softmax is exactly zero, also in bfloat16, and two of
them added up stay finite."""

BATCH_TOKENS = 2048
"""Tokens of one call of an encoder: larger calls are no faster on a core and fall out of its
cache."""

_STEEPEST, _FLATTEST = 4.0, 1 / 16
"""ALiBi's run from 1/2 to 1/256 a token; a turn of dialogue has some sixteen."""


@dataclasses.dataclass(frozen=True)
class Window:
    """Consecutive turns `start` to `end` of which those from `scored` on are pooled here."""

    start: int
    scored: int
    end: int


@dataclasses.dataclass(frozen=True)
class Batch:
    """Windows as arrays.

    Attributes:
      tokens: (rows, length) int64.
      turn_of: (rows, length) int64, the number of each token's turn in its row, -1 for padding.
      pooling: (rows * length,) int64, the index among all turns of the turn that a token is
        pooled into; the number of turns where it is pooled into none.
    """

    tokens: np.ndarray
    turn_of: np.ndarray
    pooling: np.ndarray


def tag_turns(
    texts: Sequence[str], names: Sequence[str | None], dialogues: Sequence[str], tag: str
) -> list[str]:
    """The turns as the context encoder reads them: who speaks, then the words.

    Args:
      texts: what was said, a string a turn.
      names: who said it; None where that is not known, and such a turn has no tag.
      dialogues: the id of each turn's dialogue; local tags number its speakers.
      tag: `none`, `local` (`speaker 2: ...`, as in CoMPM) or `global` (the first name).
    """
    if tag == "none":
        return list(texts)
    names = [name and name.strip() for name in names]
    if tag == "global":
        tags = [name and name.split()[0].title() for name in names]
    else:
        tags = local_tags(names, dialogues)
    return [f"{who}: {text}" if who else text for who, text in zip(tags, texts, strict=True)]


def local_tags(names: Sequence[str | None], dialogues: Sequence[str]) -> list[str | None]:
    """`speaker K` for the K-th speaker of each dialogue, in order of appearance."""
    seen: dict[str, dict[str, int]] = {}
    tags: list[str | None] = []
    for name, dialogue in zip(names, dialogues, strict=True):
        speakers = seen.setdefault(dialogue, {})
        tags.append(name and f"speaker {speakers.setdefault(name, len(speakers) + 1)}")
    return tags


def split_windows(lengths: Sequence[int], dialogues: Sequence[str], limit: int) -> list[Window]:
    """Cuts dialogues into windows of at most `limit` tokens; every turn is scored exactly once.

    A window that continues a dialogue begins with as many earlier turns as fit into half of it,
    the other half is for new ones. What a window holds up to a turn depends on the turns up to
    that one alone, so that later turns change nothing (prefix invariance).

    Args:
      lengths: tokens of each turn, each at most `limit`.
      dialogues: the id of each turn's dialogue.
      limit: tokens a window may have.
    """
    windows = []
    turns = len(lengths)
    first = scored = start = 0
    while scored < turns:
        end = scored
        used = sum(lengths[start:scored])
        while end < turns and dialogues[end] == dialogues[first] and used + lengths[end] <= limit:
            used += lengths[end]
            end += 1
        windows.append(Window(start, scored, end))
        if end < turns and dialogues[end] != dialogues[first]:
            first = start = end
        else:
            start = _left_context(lengths, first, end, limit) if end < turns else end
        scored = end
    return windows


def _left_context(lengths: Sequence[int], first: int, new: int, limit: int) -> int:
    room = min(limit // 2, limit - lengths[new])
    start = new
    while start > first and lengths[start - 1] <= room:
        start -= 1
        room -= lengths[start]
    return start


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
    turns: Sequence[Sequence[int]], windows: Sequence[Window], pad_to_multiple_of: int, pad_id: int
) -> Batch:
    """Windows over `turns` as one batch, its rows padded to a multiple of `pad_to_multiple_of`."""
    rows = [[id_ for turn in turns[w.start : w.end] for id_ in turn] for w in windows]
    length = -(-max(map(len, rows)) // pad_to_multiple_of) * pad_to_multiple_of
    turn_of = [[n for n, turn in enumerate(turns[w.start : w.end]) for _ in turn] for w in windows]
    pooling = [
        [
            turn if turn >= w.scored else len(turns)
            for turn in range(w.start, w.end)
            for _ in turns[turn]
        ]
        for w in windows
    ]
    return Batch(
        tokens=pad_rows(rows, length, pad_id),
        turn_of=pad_rows(turn_of, length, -1),
        pooling=pad_rows(pooling, length, len(turns)).ravel(),
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


def head_slopes(heads: int) -> np.ndarray:
    """What each head takes off an attention score for a turn of distance, (heads,) float32.

    A geometric series, as in ALiBi (Press et al. 2022, section 3), over turns in place of tokens:
    some heads see hardly more than their own turn, others the whole dialogue.
    """
    return np.geomspace(_STEEPEST, _FLATTEST, heads).astype(np.float32)


def per_turn_positions(turn_of: np.ndarray) -> np.ndarray:
    """The position of each token in its own turn, from 0, (rows, length) int64."""
    position = np.arange(turn_of.shape[1])
    begins = np.diff(turn_of, axis=1, prepend=-2) != 0
    first = np.maximum.accumulate(np.where(begins, position, 0), axis=1)
    return np.asarray(position - first)
