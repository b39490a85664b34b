"""Transcripts of Whisper and its kin: JSON with a list of segments, or that list alone.

Whisper, WhisperX and whisper.cpp write `segments` or `transcription`, the pipelines of transformers
`chunks`, youtube-transcript-api a list of texts with `start` and `duration`, the API of Whisper
a `text` alone. Where a time is missing, as WhisperX leaves it out, a segment lasts from the end of
the one before to the start of the next one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.json_cues import add_spoken
from beam_pipeline.corpus.formats.json_values import (
    EXTENSION,
    first_at,
    language_of,
    parse_document,
    time_of,
    value_at,
)
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_OBJECT = re.compile(r"\s*\{")
_SHAPE = re.compile(r'"(?:segments|transcription)"\s*:\s*\[')
_LISTS = ("segments", "transcription", "speakers", "chunks", "transcript")
_ROW_KEYS = frozenset(("dialogue", "emotion", "episode", "label", "scene", "season", "show"))


def find_whisper(text: RawText) -> Evidence | None:
    """The object up to its list of segments; the whole transcript may stand before that list."""
    if text.extension != EXTENSION:
        return None
    if _is_timed(first_at(text.json)) or _has_timestamps(first_at(text.json, "chunks")):
        return text.whole
    if _is_timed(first_at(text.json, "transcript")) or _is_one_text(text.json):
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


def _is_one_text(document: object) -> bool:
    """Whether a document is what somebody says and no list, as Whisper's API answers."""
    if not isinstance(document, dict) or _ROW_KEYS & document.keys():
        return False
    lists = any(isinstance(value, (list, dict)) for value in document.values())
    return isinstance(document.get("text"), str) and not lists


def _has_timestamps(chunk: Mapping[str, object]) -> bool:
    return isinstance(chunk.get("timestamp"), list)


def read_whisper(text: str) -> ParsedCues:
    """Reads every segment as a cue, with the speaker that diarisation gave it.

    Raises:
      RefusalError: if it is no JSON with a list of segments, or with a text.
    """
    transcript = parse_document(text)
    builder = CueBuilder("cue")
    for number, segment in enumerate(_segments(transcript), 1):
        times, factor = _times(segment)
        text = value_at(segment, "text")
        add_spoken(builder, number, text, times, value_at(segment, "speaker"), factor)
    return builder.build(language_of(value_at(transcript, "language")))


def _segments(transcript: object) -> list[Any]:
    if isinstance(transcript, list):
        return transcript
    # with the speakers found, transformers' list of chunks stands a second time under `speakers`
    found = [value_at(transcript, name) for name in _LISTS]
    lists = [one for one in found if isinstance(one, list)]
    if not lists and _is_one_text(transcript):
        return [transcript]
    if not lists:
        raise RefusalError(Reason.MALFORMED_FILE, "expected a list 'segments'")
    return next(filter(None, lists), [])


def _times(segment: object) -> tuple[tuple[object, object], int]:
    """When a segment starts and ends, as the document has it, and how many ms one of it is."""
    if isinstance(offsets := value_at(segment, "offsets"), dict):
        return (offsets.get("from"), offsets.get("to")), 1
    if isinstance(pair := value_at(segment, "timestamp"), list):
        return (value_at(pair, 0), value_at(pair, 1)), 1000
    start, end = value_at(segment, "start"), value_at(segment, "end")
    starts_ms, lasts_ms = time_of(start, 1000), time_of(value_at(segment, "duration"), 1000)
    if end is None and starts_ms is not None and lasts_ms is not None:
        return (starts_ms, starts_ms + lasts_ms), 1
    return (start, end), 1000


FORMAT = CueFormat(
    name="whisper",
    title="Whisper, WhisperX, whisper.cpp, transformers, youtube-transcript-api",
    shared_extensions=(EXTENSION,),
    recognise=find_whisper,
    read=read_whisper,
    known_by="a list `segments`, `transcription`, `chunks` or `transcript`, or of texts with times;"
    " a `text` alone",
    item="a segment",
    speaker="`speaker`, such as `SPEAKER_00`",
)
