"""Transcripts of Whisper and its kin: JSON with a list of segments, or that list alone.

Whisper, WhisperX and whisper.cpp write `segments` or `transcription`, the pipelines of transformers
`chunks`, youtube-transcript-api a list of texts with `start` and `duration`. Where a time is
missing, as WhisperX leaves it out, a segment lasts from the end of the one before to the start of
the next one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.json_values import (
    EXTENSION,
    first_at,
    language_of,
    milliseconds_of,
    parse_document,
    text_of,
    value_at,
)
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_OBJECT = re.compile(r"\s*\{")
_SHAPE = re.compile(r'"(?:segments|transcription)"\s*:\s*\[')
_LISTS = ("segments", "transcription", "speakers", "chunks")
_ROW_KEYS = frozenset(("dialogue", "emotion", "episode", "label", "scene", "season", "show"))


def find_whisper(text: RawText) -> Evidence | None:
    """The object up to its list of segments; the whole transcript may stand before that list."""
    if text.extension != EXTENSION:
        return None
    if _is_timed(first_at(text.json)) or _has_timestamps(first_at(text.json, "chunks")):
        return text.whole
    found = _SHAPE.search(text.text) if text.at_start(_OBJECT) else None
    return found and (0, found.end())


def _is_timed(row: Mapping[str, object]) -> bool:
    """Whether the first of a list of objects is a text with times, and no row of a table."""
    if _ROW_KEYS & row.keys() or "text" not in row:
        return False
    return _has_timestamps(row) or (
        isinstance(row.get("start"), (int, float))
        and isinstance(row.get("duration", row.get("end")), (int, float))
    )


def _has_timestamps(chunk: Mapping[str, object]) -> bool:
    return isinstance(chunk.get("timestamp"), list)


def read_whisper(text: str) -> ParsedCues:
    """Reads every segment as a cue, with the speaker that diarisation gave it.

    Raises:
      RefusalError: if it is no JSON with a list of segments.
    """
    transcript = parse_document(text)
    builder = CueBuilder("cue")
    for number, segment in enumerate(_segments(transcript), 1):
        try:
            start_ms, end_ms = _times(segment)
            speech = text_of(value_at(segment, "text"))
        except RefusalError as error:
            builder.refuse(number, error)
            continue
        speaker = segment.get("speaker")
        name = speaker if isinstance(speaker, str) else None
        builder.add(number, start_ms, end_ms, speech.split("\n"), name)
    return builder.build(language_of(value_at(transcript, "language")))


def _segments(transcript: object) -> list[Any]:
    if isinstance(transcript, list):
        return transcript
    # with the speakers found, transformers' list of chunks stands a second time under `speakers`
    found = [value_at(transcript, name) for name in _LISTS]
    lists = [one for one in found if isinstance(one, list)]
    if not lists:
        raise RefusalError(Reason.MALFORMED_FILE, "expected a list 'segments'")
    return next(filter(None, lists), [])


def _times(segment: object) -> tuple[int | None, int | None]:
    """When a segment starts and ends; None for what it does not say."""
    if not isinstance(segment, dict):
        raise RefusalError(Reason.MALFORMED_CUE, "expected an object with start, end and text")
    offsets, pair = segment.get("offsets"), segment.get("timestamp")
    if isinstance(offsets, dict):
        return _time(offsets.get("from")), _time(offsets.get("to"))
    if isinstance(pair, list):
        return _time(value_at(pair, 0), 1000), _time(value_at(pair, 1), 1000)
    start_ms, end_ms = _time(segment.get("start"), 1000), _time(segment.get("end"), 1000)
    duration_ms = _time(segment.get("duration"), 1000)
    if end_ms is None and start_ms is not None and duration_ms is not None:
        end_ms = start_ms + duration_ms
    return start_ms, end_ms


def _time(value: object, factor: int = 1) -> int | None:
    try:
        return milliseconds_of(value, factor)
    except RefusalError:  # a time that cannot be read is as if it were not there
        return None


FORMAT = CueFormat(
    name="whisper",
    title="Whisper, WhisperX, whisper.cpp, transformers, youtube-transcript-api",
    shared_extensions=(EXTENSION,),
    recognise=find_whisper,
    read=read_whisper,
    known_by="a list `segments`, `transcription` or `chunks`, or a list of texts with times",
    item="a segment",
    speaker="`speaker`, such as `SPEAKER_00`",
)
