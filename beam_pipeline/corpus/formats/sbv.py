"""SBV and SubViewer: `0:00:01.000,0:00:02.000`, then lines of text.

Our own reader: libraries end at the first timing they cannot read.
"""

from __future__ import annotations

import re

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.clocks import CLOCK
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues, lines_of
from beam_pipeline.corpus.formats.cue_builder import CueBuilder
from beam_pipeline.corpus.formats.format import CueFormat
from beam_pipeline.corpus.formats.timings import clock_times

_TIMING = re.compile(rf"\s*{CLOCK}\s*,\s*{CLOCK}\s*", re.ASCII)
_LIKE_TIMING = re.compile(r"\s*\w+:\w+:[\w.]*\s*,\s*\w+:\w+:[\w.]*\s*", re.ASCII)
_SECOND_TIME = re.compile(r",\s*\d{1,4}:", re.ASCII)
_BETWEEN = re.compile(r",(?=\s*\w+:)", re.ASCII)
_BREAK = re.compile(r"\[br\]", re.IGNORECASE)


def is_timing(line: str) -> bool:
    """Whether a line tells when a cue is shown."""
    return len(line) <= limits.MAX_TIMING_CHARS and _TIMING.fullmatch(line) is not None


def read_sbv(text: str) -> ParsedCues:
    """Reads every line that looks like two times as the begin of a cue."""
    builder = CueBuilder("line")
    timing: tuple[int, str] | None = None
    lines: list[str] = []
    size = 0
    for number, line in enumerate(lines_of(text), 1):
        if len(line) <= limits.MAX_TIMING_CHARS and _LIKE_TIMING.fullmatch(line):
            if timing:
                _read_cue(builder, *timing, lines)
            timing, lines, size = (number, line), [], 0
        elif timing and size <= limits.MAX_TEXT_CHARS:
            lines += _BREAK.split(line)
            size += len(line)
    if timing:
        _read_cue(builder, *timing, lines)
    return builder.build()


def _read_cue(builder: CueBuilder, number: int, timing: str, lines: list[str]) -> None:
    start, end = _BETWEEN.split(timing, maxsplit=1)
    times = clock_times(start, end)
    builder.add(number, times.start_ms, times.end_ms, lines, repaired=times.repaired)


FORMAT = CueFormat(
    name="sbv",
    title="SBV, SubViewer",
    extensions=(".sbv",),
    shared_extensions=(".sub",),
    recognise=lambda text: text.first_line(_SECOND_TIME, is_timing),
    read=read_sbv,
    known_by="a line of two times",
    item="a line that looks like two times",
)
