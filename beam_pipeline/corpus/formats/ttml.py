"""TTML, IMSC and DFXP: paragraphs in divisions, each with times within those of the other.

A paragraph is a cue. It is shown at its own times, else at those of the spans in it, and by whom
it is said stands in `ttm:agent`, its own or that of an element around it. Of several languages
(`xml:lang`) the one in which most paragraphs are is read.
"""

from __future__ import annotations

import dataclasses
import html
import re
from collections import Counter
from typing import NamedTuple

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent, collapsed
from beam_pipeline.corpus.formats.format import CueFormat
from beam_pipeline.corpus.formats.tags import Tag, tokens
from beam_pipeline.corpus.formats.ttml_time import Clock, Span
from beam_pipeline.corpus.languages import primary_language
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_ROOT = re.compile(r"<(?:\w+:)?tt[\s>]")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*", re.IGNORECASE)
_TIMED = frozenset(("body", "div", "p", "span"))
# Neither what is said about a paragraph nor how its characters are read aloud is said in it.
_UNSPOKEN = frozenset(("metadata", "title", "desc", "name", "copyright"))
_MAX_DEPTH = 1_000


@dataclasses.dataclass
class _Element:
    """An element that is not closed yet."""

    name: str
    span: Span
    agent: str | None
    spoken: bool
    language: str = ""


@dataclasses.dataclass
class _Paragraph:
    """A cue in the making; its lines are parted by line ends."""

    number: int
    texts: list[str] = dataclasses.field(default_factory=list)
    size: int = 0
    names: dict[str, None] = dataclasses.field(default_factory=dict)
    spans: list[Span] = dataclasses.field(default_factory=list)

    def add(self, text: str, name: str | None) -> None:
        if self.size > limits.MAX_TEXT_CHARS:
            return
        self.texts.append(text)
        self.size += len(text.strip())
        if name and text.strip():
            self.names[name] = None


class _Finished(NamedTuple):
    """A paragraph with words; start and end are None where they cannot be read."""

    language: str
    number: int
    times: tuple[int | None, int | None]
    lines: list[str]
    name: str | None


class _Reader:
    def __init__(self) -> None:
        self.builder = CueBuilder("cue")
        self.finished: list[_Finished] = []
        self.clock = Clock()
        self.language: str | None = None
        self.agents: dict[str, str] = {}
        self.declared: str | None = None
        self.stack: list[_Element] = [_Element("", Span(), None, spoken=False)]
        self.paragraph: _Paragraph | None = None
        self.found = 0

    def open(self, tag: Tag) -> None:
        if tag.name == "p":
            self.close("p")
        attributes = tag.attributes()
        parent = self.stack[-1]
        span, spoken = parent.span, parent.spoken and tag.name not in _UNSPOKEN
        match tag.name:
            case "tt":
                self.clock = Clock.of(attributes)
                language = attributes.get("lang", "")
                self.language = language if _LANGUAGE.fullmatch(language) else None
            case "agent":
                self.declared, spoken = attributes.get("id"), False
            case "br" if self.paragraph:
                self.paragraph.add("\n", None)
            case "p":
                self.found += 1
                self.paragraph, spoken = _Paragraph(self.found), True
        if tag.name in _TIMED:
            span = parent.span.child(attributes, self.clock)
        if tag.name == "span" and self.paragraph and span.timed:
            self.paragraph.spans.append(span)
        # the reading of a character stands next to it, and would be said twice
        spoken = spoken and not attributes.get("ruby", "").startswith(("text", "delimiter"))
        agent = self.agents.get(attributes.get("agent", "")) or parent.agent
        if len(self.stack) > _MAX_DEPTH:
            detail = f"expected at most {_MAX_DEPTH} elements within one another"
            raise RefusalError(Reason.MALFORMED_FILE, detail)
        if tag.name != "br":
            language = attributes.get("lang", parent.language)
            self.stack.append(_Element(tag.name, span, agent, spoken, language))

    def close(self, name: str) -> None:
        """Closes the innermost element of that name, and those in it; none if there is none."""
        if all(element.name != name for element in self.stack):
            return
        while True:
            element = self.stack.pop()
            if element.name == "p":
                self._finish(element)
            if element.name in _TIMED:
                self.stack[-1].span.close(element.span)
            if element.name == name:
                return

    def say(self, text: str) -> None:
        inner = self.stack[-1]
        if self.paragraph and inner.spoken:
            self.paragraph.add(" ".join(text.split("\n")), inner.agent)
        elif self.declared and inner.name == "name" and text.strip():
            self.agents.setdefault(self.declared, html.unescape(" ".join(text.split())))

    def _finish(self, element: _Element) -> None:
        paragraph, self.paragraph = self.paragraph, None
        if paragraph is None:
            return
        span = element.span
        begin, end = span.begin, span.end
        if not span.timed and paragraph.spans:
            begin = min(one.begin for one in paragraph.spans)
            ends = [one.end for one in paragraph.spans if one.end is not None]
            end = max(ends) if len(ends) == len(paragraph.spans) else end
        faulty = any(one.faulty for one in (span, *paragraph.spans))
        lines = [collapsed(line) for line in "".join(paragraph.texts).split("\n")]
        name = ", ".join(paragraph.names) or None
        if not any(lines):
            self.builder.drop(Silent.BLANK)
        elif not faulty and span.end is not None and span.end <= span.begin:
            self.builder.drop(Silent.NEVER_SHOWN)
        else:
            times = (None, None) if faulty else (round(begin), None if end is None else round(end))
            language = primary_language(element.language)
            self.finished.append(_Finished(language, paragraph.number, times, lines, name))

    def build(self) -> ParsedCues:
        """The cues of the language in which most is said, where there are several."""
        said = Counter(one.language for one in self.finished)
        language = max(said, key=lambda name: said[name], default="")
        for one in self.finished:
            if one.language == language:
                self.builder.add(one.number, *one.times, one.lines, one.name)
            else:
                self.builder.drop(Silent.OTHER_LANGUAGE)
        declared = self.language if len(said) < 2 or not language else language
        return self.builder.build(declared)


def read_ttml(text: str) -> ParsedCues:
    """Reads every paragraph, in files that are no XML too.

    Raises:
      RefusalError: if it declares entities, or nests elements without end.
    """
    reader = _Reader()
    for token in tokens(text):
        if isinstance(token, str):
            reader.say(token)
            continue
        if token.opens:
            reader.open(token)
        if token.closes:
            reader.close(token.name)
    reader.close("p")
    return reader.build()


FORMAT = CueFormat(
    name="ttml",
    title="TTML, IMSC, DFXP",
    extensions=(".ttml", ".dfxp"),
    shared_extensions=(".xml",),
    recognise=lambda text: text.first_tag(_ROOT),
    read=read_ttml,
    known_by="root `tt`",
    item="`<p>`",
    speaker="`ttm:agent` with a `ttm:name`",
)
