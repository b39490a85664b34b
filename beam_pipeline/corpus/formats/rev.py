"""Transcripts of Rev AI: monologues of a speaker, of words and the marks between them.

https://docs.rev.ai/api/asynchronous/transcripts
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.json_cues import add_spoken
from beam_pipeline.corpus.formats.json_values import (
    EXTENSION,
    list_at,
    parse_document,
    value_at,
)
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_SENTENCE_ENDS = (".", "?", "!", "…")


class _Sentence(NamedTuple):
    """A sentence of a monologue, as the document has it."""

    text: object
    times: tuple[object, object]
    name: object


def find_rev(text: RawText) -> Evidence | None:
    """The document, if it has monologues."""
    if text.extension != EXTENSION:
        return None
    return text.whole if isinstance(value_at(text.json, "monologues"), list) else None


def read_rev(text: str) -> ParsedCues:
    """Reads every sentence as a cue.

    Raises:
      RefusalError: if it is no JSON object with a list of monologues.
    """
    monologues = value_at(parse_document(text), "monologues")
    if not isinstance(monologues, list):
        raise RefusalError(Reason.MALFORMED_FILE, "expected a list 'monologues'")
    builder = CueBuilder("cue")
    sentences = (sentence for one in monologues for sentence in _sentences(one))
    for number, sentence in enumerate(sentences, 1):
        add_spoken(builder, number, *sentence)
    return builder.build()


def _sentences(monologue: object) -> Iterator[_Sentence]:
    name = value_at(monologue, "speaker")
    elements = list_at(monologue, "elements")
    if not elements:
        yield _Sentence(None, (None, None), name)
        return
    begin = 0
    for at, element in enumerate(elements, 1):
        value = value_at(element, "value")
        if at == len(elements) or str(value).strip().endswith(_SENTENCE_ENDS):
            yield _sentence(elements[begin:at], name)
            begin = at


def _sentence(elements: list[object], name: object) -> _Sentence:
    values = [value_at(element, "value") for element in elements]
    timed = [element for element in elements if value_at(element, "ts") is not None]
    times = value_at(timed, 0, "ts"), value_at(timed, len(timed) - 1, "end_ts")
    is_text = all(isinstance(value, str) for value in values)
    return _Sentence("".join(map(str, values)) if is_text else None, times, name)


FORMAT = CueFormat(
    name="rev",
    title="Rev AI",
    shared_extensions=(EXTENSION,),
    recognise=find_rev,
    read=read_rev,
    known_by="a list `monologues`",
    item="a sentence of a monologue",
    speaker="`speaker`, such as `0`",
)
