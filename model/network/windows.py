"""From turns to the windows that the encoder reads. Pure: lists and numpy arrays.

A turn is tokenized for itself, special tokens included; a window is consecutive turns of one
dialogue, one after another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

_STEEPEST, _FLATTEST = 4.0, 1 / 16
"""ALiBi's run from 1/2 to 1/256 a token; a turn of dialogue has some sixteen."""


@dataclasses.dataclass(frozen=True)
class Window:
    """Consecutive turns `start` to `end` of which those from `scored` on are pooled here."""

    start: int
    scored: int
    end: int

    def after(self, turns: int) -> Window:
        """The same window where so many turns come before its dialogue."""
        return Window(turns + self.start, turns + self.scored, turns + self.end)


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


def head_slopes(heads: int) -> np.ndarray:
    """What each head takes off an attention score for a turn of distance, (heads,) float32.

    A geometric series, as in ALiBi (Press et al. 2022, section 3), over turns in place of tokens:
    some heads see hardly more than their own turn, others the whole dialogue.
    """
    return np.geomspace(_STEEPEST, _FLATTEST, heads).astype(np.float32)
