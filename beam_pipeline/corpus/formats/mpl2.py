"""MPL2: `[180][195]Hello|/there`, times in tenths of a second; a `/` makes a line italic.

Our own reader: pysubs2 leaves out lines that it cannot read.
"""

from __future__ import annotations

import re

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent
from beam_pipeline.corpus.formats.format import CueFormat
from beam_pipeline.corpus.formats.line_blocks import line_blocks
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_CUE = re.compile(r"\s*\[\d")
_TIMES = re.compile(r"\s*\[(\d{1,9})\]\[(\d{0,9})\]", re.ASCII)


def read_mpl2(text: str) -> ParsedCues:
    """Reads every line that begins with a number in brackets; others belong to the cue before."""
    builder = CueBuilder("line")
    for block in line_blocks(text, lambda line: _CUE.match(line) is not None):
        if not block.begun:
            builder.drop(Silent.METADATA)
            continue
        first, *others = block.lines
        times = _TIMES.match(first)
        if times is None:
            detail = "expected tenths of a second such as [25][50]"
            builder.refuse(block.number, RefusalError(Reason.MALFORMED_CUE, detail))
            continue
        start, end = times.groups()
        parts = "|".join([first[times.end() :], *others]).split("|")
        lines = [part.strip().removeprefix("/") for part in parts]
        builder.add(block.number, int(start) * 100, int(end) * 100 if end else None, lines)
    return builder.build()


FORMAT = CueFormat(
    name="mpl2",
    title="MPL2",
    extensions=(".mpl",),
    shared_extensions=(".sub", ".txt"),
    recognise=lambda text: text.at_start(_TIMES),
    read=read_mpl2,
    known_by="`[25][50]` at its begin",
    item="a line that begins with `[` and a digit; a line before the first",
)
