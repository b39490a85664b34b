"""SAMI: `<SYNC Start=ms>` and in it a paragraph a language; it is shown until the next one.

Our own reader: libraries leave out what has no time, and take a language for another. A paragraph
is a cue, and so is a SYNC without any. Of several languages the one that says most is read, with
what is of none.
"""

from __future__ import annotations

import dataclasses
import html
import re
from collections import Counter

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, CueText, Silent, collapsed
from beam_pipeline.corpus.formats.format import CueFormat
from beam_pipeline.corpus.formats.tags import Tag, tokens

_ROOT = re.compile(r"<SAMI[\s>]", re.IGNORECASE)
_START = re.compile(r"\s*(-?\d{1,12})(?:\.\d*)?\s*(?:ms)?\s*", re.ASCII | re.IGNORECASE)


@dataclasses.dataclass
class _Paragraph:
    """A cue in the making.

    Attributes:
      start: as its SYNC has it, None before the first SYNC.
      language: the class of the paragraph, in lower case.
      names: whether it holds the name of who speaks, in place of words.
      implied: whether it is a SYNC in which there is no paragraph so far.
    """

    start: str | None
    language: str = ""
    names: bool = False
    implied: bool = False
    text: CueText = dataclasses.field(default_factory=CueText)

    @property
    def start_ms(self) -> int | None:
        """None where it has no time that can be read."""
        found = _START.fullmatch(self.start or "")
        return found and int(found[1])

    @property
    def is_blank(self) -> bool:
        return not html.unescape(str(self.text)).strip()


def read_sami(text: str) -> ParsedCues:
    """Reads every paragraph of the body.

    Raises:
      RefusalError: if it declares entities.
    """
    paragraphs = _paragraphs(text)
    worded = (one for one in paragraphs if not one.is_blank and not one.names)
    spoken = Counter(one.language for one in worded if one.language)
    language = max(spoken, key=lambda name: spoken[name], default="")
    builder = CueBuilder("cue")
    name: str | None = None
    for number, one in enumerate(paragraphs, 1):
        if one.names and one.language in ("", language):
            name = html.unescape(str(one.text)).strip() or None
            builder.drop(Silent.NAME)
        elif one.is_blank:
            if one.start_ms is not None:
                builder.clear(one.start_ms)
            builder.drop(Silent.BLANK)
        elif one.language not in ("", language):
            builder.drop(Silent.OTHER_LANGUAGE)
        else:
            lines = map(collapsed, str(one.text).split("\n"))
            builder.add(number, one.start_ms, None, lines, name)
            name = None
    return builder.build()


def _paragraphs(text: str) -> list[_Paragraph]:
    found: list[_Paragraph] = []
    in_body = False
    for token in tokens(text):
        if isinstance(token, str):
            if found:
                found[-1].text.add(token.replace("\r", " ").replace("\n", " "))
        elif token.opens and token.name == "sync":
            found.append(_Paragraph(token.attributes().get("start", ""), implied=True))
        elif token.opens and token.name == "p" and (in_body or found):
            _open_paragraph(found, token)
        elif token.opens and token.name == "br" and found:
            found[-1].text.add("\n")
        in_body |= isinstance(token, Tag) and token.name == "body"
    return found


def _open_paragraph(found: list[_Paragraph], tag: Tag) -> None:
    attributes = tag.attributes()
    start = found[-1].start if found else None
    if found and found[-1].implied and found[-1].is_blank:
        found.pop()
    names = attributes.get("id", "").lower() == "source"
    found.append(_Paragraph(start, attributes.get("class", "").lower(), names))


FORMAT = CueFormat(
    name="sami",
    title="SAMI",
    extensions=(".smi", ".sami"),
    recognise=lambda text: text.first_tag(_ROOT),
    read=read_sami,
    known_by="`<SAMI>`",
    item="`<P>` within a `<SYNC>`, or a `<SYNC>` without",
    speaker="`<P ID=Source>`",
)
