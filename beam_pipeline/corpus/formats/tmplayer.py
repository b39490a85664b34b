"""TMPlayer: `00:00:01:Hello|there`, each shown until the next; `00:00:01,2=there` is a second line.

Our own reader: pysubs2 leaves out lines that it cannot read.
"""

from __future__ import annotations

import re

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.clocks import milliseconds
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues, lines_of
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.line_blocks import line_blocks
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_EXTENSIONS = ("", ".sub", ".tmp", ".tmplayer", ".txt")
_CUE = re.compile(r"\s*\d{1,2}:\d{1,2}:")
_TIME = re.compile(r"\s*(\d{1,2}):(\d{1,2}):(\d{1,2})(?:,(\d))?[:=]", re.ASCII)
_ROWS_LOOKED_AT = 3


def find_tmplayer(text: RawText) -> Evidence | None:
    """The first time, if each of the first lines begins with one: so do few other texts."""
    if text.extension not in _EXTENSIONS:
        return None
    lines = [line for line in lines_of(text.head[: limits.MAX_TEXT_CHARS]) if line.strip()]
    shown = lines and all(map(_TIME.match, lines[:_ROWS_LOOKED_AT]))
    return text.at_start(_TIME) if shown else None


def read_tmplayer(text: str) -> ParsedCues:
    """Reads every line that begins with a time; others belong to the cue before."""
    builder = CueBuilder("line")
    for block in line_blocks(text, _begins_cue):
        if not block.begun:
            builder.drop(Silent.METADATA)
            continue
        try:
            start_ms = _start_ms(block.lines[0])
        except RefusalError as error:
            builder.refuse(block.number, error)
            continue
        lines = [part for line in block.lines for part in _text(line).split("|")]
        if any(map(str.strip, lines)):
            builder.add(block.number, start_ms, None, lines)
        else:
            builder.clear(start_ms)
            builder.drop(Silent.BLANK)
    return builder.build()


def _begins_cue(line: str) -> bool:
    time = _TIME.match(line)
    return _CUE.match(line) is not None and not (time and int(time[4] or 1) > 1)


def _text(line: str) -> str:
    time = _TIME.match(line)
    return line[time.end() :] if time else line


def _start_ms(line: str) -> int:
    time = _TIME.match(line)
    if time is None:
        raise RefusalError(Reason.MALFORMED_CUE, "expected a time such as 00:00:01:")
    return milliseconds(time[1], time[2], time[3], None)


FORMAT = CueFormat(
    name="tmplayer",
    title="TMPlayer",
    extensions=(".tmp",),
    shared_extensions=(".txt", ".sub"),
    recognise=find_tmplayer,
    read=read_tmplayer,
    known_by="`00:00:01:` or `00:00:01=` at the begin of its lines",
    item="a line that begins with a time, unless it is a second line; a line before the first",
)
