"""Transcripts of AWS Transcribe: `results` with segments of audio, else words and their marks.

https://docs.aws.amazon.com/transcribe/latest/dg/how-input.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.json_cues import add_spoken
from beam_pipeline.corpus.formats.json_values import (
    EXTENSION,
    language_of,
    list_at,
    name_of,
    parse_document,
    value_at,
)
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_Part = dict[str, Any]
"""A piece of speech: start_time, end_time, transcript, speaker_label; empty for what is none."""


def find_aws_transcribe(text: RawText) -> Evidence | None:
    """The document, if its results have transcripts."""
    if text.extension != EXTENSION:
        return None
    return text.whole if isinstance(value_at(text.json, "results", "transcripts"), list) else None


def read_aws_transcribe(text: str) -> ParsedCues:
    """Reads every segment, else every word with the punctuation after it, as a cue.

    Raises:
      RefusalError: if it is no JSON object with results.
    """
    document = parse_document(text)
    results = value_at(document, "results")
    if not isinstance(results, dict):
        raise RefusalError(Reason.MALFORMED_FILE, "expected an object 'results'")
    builder = CueBuilder("cue")
    for number, part in enumerate(_segments(results) or _words(results) or _whole(results), 1):
        times = part.get("start_time"), part.get("end_time")
        add_spoken(builder, number, part.get("transcript"), times, part.get("speaker_label"))
    return builder.build(language_of(results.get("language_code")))


def _segments(results: dict[str, Any]) -> list[_Part]:
    """The segments, unless speakers were asked for and the segments do not name them."""
    segments = [*map(_object, list_at(results, "audio_segments"))]
    named = any("speaker_label" in segment for segment in segments)
    if not named and not {"speaker_labels", "channel_labels"}.isdisjoint(results):
        return []
    return segments


def _words(results: dict[str, Any]) -> list[_Part]:
    names = dict(_names(results))
    words: list[_Part] = []
    for item in map(_object, list_at(results, "items")):
        content = value_at(item, "alternatives", 0, "content")
        if item.get("type") == "punctuation" and words and isinstance(content, str):
            words[-1]["transcript"] = f"{words[-1]['transcript']}{content}"
            continue
        start = item.get("start_time")
        name = item.get("speaker_label") or names.get(str(start)) or item.get("channel_label")
        words.append({**item, "transcript": content, "speaker_label": name})
    return words


def _names(results: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Who speaks at each time at which a word starts."""
    for channel in list_at(results, "channel_labels", "channels"):
        for item in list_at(channel, "items"):
            yield str(value_at(item, "start_time")), value_at(channel, "channel_label")
    for segment in list_at(results, "speaker_labels", "segments"):
        for item in list_at(segment, "items"):
            yield str(value_at(item, "start_time")), value_at(item, "speaker_label")


def _whole(results: dict[str, Any]) -> list[_Part]:
    """The whole transcript, where it is all that there is, from its first speech to its last."""
    segments = list_at(results, "speaker_labels", "segments")
    names = {name_of(value_at(segment, "speaker_label")) for segment in segments}
    times = {
        "start_time": value_at(segments, 0, "start_time") or 0,
        "end_time": value_at(segments, len(segments) - 1, "end_time") or 0,
        "speaker_label": min(names, key=str) if len(names) == 1 else None,
    }
    transcripts = list_at(results, "transcripts")
    return [{**times, "transcript": value_at(one, "transcript")} for one in transcripts]


def _object(item: object) -> _Part:
    return item if isinstance(item, dict) else {}


FORMAT = CueFormat(
    name="aws_transcribe",
    title="AWS Transcribe",
    shared_extensions=(EXTENSION,),
    recognise=find_aws_transcribe,
    read=read_aws_transcribe,
    known_by="`results` with `transcripts`",
    item="a segment of `audio_segments`; a word with its punctuation where there are none",
    speaker="`speaker_label`, such as `spk_0`, or `channel_label`",
)
