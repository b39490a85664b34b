"""How a part of the corpus says that it cannot be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from beam_pipeline.corpus import limits
from beam_pipeline.records import EmonetError, Reason, Rejected

_NAMED = 3


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A cue, row or file that was refused, before its source is known.

    Attributes:
      position: `line 12`, `row 3`, or `` for the whole file.
      reason: why.
      detail: more for a person; never text of the corpus.
      items: how many cues or rows are lost with it.
    """

    position: str
    reason: Reason
    detail: str = ""
    items: int = 1

    def of(self, source: str) -> Rejected:
        """The record that goes into the output: a cue, row, episode or all of `source`."""
        return Rejected(source, self.position, self.reason, self.detail, self.items)


class RefusalError(EmonetError):
    """Raised where something cannot be read; caught where its position is known."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def at(self, position: str) -> Refusal:
        """The same as a value, with the place at which it was caught."""
        return Refusal(position, self.reason, self.detail)


def named(rejected: Sequence[Rejected]) -> str:
    """The first few refusals of some, where they are and why, and how many there are."""
    shown = (
        f"{f'{one.source} {one.position}'.strip()}: {one.reason} {one.detail}".strip()
        for one in rejected[:_NAMED]
    )
    return f"{'; '.join(shown)} ({len(rejected):,} refused in all)"


def check_size(lines: Iterable[str]) -> None:
    """Refuses a cue with more text than any has."""
    if sum(map(len, lines)) > limits.MAX_TEXT_CHARS:
        detail = f"expected at most {limits.MAX_TEXT_CHARS} characters of text"
        raise RefusalError(Reason.TEXT_TOO_LONG, detail)


def note(refused: list[Refusal], refusal: Refusal) -> None:
    """Appends a refusal.

    Raises:
      RefusalError: if there are more than `limits.MAX_REFUSALS` of the file.
    """
    if len(refused) >= limits.MAX_REFUSALS:
        first = f"the first {refused[0].reason} at {refused[0].position}"
        more = f"more than {limits.MAX_REFUSALS} bad cues or rows"
        raise RefusalError(Reason.MALFORMED_FILE, f"{more}, {first}")
    refused.append(refusal)
