"""Lines -> cues: what SRT and WebVTT have in common.

Law of this module: every line with an arrow, and every other one that tells times, is exactly one
cue, read or refused. It goes through the text once, whatever is in it.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
from collections.abc import Iterable, Iterator

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.decoding import refuse_broken
from beam_pipeline.corpus.formats.timings import (
    ARROW,
    Timing,
    read_timing,
    settled,
    tells_times,
)
from beam_pipeline.corpus.refusals import Refusal, RefusalError, check_size, note
from beam_pipeline.records import Reason


@dataclasses.dataclass(frozen=True)
class Cue:
    """One subtitle: when it is shown, and its lines with their markup.

    Attributes:
      line: number of its timing line, from 1; of the cue where the format has no lines.
      start_ms, end_ms: milliseconds from the start of the recording, `start_ms <= end_ms`.
      lines: without line ends; empty lines are left out.
      name: who speaks, where the format has a field for it.
      segment: of a file that was put together from segments of a stream, the number of its own.
    """

    line: int
    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    name: str | None = None
    segment: int = 0


@dataclasses.dataclass(frozen=True)
class ParsedCues:
    """All cues of a file, in file order.

    Attributes:
      cues: those that were read.
      refused: those that cannot be.
      dropped: pairs of a kind and the number of those that say nothing by their very kind.
      language: BCP 47 tag, None where the file does not say.
      repaired: how many of the cues have another time than the file gives, or one where it gives
        none that can be.
    """

    cues: tuple[Cue, ...]
    refused: tuple[Refusal, ...]
    dropped: tuple[tuple[str, int], ...] = ()
    language: str | None = None
    repaired: int = 0


@dataclasses.dataclass
class _Block:
    """A timing line and what follows it, up to the next one."""

    number: int
    timing: str
    lines: list[str]
    size: int = 0

    def add(self, line: str) -> None:
        """Keeps a line, unless the block is too long already; one empty line stands for many."""
        if self.size <= limits.MAX_TEXT_CHARS and (line or self.lines[-1:] != [""]):
            self.lines.append(line)
            self.size += len(line) + 1


def read_cues(text: str, blank_ends_cue: bool) -> ParsedCues:
    """Reads every cue of a text.

    Args:
      text: a whole file; lines end in LF, CRLF or CR.
      blank_ends_cue: whether a cue's text ends at the first line without any character, as in
        WebVTT, or only at an empty one with a counter after it, as in SRT files with gaps in
        their text.
    """
    read: list[tuple[_Block, Timing, tuple[str, ...]]] = []
    refused: list[Refusal] = []
    for block in _blocks(lines_of(text), blank_ends_cue):
        try:
            timing = read_timing(block.timing)
            read.append((block, timing, _read_lines(block, timing, blank_ends_cue)))
        except RefusalError as error:
            note(refused, error.at(f"line {block.number}"))
    timed = any(timing.start_ms is not None for _, timing, _ in read)
    kept = []
    for block, timing, lines in read:
        # without a time a cue is kept for its words, where other cues say when it is shown
        if timing[:2] == (None, None) and not (lines and timed):
            detail = "expected a timing such as 00:00:01,000 --> 00:00:02,000"
            note(refused, Refusal(f"line {block.number}", Reason.MALFORMED_CUE, detail))
        else:
            kept.append((block, timing, lines))
    times = settled([timing[:2] for _, timing, _ in kept])
    cues = tuple(
        Cue(block.number, start_ms, end_ms, lines)
        for (block, _, lines), (start_ms, end_ms) in zip(kept, times, strict=True)
    )
    return ParsedCues(cues, tuple(refused), repaired=sum(one.repaired for _, one, _ in kept))


def lines_of(text: str) -> Iterator[str]:
    """The lines of a text one after another, without their ends, be they LF, CRLF or CR."""
    return (line.removesuffix("\n") for line in io.StringIO(text, newline=None))


def _blocks(lines: Iterable[str], blank_ends_cue: bool) -> Iterator[_Block]:
    block: _Block | None = None
    for number, line in enumerate(lines, 1):
        # nearly all lines begin with a letter, are empty or a counter, and no time does or is
        known = line[:1].isalpha() or not line or line.isdecimal()
        if ARROW in line or (not known and tells_times(line)):
            if block:
                yield _without_counter(block)
            block = _Block(number, line, [])
        elif block:
            block.add(line if line.strip() or (blank_ends_cue and line) else "")
    if block:
        yield block


def _without_counter(block: _Block) -> _Block:
    """Takes off the number of the next cue, which stands right before its timing line."""
    if block.lines and _is_counter(block.lines[-1]):
        block.lines.pop()
    return block


def _is_counter(line: str) -> bool:
    return line.strip().isdecimal()


def _read_lines(block: _Block, timing: Timing, blank_ends_cue: bool) -> tuple[str, ...]:
    lines = _until_blank(block.lines) if blank_ends_cue else _until_next_counter(block.lines)
    # in WebVTT nothing is said on a line with an arrow
    said = timing.text or (block.timing if _is_said(block.timing) else "")
    if said and not blank_ends_cue:
        lines = [said, *lines]
    refuse_broken(*lines)
    check_size(lines)
    return tuple(line for line in lines if line.strip())


def _is_said(line: str) -> bool:
    """Whether a line with an arrow is one of words: `the menu --> the options`."""
    told = any(map(str.isdigit, line)) or "<!--" in line
    return not told and any(map(str.isalpha, line))


def _until_blank(lines: list[str]) -> list[str]:
    if "" in lines:
        return lines[: lines.index("")]
    # where no line is empty, one of spaces stands before the identifier of the next cue
    return lines[:-2] if len(lines) > 1 and not lines[-2].strip() else lines


def _until_next_counter(lines: list[str]) -> list[str]:
    for at, (line, following) in enumerate(itertools.pairwise(lines)):
        if not line and _is_counter(following):
            return lines[:at]
    return lines
