"""SubRip: numbered blocks of a timing line and lines of text."""

from __future__ import annotations

from beam_pipeline.corpus.formats.cue_blocks import CueSheet, read_cues


def read_srt(text: str) -> CueSheet:
    """Reads the cues of an SRT file, which may lack counters or the empty lines between cues."""
    return read_cues(text, blank_ends_cue=False)
