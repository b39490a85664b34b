"""SubRip: numbered blocks of a timing line and lines of text."""

from __future__ import annotations

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues, read_cues
from beam_pipeline.corpus.formats.format import CueFormat
from beam_pipeline.corpus.formats.timings import ARROW_MARK, is_timing


def read_srt(text: str) -> ParsedCues:
    """Reads the cues of an SRT file, which may lack counters or the empty lines between cues."""
    return read_cues(text, blank_ends_cue=False)


FORMAT = CueFormat(
    name="srt",
    title="SubRip",
    extensions=(".srt",),
    recognise=lambda text: text.first_line(ARROW_MARK, is_timing),
    read=read_srt,
    known_by="a timing line",
    item="a line with `-->`",
)
