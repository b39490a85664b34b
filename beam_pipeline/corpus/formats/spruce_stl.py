"""Spruce STL, the text form of DVD studios: `00:00:01:00 , 00:00:02:12 , Hello|there`.

Our own reader: no library that is well kept reads it. The file does not tell its frames a second:
25, unless a time has a frame of 25 or more.
"""

from __future__ import annotations

import re
from typing import Final

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.clocks import milliseconds
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues, lines_of
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

PAL: Final = 25
NTSC: Final = 30

_TIME = r"(\d{1,2}):(\d{1,2}):(\d{1,2})[:;.](\d{1,3})"
_CUE = re.compile(rf"\s*{_TIME}\s*,\s*{_TIME}\s*,", re.ASCII)
_SECOND_TIME = re.compile(r",\s*\d{1,2}:", re.ASCII)
_STYLE = re.compile(r"\^[BIU]")


def find_spruce_stl(text: RawText) -> Evidence | None:
    """The first line with two times and a text."""
    return text.first_line(_SECOND_TIME, lambda line: _CUE.match(line) is not None)


def read_spruce_stl(text: str) -> ParsedCues:
    """Reads every line that begins with two times; settings and remarks are dropped."""
    builder = CueBuilder("line")
    rate = _rate(text)
    for number, line in enumerate(lines_of(text), 1):
        if line.lstrip().startswith(("$", "//")):
            builder.drop(Silent.COMMENT)
        elif line.strip():
            _read_line(builder, number, line, rate)
    return builder.build()


def _rate(text: str) -> int:
    times = (_CUE.match(line[: limits.MAX_TIMING_CHARS]) for line in lines_of(text))
    frames = (max(int(time[4]), int(time[8])) for time in times if time)
    return NTSC if max(frames, default=0) >= PAL else PAL


def _read_line(builder: CueBuilder, number: int, line: str, rate: int) -> None:
    cue = _CUE.match(line)
    try:
        if cue is None:
            detail = "expected times such as 00:00:01:00 , 00:00:02:00 , and a text"
            raise RefusalError(Reason.MALFORMED_CUE, detail)
        start_ms, end_ms = _time(cue.groups()[:4], rate), _time(cue.groups()[4:], rate)
    except RefusalError as error:
        builder.refuse(number, error)
    else:
        builder.add(number, start_ms, end_ms, _STYLE.sub("", line[cue.end() :]).split("|"))


def _time(groups: tuple[str, ...], rate: int) -> int:
    hours, minutes, seconds, frames = groups
    return milliseconds(hours, minutes, seconds, None) + round(int(frames) * 1000 / rate)


FORMAT = CueFormat(
    name="spruce_stl",
    title="Spruce STL",
    extensions=(".stl",),
    recognise=find_spruce_stl,
    read=read_spruce_stl,
    known_by="a line of two times with frames, and a text",
    item="a line with something in it",
)
