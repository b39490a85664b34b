"""Transcripts of AssemblyAI: utterances with speakers, else sentences or words; times in ms.

https://www.assemblyai.com/docs/api-reference/transcripts/get
"""

from __future__ import annotations

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
    value_at,
)
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_LISTS = ("utterances", "sentences", "paragraphs", "words")
_KEYS = frozenset(("text", "start", "end"))


def find_assemblyai(text: RawText) -> Evidence | None:
    """The document, if it has one of these lists at its top, and neither segments nor chunks."""
    if text.extension != EXTENSION or not isinstance(text.json, dict):
        return None
    if not {"segments", "transcription", "chunks"}.isdisjoint(text.json):
        return None
    firsts = (first_at(text.json, name) for name in _LISTS)
    return text.whole if any(first.keys() >= _KEYS for first in firsts) else None


def read_assemblyai(text: str) -> ParsedCues:
    """Reads every utterance as a cue; where there are none, every sentence, paragraph or word.

    Raises:
      RefusalError: if it is no JSON object with one of these lists.
    """
    document = parse_document(text)
    builder = CueBuilder("cue")
    for number, one in enumerate(_parts(document), 1):
        times = value_at(one, "start"), value_at(one, "end")
        add_spoken(builder, number, value_at(one, "text"), times, value_at(one, "speaker"), 1)
    return builder.build(language_of(value_at(document, "language_code")))


def _parts(document: object) -> list[Any]:
    lists = [value_at(document, name) for name in _LISTS]
    found = next((one for one in lists if isinstance(one, list) and one), None)
    if found is None:
        raise RefusalError(Reason.MALFORMED_FILE, "expected a list 'utterances' or 'words'")
    return found


FORMAT = CueFormat(
    name="assemblyai",
    title="AssemblyAI",
    shared_extensions=(EXTENSION,),
    recognise=find_assemblyai,
    read=read_assemblyai,
    known_by="a list `utterances`, `sentences`, `paragraphs` or `words` at the top",
    item="an utterance; a sentence, paragraph or word where there are none",
    speaker="`speaker`, such as `A`",
)
