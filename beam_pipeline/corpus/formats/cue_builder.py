"""The cues of a file in the making.

Law of this module: what a format finds is counted exactly once, as a cue that was read, as one
that is dropped by its kind, or as one that is refused.
"""

from __future__ import annotations

import dataclasses
import enum
from collections import Counter
from collections.abc import Iterable

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.decoding import refuse_broken
from beam_pipeline.corpus.formats.cue_blocks import Cue, ParsedCues
from beam_pipeline.corpus.formats.timings import settled, sound
from beam_pipeline.corpus.refusals import Refusal, RefusalError, check_size, note


class Silent(enum.StrEnum):
    """Kinds of cues in which nobody can speak."""

    BLANK = "blank"
    COMMENT = "comment"
    CONTROL = "control"
    CREDIT = "credit"
    DIRECTION = "direction"
    DRAWING = "drawing"
    FRAME_RATE = "frame_rate"
    METADATA = "metadata"
    NAME = "name"
    NEVER_SHOWN = "never_shown"
    OTHER_LANGUAGE = "other_language"
    SIGN = "sign"
    SONG = "song"


@dataclasses.dataclass(frozen=True)
class Draft:
    """A cue whose times may not be known yet; the fields are those of `Cue`."""

    line: int
    start_ms: int | None
    end_ms: int | None
    lines: tuple[str, ...]
    name: str | None


class CueText:
    """The text of a cue in the making, kept until it is longer than any cue may be."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        """Appends to it."""
        if self._size <= limits.MAX_TEXT_CHARS:
            self._texts.append(text)
            self._size += len(text)

    def __str__(self) -> str:
        return "".join(self._texts)


class CueBuilder:
    """Takes the cues of one file in, one after another.

    Args:
      unit: what positions count, `line` or `cue`.
    """

    def __init__(self, unit: str):
        self.unit = unit
        self._drafts: list[Draft] = []
        self._refused: list[Refusal] = []
        self._dropped: Counter[Silent] = Counter()
        self._clears: list[int] = []
        self._repaired = 0

    def add(
        self,
        number: int,
        start_ms: int | None,
        end_ms: int | None,
        lines: Iterable[str],
        name: str | None = None,
        repaired: bool = False,
    ) -> None:
        """Takes a cue in, or refuses it.

        Args:
          number: its position in the file.
          start_ms: when it is shown; None where the file has no time that can be read, and the
            cue, kept for its words, stands between its neighbours.
          end_ms: until when; None is the time at which the next cue starts or the screen is
            cleared, and without any, the start.
          lines: its text, of which empty lines are left out.
          name: who speaks, if the format says so.
          repaired: whether a time is not as the file has it.
        """
        kept = tuple(line for line in lines if line.strip())
        try:
            refuse_broken(name or "", *kept)
            check_size(kept)
        except RefusalError as error:
            self.refuse(number, error)
            return
        timing = sound(start_ms, end_ms, repaired=repaired or start_ms is None)
        self._repaired += timing.repaired
        self._drafts.append(Draft(number, timing.start_ms, timing.end_ms, kept, name))

    def refuse(self, number: int, error: RefusalError) -> None:
        """Refuses the cue at a position."""
        note(self._refused, error.at(f"{self.unit} {number}"))

    def drop(self, kind: Silent) -> None:
        """Counts a cue in which nobody can speak."""
        self._dropped[kind] += 1

    def clear(self, at_ms: int) -> None:
        """Ends the cues without an end that started before."""
        self._clears.append(at_ms)

    def build(self, language: str | None = None) -> ParsedCues:
        """All that was taken in."""
        times = settled([(one.start_ms, one.end_ms) for one in self._drafts], self._clears)
        cues = tuple(
            Cue(draft.line, start_ms, end_ms, draft.lines, draft.name)
            for draft, (start_ms, end_ms) in zip(self._drafts, times, strict=True)
        )
        return ParsedCues(
            cues=cues,
            refused=tuple(self._refused),
            dropped=tuple(sorted((str(kind), count) for kind, count in self._dropped.items())),
            language=language,
            repaired=self._repaired,
        )


def collapsed(line: str) -> str:
    """A line with its white space made one; one that is too long for any cue as it is."""
    return line if len(line) > limits.MAX_LINE_CHARS else " ".join(line.split())
