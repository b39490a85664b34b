"""What Whisper and whisper.cpp print: `[00:00.000 --> 00:02.000]`, then what is said."""

from __future__ import annotations

import re

from beam_pipeline.corpus.formats.clocks import CLOCK, milliseconds
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.line_blocks import line_blocks
from beam_pipeline.corpus.formats.timings import ARROW
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_CUE = re.compile(rf"\s*\[\s*{CLOCK}\s*-->\s*{CLOCK}\s*\]", re.ASCII)
_MARK = re.compile(r"\[[\d:., ]{3,20}-->")
_LIKE_CUE = re.compile(r"\s*\[[^\[\]]{0,100}-->")


def find_whisper_text(text: RawText) -> Evidence | None:
    """The first line that begins with two times in brackets."""
    return text.first_line(_MARK, lambda line: _CUE.match(line) is not None)


def read_whisper_text(text: str) -> ParsedCues:
    """Reads every line that begins with two times in brackets; others belong to the cue before."""
    builder = CueBuilder("line")
    for block in line_blocks(text, lambda line: _LIKE_CUE.match(line) is not None):
        if not block.begun:
            builder.drop(Silent.METADATA)
            continue
        first, *others = block.lines
        cue = _CUE.match(first)
        try:
            if cue is None:
                detail = f"expected times such as [00:01.000 {ARROW} 00:02.000]"
                raise RefusalError(Reason.MALFORMED_CUE, detail)
            start_ms, end_ms = milliseconds(*cue.groups()[:4]), milliseconds(*cue.groups()[4:])
        except RefusalError as error:
            builder.refuse(block.number, error)
        else:
            builder.add(block.number, start_ms, end_ms, [first[cue.end() :], *others])
    return builder.build()


FORMAT = CueFormat(
    name="whisper_text",
    title="Whisper as it prints",
    shared_extensions=(".txt", ".log"),
    recognise=find_whisper_text,
    read=read_whisper_text,
    known_by="a line that begins with `[00:01.000 --> 00:02.000]`",
    item="a line that begins with such times; a line before the first",
)
