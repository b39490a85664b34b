"""Teams' older documents as text: a timing line, a line with who speaks, lines of what is said.

    0:0:3.940 --> 0:0:5.120
    Christina Vale
    Shall we begin?

Numbers are not padded, which tells it from SubRip.
"""

from __future__ import annotations

import re

from beam_pipeline.corpus.formats.clocks import milliseconds
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.line_blocks import line_blocks
from beam_pipeline.corpus.formats.timings import ARROW
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_EXTENSIONS = ("", ".md", ".text", ".txt")
_TIME = r"(\d{1,3}):(\d{1,2}):(\d{1,2})\.(\d{1,7})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}\s*", re.ASCII)
_UNPADDED = r"\d{1,3}:\d:\d{1,2}\.\d{1,7}"
_SHAPE = re.compile(rf"\s*{_UNPADDED}\s*-->\s*{_UNPADDED}[ \t]*\r?\n[^\W\d_].*\r?\n.*\S")


def find_teams(text: RawText) -> Evidence | None:
    """The first timing line, with the two lines after it."""
    return text.at_start(_SHAPE) if text.extension in _EXTENSIONS else None


def read_teams(text: str) -> ParsedCues:
    """Reads every line with an arrow as the begin of a cue."""
    builder = CueBuilder("line")
    for block in line_blocks(text, lambda line: ARROW in line):
        if not block.begun:
            builder.drop(Silent.METADATA)
            continue
        timing, *lines = block.lines
        try:
            start_ms, end_ms = _times(timing)
        except RefusalError as error:
            builder.refuse(block.number, error)
        else:
            name, *spoken = filter(str.strip, lines) if any(map(str.strip, lines)) else [""]
            builder.add(block.number, start_ms, end_ms, spoken, name.strip() or None)
    return builder.build()


def _times(line: str) -> tuple[int, int]:
    times = _TIMING.fullmatch(line)
    if times is None:
        detail = "expected a timing such as 0:0:3.940 --> 0:0:5.120"
        raise RefusalError(Reason.MALFORMED_CUE, detail)
    start, end = ((*one[:3], one[3][:3]) for one in (times.groups()[:4], times.groups()[4:]))
    return milliseconds(*start), milliseconds(*end)


FORMAT = CueFormat(
    name="teams",
    title="Teams, older documents as text",
    shared_extensions=(".txt",),
    recognise=find_teams,
    read=read_teams,
    known_by="`0:0:3.940 --> 0:0:5.120` at its begin, and two lines after it",
    item="a line with `-->`; a line before the first",
    speaker="the first line of a cue",
)
