"""WebVTT: a header, then blocks that are cues, notes, styles or regions.

What is no cue has no timing line, and so is never part of one.
"""

from __future__ import annotations

import re

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues, read_cues
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.timings import ARROW_MARK, is_timing

_EXTENSION = ".vtt"
_HEADER = re.compile(r"\s*WEBVTT(?:\s|$)")


def find_webvtt(text: RawText) -> Evidence | None:
    """The header; without it only the extension tells the format from SubRip."""
    header = text.at_start(_HEADER)
    if header or text.extension != _EXTENSION:
        return header
    return text.first_line(ARROW_MARK, is_timing)


def read_webvtt(text: str) -> ParsedCues:
    """Reads the cues of a WebVTT file, with or without its header."""
    return read_cues(text, blank_ends_cue=True)


FORMAT = CueFormat(
    name="webvtt",
    title="WebVTT",
    extensions=(_EXTENSION,),
    recognise=find_webvtt,
    read=read_webvtt,
    known_by="`WEBVTT`, or a timing line and the extension",
    item="a line with `-->`",
    speaker="`<v Monica>`",
)
