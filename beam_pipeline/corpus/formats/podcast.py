"""Transcripts of podcasts as JSON, as the Podcasting 2.0 namespace has them.

https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/examples/transcripts/transcripts.md
"""

from __future__ import annotations

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.json_cues import add_spoken
from beam_pipeline.corpus.formats.json_values import (
    EXTENSION,
    first_at,
    language_of,
    parse_document,
    value_at,
)
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason


def find_podcast(text: RawText) -> Evidence | None:
    """The document, if its first segment has a body and the time at which it starts."""
    if text.extension != EXTENSION:
        return None
    first = first_at(text.json, "segments")
    return text.whole if {"startTime", "body"} <= first.keys() else None


def read_podcast(text: str) -> ParsedCues:
    """Reads every segment as a cue.

    Raises:
      RefusalError: if it is no JSON object with a list of segments.
    """
    document = parse_document(text)
    segments = value_at(document, "segments")
    if not isinstance(segments, list):
        raise RefusalError(Reason.MALFORMED_FILE, "expected a list 'segments'")
    builder = CueBuilder("cue")
    for number, segment in enumerate(segments, 1):
        times = value_at(segment, "startTime"), value_at(segment, "endTime")
        add_spoken(builder, number, value_at(segment, "body"), times, value_at(segment, "speaker"))
    return builder.build(language_of(value_at(document, "language")))


FORMAT = CueFormat(
    name="podcast",
    title="Podcasting 2.0",
    shared_extensions=(EXTENSION,),
    recognise=find_podcast,
    read=read_podcast,
    known_by="a list `segments` with `startTime` and `body`",
    item="a segment",
    speaker="`speaker`",
)
