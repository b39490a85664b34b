"""WebVTT: a header, then blocks that are cues, notes, styles or regions.

What is no cue has no timing line, and so is never part of one.
"""

from __future__ import annotations

from beam_pipeline.corpus.formats.cue_blocks import CueSheet, read_cues


def read_webvtt(text: str) -> CueSheet:
    """Reads the cues of a WebVTT file, with or without its header."""
    return read_cues(text, blank_ends_cue=True)
