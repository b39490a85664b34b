"""The turns of a transcript in the making.

Law of this module: what a format finds is counted exactly once, as a turn that was read, as one
that is dropped by its kind, or as one that is refused.
"""

from __future__ import annotations

import dataclasses
from collections import Counter

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.decoding import refuse_broken
from beam_pipeline.corpus.formats.cue_builder import Silent
from beam_pipeline.corpus.refusals import Refusal, RefusalError, check_size, note


@dataclasses.dataclass(frozen=True)
class Turn:
    """What one person says, or what nobody is named for.

    Attributes:
      line: where it begins in the file, from 1.
      name: who speaks, as the file has it; None where it names nobody.
      lines: what is said, with its markup; empty lines are left out.
      raw: the lines it stands in, as they are in the file.
      start_ms: when it begins, None where the file does not say.
      scene: whether a scene begins with it.
    """

    line: int
    name: str | None
    lines: tuple[str, ...]
    raw: tuple[str, ...]
    start_ms: int | None = None
    scene: bool = False


@dataclasses.dataclass(frozen=True)
class ParsedTurns:
    """All turns of a file, in file order.

    Attributes:
      turns: those that were read.
      refused: those that cannot be.
      dropped: pairs of a kind and the number of those that say nothing by their very kind.
    """

    turns: tuple[Turn, ...]
    refused: tuple[Refusal, ...]
    dropped: tuple[tuple[str, int], ...] = ()


@dataclasses.dataclass
class OpenTurn:
    """A turn to which lines are added, up to a limit beyond which it is refused anyway.

    Attributes:
      number, name, start_ms, lines, raw: as in `Turn`; `number` is its line.
    """

    number: int
    name: str | None = None
    start_ms: int | None = None
    lines: list[str] = dataclasses.field(default_factory=list)
    raw: list[str] = dataclasses.field(default_factory=list)
    size: int = 0

    def add(self, line: str, raw: str) -> None:
        """Appends a line: what is said, and as it is in the file."""
        if self.size <= limits.MAX_TEXT_CHARS:
            self.lines.append(line)
            self.raw.append(raw)
            self.size += len(raw)


class TurnBuilder:
    """Takes the turns of one file in, one after another."""

    def __init__(self) -> None:
        self._turns: list[Turn] = []
        self._refused: list[Refusal] = []
        self._dropped: Counter[Silent] = Counter()
        self._scene = False

    def add(self, turn: OpenTurn) -> None:
        """Takes a turn in, or refuses it."""
        kept = tuple(line for line in turn.lines if line.strip())
        try:
            refuse_broken(turn.name or "", *turn.raw)
            check_size(kept)
            check_size(turn.raw)
        except RefusalError as error:
            note(self._refused, error.at(f"line {turn.number}"))
        else:
            raw = tuple(line for line in turn.raw if line.strip())
            self._turns.append(Turn(turn.number, turn.name, kept, raw, turn.start_ms, self._scene))
            self._scene = False

    def drop(self, kind: Silent) -> None:
        """Counts what nobody says."""
        self._dropped[kind] += 1

    def begin_scene(self) -> None:
        """Begins a scene with the next turn."""
        self._scene = True

    def build(self) -> ParsedTurns:
        """All that was taken in."""
        dropped = sorted((str(kind), count) for kind, count in self._dropped.items())
        return ParsedTurns(tuple(self._turns), tuple(self._refused), tuple(dropped))
