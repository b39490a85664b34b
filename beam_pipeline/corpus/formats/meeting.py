"""Meetings as text, as Otter, Teams, Zoom and Rev write them: a name and a time, then what is said.

    Christina Vale  0:03            [Christina Vale] 16:00:12         Speaker 1 (00:03):
    Shall we begin?                 Shall we begin?                   Shall we begin?

A turn lasts until the next one. Zoom writes the time of day: the first one is zero. What is copied
from the page of Teams has the name, the time in words, and the time on lines of their own.
"""

from __future__ import annotations

import itertools
import re

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.clocks import CLOCK, milliseconds
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues, lines_of
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.line_blocks import line_blocks
from beam_pipeline.corpus.refusals import RefusalError

_EXTENSIONS = ("", ".md", ".text", ".txt")
_MIN_TURNS = 2
_NAME = r"([^\W\d_][^:\[\]()\t\r\n]{0,58}?)"
_OF_DAY = re.compile(rf"\s*\[{_NAME}\]\s+{CLOCK}\s*")
_HEADINGS = (
    _OF_DAY,
    re.compile(rf"\s*{_NAME}(?: {{2,}}+| ?\t)\s*+{CLOCK}\s*"),
    re.compile(rf"\s*{_NAME}\s*+[(\[]{CLOCK}[)\]](?::\s+(.*)|:?\s*)"),
)
_IN_WORDS = r"(?:\d{1,3} hours? )?(?:\d{1,3} minutes? )?\d{1,3} seconds?"
_ON_LINES = re.compile(
    rf"^[ \t]*{_NAME}[ \t]*\r?\n[ \t]*{_IN_WORDS}[ \t]*(?:\r?\n[ \t]*)?"
    rf"(\d{{1,3}}(?::\d\d){{1,2}})[ \t]*$(?:\r?\n[ \t]*\1 {_IN_WORDS}[ \t]*$)?",
    re.MULTILINE,
)


def _with_headings(text: str) -> str:
    """A text with name and time on one line where they are on several; as many lines as before."""
    if " second" not in text:
        return text
    return _ON_LINES.sub(lambda one: f"{one[1]}  {one[2]}" + "\n" * one[0].count("\n"), text)


def _heading(line: str) -> re.Match[str] | None:
    """A line with a name and a time: name, the groups of a clock, and what is said behind them."""
    if len(line) > limits.MAX_TEXT_CHARS or not any(map(str.isdecimal, line)):
        return None
    found = (form.fullmatch(line) for form in _HEADINGS)
    return next((one for one in found if one), None)


def find_meeting(text: RawText) -> Evidence | None:
    """The first line with a name and a time, if there are several."""
    if text.extension not in _EXTENSIONS:
        return None
    head = _with_headings(text.head)
    headings = (line for line in lines_of(head) if _heading(line))
    found = [*itertools.islice(headings, _MIN_TURNS)]
    if len(found) < _MIN_TURNS:
        return None
    start = head.index(found[0])
    return start, start + len(found[0])


def read_meeting(text: str) -> ParsedCues:
    """Reads every line with a name and a time as the begin of a cue."""
    builder = CueBuilder("line")
    zero_ms: int | None = None
    for block in line_blocks(_with_headings(text), lambda line: _heading(line) is not None):
        heading = _heading(block.lines[0])
        if heading is None:
            builder.drop(Silent.METADATA)
            continue
        name, *clock = heading.groups()[:5]
        rest = "".join(filter(None, heading.groups()[5:]))
        try:
            start_ms = milliseconds(*clock)
        except RefusalError as error:
            builder.refuse(block.number, error)
            continue
        if zero_ms is None:
            zero_ms = start_ms if heading.re is _OF_DAY else 0
        builder.add(block.number, start_ms - zero_ms, None, [rest, *block.lines[1:]], name)
    return builder.build()


FORMAT = CueFormat(
    name="meeting",
    title="Otter, Teams, Zoom, Rev as text",
    shared_extensions=(".txt",),
    recognise=find_meeting,
    read=read_meeting,
    known_by="lines with a name and a time, such as `Ann  0:03`, `[Ann] 16:00:12`, `Ann (00:03):`; "
    "`Ann`, `0 minutes 3 seconds`, `0:03`, a line each",
    item="a line with a name and a time; a line before the first",
    speaker="before the time",
)
