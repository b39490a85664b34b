"""YouTube's json3: events of segments, each with the time after its event's start."""

from __future__ import annotations

from typing import Any, Final

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.json_values import (
    EXTENSION,
    first_at,
    parse_document,
    text_of,
    time_of,
    value_at,
)
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_OWN_EXTENSION: Final = ".json3"


def find_youtube_json3(text: RawText) -> Evidence | None:
    """The document, if its events have times."""
    if text.extension not in (EXTENSION, _OWN_EXTENSION):
        return None
    return text.whole if "tStartMs" in first_at(text.json, "events") else None


def read_youtube_json3(text: str) -> ParsedCues:
    """Reads every event as a cue; those that open a window or move its lines say nothing.

    Raises:
      RefusalError: if it is no JSON object with a list of events.
    """
    events = value_at(parse_document(text), "events")
    if not isinstance(events, list):
        raise RefusalError(Reason.MALFORMED_FILE, "expected a list 'events'")
    builder = CueBuilder("cue")
    for number, event in enumerate(events, 1):
        try:
            _read_event(builder, number, event)
        except RefusalError as error:
            builder.refuse(number, error)
    return builder.build()


def _read_event(builder: CueBuilder, number: int, event: Any) -> None:
    segments = value_at(event, "segs")
    if isinstance(event, dict) and "segs" not in event:
        builder.drop(Silent.CONTROL)
        return
    if not isinstance(segments, list):
        raise RefusalError(Reason.MALFORMED_CUE, "expected an object with a list 'segs'")
    text = "".join(text_of(value_at(segment, "utf8")) for segment in segments)
    if not text.strip():
        builder.drop(Silent.BLANK)
        return
    start_ms, lasts_ms = time_of(event.get("tStartMs", 0)), time_of(event.get("dDurationMs"))
    is_open = start_ms is None or (lasts_ms is None and "dDurationMs" in event)
    end_ms = None if start_ms is None or lasts_ms is None else start_ms + lasts_ms
    builder.add(number, start_ms, end_ms, text.split("\n"), repaired=is_open)


FORMAT = CueFormat(
    name="youtube_json3",
    title="YouTube json3",
    extensions=(_OWN_EXTENSION,),
    shared_extensions=(EXTENSION,),
    recognise=find_youtube_json3,
    read=read_youtube_json3,
    known_by="a list `events` with `tStartMs`",
    item="an event",
)
