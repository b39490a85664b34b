"""OPUS and OpenSubtitles XML: sentences of words, with the times of the subtitles among them.

A sentence is a cue. It starts where the first subtitle in it starts, else where the one that is
still shown did, and ends where the last one in it ends, else where the next sentence starts.
"""

from __future__ import annotations

import dataclasses
import re

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, CueText, collapsed
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.tags import Tag, tokens
from beam_pipeline.corpus.formats.timings import loose_clock_ms

_SHAPE = [re.compile(rf"<(?:{name})[\s>]") for name in ("document", "s", "time|w")]
_BEFORE_NO_SPACE = re.compile(r" +(?=[.,!?;:…)\]]|n't\b|'(?:s|m|d|re|ve|ll)\b)")


def find_opus(text: RawText) -> Evidence | None:
    """Where the document begins, if there are sentences with words or times in it."""
    found = [text.first_tag(tag) for tag in _SHAPE]
    return found[0] if all(found) else None


@dataclasses.dataclass
class _Sentence:
    """A cue in the making."""

    number: int
    start_ms: int | None
    end_ms: int | None = None
    starts_within: bool = False
    text: CueText = dataclasses.field(default_factory=CueText)

    def note(self, mark: str, at_ms: int) -> None:
        """Takes a time within it: `S` is where a subtitle starts, `E` where it ends."""
        if mark == "E":
            self.end_ms = at_ms
        elif not self.starts_within and not str(self.text).strip():
            self.start_ms, self.starts_within = at_ms, True


def read_opus(text: str) -> ParsedCues:
    """Reads every sentence; those before the first time are there until it.

    Raises:
      RefusalError: if it declares entities.
    """
    builder = CueBuilder("cue")
    sentence: _Sentence | None = None
    shown_from: int | None = None
    found = 0
    for token in tokens(text):
        if isinstance(token, str):
            if sentence:
                sentence.text.add(token)
            continue
        if token.name == "s":
            if sentence:
                _finish(builder, sentence)
            found += token.opens
            sentence = _Sentence(found, shown_from) if token.opens else None
        elif token.name == "time" and token.opens:
            shown_from = _note_time(token, sentence, shown_from)
        elif token.name == "w" and token.opens and sentence:
            sentence.text.add(" ")
    if sentence:
        _finish(builder, sentence)
    return builder.build()


def _note_time(tag: Tag, sentence: _Sentence | None, shown_from: int | None) -> int | None:
    """Tells the sentence of a time, and returns since when a subtitle is shown."""
    attributes = tag.attributes()
    mark = attributes.get("id", "")[-1:].upper()
    at_ms = loose_clock_ms(attributes.get("value", ""))
    if at_ms is None:
        return shown_from
    if sentence:
        sentence.note(mark, at_ms)
    return at_ms if mark == "S" else shown_from


def _finish(builder: CueBuilder, sentence: _Sentence) -> None:
    text = _BEFORE_NO_SPACE.sub("", collapsed(str(sentence.text)))
    builder.add(sentence.number, sentence.start_ms, sentence.end_ms, [text])


FORMAT = CueFormat(
    name="opus",
    title="OPUS, OpenSubtitles",
    shared_extensions=(".xml",),
    recognise=find_opus,
    read=read_opus,
    known_by="`document`, `s`, and `time` or `w`",
    item="`<s>`",
)
