"""MicroDVD: `{25}{50}Hello|there`, times in frames.

Our own reader: libraries take lines that they cannot read for text or nothing, and guess rates.
"""

from __future__ import annotations

import re
from typing import Final

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues, lines_of
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent
from beam_pipeline.corpus.formats.format import CueFormat

FRAMES_PER_SECOND: Final = 23.976
"""Of a file that does not say: that of cinema on television, for which the format was made."""

_CUE = re.compile(r"\s*\{-?\d")
_FRAMES = re.compile(r"\s*\{(-?\d{1,9})\}\{(-?\d{0,9})\}", re.ASCII)
_BRACES = re.compile(r"\s*(?:\{[^{}]*\}?)+")
_RATE = re.compile(r"\s*(\d{1,3}(?:[.,]\d{1,6})?)\s*", re.ASCII)
_STYLE = re.compile(r"\{[a-zA-Z]:[^{}]*\}")


def read_microdvd(text: str) -> ParsedCues:
    """Reads every line that begins with a number in braces; others belong to the cue before."""
    builder = CueBuilder("line")
    rate = FRAMES_PER_SECOND
    pending: tuple[int, str] | None = None
    for number, line in enumerate(lines_of(text), 1):
        if not _CUE.match(line):
            if pending and len(pending[1]) <= limits.MAX_TEXT_CHARS:
                pending = (pending[0], f"{pending[1]}|{line}")
            continue
        if pending:
            _read_line(builder, *pending, rate)
        pending = (number, line)
        declared = _declared_rate(line) if number == 1 else None
        if declared:
            rate, pending = declared, None
            builder.drop(Silent.FRAME_RATE)
    if pending:
        _read_line(builder, *pending, rate)
    return builder.build()


def _declared_rate(line: str) -> float | None:
    """The rate that a first line such as `{1}{1}25.000` gives to the file."""
    frames = _FRAMES.match(line)
    rate = _RATE.fullmatch(line, frames.end()) if frames and frames[1] == frames[2] else None
    return float(rate[1].replace(",", ".")) or None if rate else None


def _read_line(builder: CueBuilder, number: int, line: str, rate: float) -> None:
    frames = _FRAMES.match(line)
    if frames is None:
        builder.add(number, None, None, _BRACES.sub("", line, count=1).split("|"))
        return
    start, end = frames.groups()
    lines = _STYLE.sub("", line[frames.end() :]).split("|")
    end_ms = round(int(end) * 1000 / rate) if end.strip("-") else None
    builder.add(number, round(int(start) * 1000 / rate), end_ms, lines)


FORMAT = CueFormat(
    name="microdvd",
    title="MicroDVD",
    extensions=(".sub",),
    recognise=lambda text: text.at_start(_FRAMES),
    read=read_microdvd,
    known_by="`{25}{50}` at its begin",
    item="a line that begins with `{` and a digit",
)
