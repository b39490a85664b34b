"""Transcripts of Deepgram: `results` with utterances, else paragraphs, else words of channels.

https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

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


class _Part(NamedTuple):
    """A piece of speech, as the document has it."""

    piece: object
    text: object
    name: str | None


def find_deepgram(text: RawText) -> Evidence | None:
    """The document, if its results have channels."""
    if text.extension != EXTENSION:
        return None
    return text.whole if isinstance(value_at(text.json, "results", "channels"), list) else None


def read_deepgram(text: str) -> ParsedCues:
    """Reads every utterance, sentence or word as a cue, whichever of them there is first.

    Raises:
      RefusalError: if it is no JSON object with results.
    """
    document = parse_document(text)
    if not isinstance(value_at(document, "results"), dict):
        raise RefusalError(Reason.MALFORMED_FILE, "expected an object 'results'")
    builder = CueBuilder("cue")
    for number, part in enumerate(_parts(document["results"]), 1):
        times = value_at(part.piece, "start"), value_at(part.piece, "end")
        add_spoken(builder, number, part.text, times, part.name)
    found = value_at(document, "results", "channels", 0, "detected_language")
    return builder.build(language_of(found))


def _parts(results: dict[str, Any]) -> Iterator[_Part]:
    utterances = list_at(results, "utterances")
    for one in utterances:
        yield _Part(one, value_at(one, "transcript"), name_of(value_at(one, "speaker")))
    channels = [] if utterances else list_at(results, "channels")
    for at, channel in enumerate(channels):
        alternative = value_at(channel, "alternatives", 0)
        # without diarisation it is the channel that tells who speaks, where there are several
        name = f"Channel {at}" if len(channels) > 1 else None
        yield from _sentences(alternative, name) or _words(alternative, name)


def _sentences(alternative: object, channel: str | None) -> list[_Part]:
    return [
        _Part(sentence, value_at(sentence, "text"), name_of(value_at(one, "speaker")) or channel)
        for one in list_at(alternative, "paragraphs", "paragraphs")
        for sentence in list_at(one, "sentences") or [one]
    ]


def _words(alternative: object, channel: str | None) -> list[_Part]:
    return [
        _Part(
            one,
            value_at(one, "punctuated_word") or value_at(one, "word"),
            name_of(value_at(one, "speaker")) or channel,
        )
        for one in list_at(alternative, "words")
    ]


FORMAT = CueFormat(
    name="deepgram",
    title="Deepgram",
    shared_extensions=(EXTENSION,),
    recognise=find_deepgram,
    read=read_deepgram,
    known_by="`results` with `channels`",
    item="an utterance; a sentence of a paragraph, or a word, where there are none",
    speaker="`speaker`, such as `0`; else the channel where there are several",
)
