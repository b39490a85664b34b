"""Transcripts of Whisper, WhisperX and whisper.cpp: JSON with a list of segments."""

from __future__ import annotations

import math
import re

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.jsonl import parse_json
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_EXTENSION = ".json"
_OBJECT = re.compile(r"\s*\{")
_SHAPE = re.compile(r'"(?:segments|transcription)"\s*:\s*\[')
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def find_whisper(text: RawText) -> Evidence | None:
    """The object up to its list of segments; the whole transcript may stand before that list."""
    if text.extension != _EXTENSION or not text.at_start(_OBJECT):
        return None
    found = _SHAPE.search(text.text)
    return found and (0, found.end())


def read_whisper(text: str) -> ParsedCues:
    """Reads every segment as a cue, with the speaker that diarisation gave it.

    Raises:
      RefusalError: if it is no JSON object with a list of segments.
    """
    transcript = _parse(text)
    segments = transcript.get("segments", transcript.get("transcription"))
    if not isinstance(segments, list):
        raise RefusalError(Reason.MALFORMED_FILE, "expected a list 'segments'")
    builder = CueBuilder("cue")
    for number, segment in enumerate(segments, 1):
        try:
            start_ms, end_ms, speech, speaker = _read(segment)
        except RefusalError as error:
            builder.refuse(number, error)
        else:
            builder.add(number, start_ms, end_ms, speech.split("\n"), speaker)
    return builder.build(_language(transcript))


def _parse(text: str) -> dict[str, object]:
    try:
        parsed = parse_json(text)
    except RefusalError as error:
        raise RefusalError(Reason.MALFORMED_FILE, error.detail) from error
    if not isinstance(parsed, dict):
        raise RefusalError(Reason.MALFORMED_FILE, "expected an object with 'segments'")
    return parsed


def _language(transcript: dict[str, object]) -> str | None:
    found = transcript.get("language")
    return found if isinstance(found, str) and _LANGUAGE.fullmatch(found) else None


def _read(segment: object) -> tuple[int, int, str, str | None]:
    if not isinstance(segment, dict) or not isinstance(segment.get("text"), str):
        raise RefusalError(Reason.MALFORMED_CUE, "expected an object with start, end and text")
    offsets = segment.get("offsets")
    if isinstance(offsets, dict):
        times = _number(offsets.get("from")), _number(offsets.get("to"))
    else:
        times = _number(segment.get("start"), 1000), _number(segment.get("end"), 1000)
    speaker = segment.get("speaker")
    return *times, segment["text"], speaker if isinstance(speaker, str) else None


def _number(value: object, factor: int = 1) -> int:
    """Milliseconds; JSON as Python reads it has infinity, and numbers without end."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RefusalError(Reason.MALFORMED_CUE, "expected numbers for start and end")
    if not math.isfinite(value) or abs(value) > 1e15:
        raise RefusalError(Reason.MALFORMED_CUE, "expected finite times")
    return round(value * factor)


FORMAT = CueFormat(
    name="whisper",
    title="Whisper, WhisperX, whisper.cpp",
    shared_extensions=(_EXTENSION,),
    recognise=find_whisper,
    read=read_whisper,
    known_by="a list `segments` or `transcription`",
    item="a segment",
    speaker="`speaker`, such as `SPEAKER_00`",
)
