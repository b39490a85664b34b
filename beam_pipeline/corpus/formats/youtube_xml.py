"""YouTube's srv1, srv2 and srv3: `<text start="0.5" dur="2">`, or `<p t="500" d="2000">` of `<s>`.

srv1 counts seconds, the others milliseconds. In srv3 what has `a="1"` only moves the lines.
"""

from __future__ import annotations

import dataclasses
import re

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, CueText, Silent
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.tags import Tag, tokens
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_ROOT = re.compile(r"<(?:timedtext|transcript)[\s>]", re.IGNORECASE)
_CUE = re.compile(r"<(?:text|p)\s[^<>]{0,1000}?\b(?:start|t)\s*=", re.IGNORECASE)
_CUES = ("text", "p")
_NUMBER = re.compile(r"\s*(\d{1,12}(?:\.\d{1,12})?)\s*", re.ASCII)


def find_youtube_xml(text: RawText) -> Evidence | None:
    """The root, if a text with a time is in it."""
    root = text.first_tag(_ROOT)
    return root if root and text.first_tag(_CUE) else None


@dataclasses.dataclass
class _Open:
    """A cue in the making."""

    number: int
    tag: Tag
    text: CueText = dataclasses.field(default_factory=CueText)


def read_youtube_xml(text: str) -> ParsedCues:
    """Reads every `<text>`, or every `<p>` of the body.

    Raises:
      RefusalError: if it declares entities.
    """
    builder = CueBuilder("cue")
    cue: _Open | None = None
    found = 0
    for token in tokens(text):
        if isinstance(token, str):
            if cue:
                cue.text.add(token)
        elif token.name in _CUES:
            if cue:
                _finish(builder, cue)
            found += token.opens
            cue = _Open(found, token) if token.opens else None
            if cue and token.closes:
                _finish(builder, cue)
                cue = None
        elif token.name == "br" and cue:
            cue.text.add("\n")
    if cue:
        _finish(builder, cue)
    return builder.build()


def _finish(builder: CueBuilder, cue: _Open) -> None:
    attributes = cue.tag.attributes()
    seconds = "start" in attributes
    names, factor = (("start", "dur"), 1000) if seconds else (("t", "d"), 1)
    lines = str(cue.text).split("\n")
    if not any(map(str.strip, lines)):
        builder.drop(Silent.BLANK)
        return
    start, length = (_NUMBER.fullmatch(attributes.get(name, "")) for name in names)
    if start is None:
        detail = f"expected a time, {names[0]}=NUMBER"
        builder.refuse(cue.number, RefusalError(Reason.MALFORMED_CUE, detail))
        return
    start_ms = round(float(start[1]) * factor)
    end_ms = start_ms + round(float(length[1]) * factor) if length else None
    builder.add(cue.number, start_ms, end_ms, lines)


FORMAT = CueFormat(
    name="youtube_xml",
    title="YouTube srv1, srv2, srv3",
    extensions=(".srv1", ".srv2", ".srv3", ".ytt"),
    shared_extensions=(".xml",),
    recognise=find_youtube_xml,
    read=read_youtube_xml,
    known_by="`<timedtext>` or `<transcript>` with texts that have times",
    item="`<text>`, `<p>`",
)
