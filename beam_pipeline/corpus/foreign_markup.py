r"""Marks of one format in a file of another, as converters leave them behind.

`<br>` and `\N` end a line wherever they stand, and so does the `|` of MicroDVD; `{i}`, `{y:i}`
and `{\an8}` are tags; an entity may be escaped twice; the reading of ruby is said with its base.
"""

from __future__ import annotations

import html
import re

from beam_pipeline.corpus.speaker_kinds import DIARISED

TAG = re.compile(
    r"</?[A-Za-z][^<>]*>|<[\d:.]+>|\{\\[^{}]*\}|\{/?[biusBIUS]\d?\}|\{[A-Za-z]:[^{}]*\}"
)
"""A tag of any format: it is never said."""

_BREAK = re.compile(
    r"<\s*/?\s*br\s*/?\s*>\n?|\\[Nn]\n?"
    # what a diariser writes before a bar is a name
    rf"|(?P<name>^\s*\[?{DIARISED}\]?\|)|\|\n?",
    re.IGNORECASE | re.MULTILINE,
)
_LEFT_OF_BREAK = re.compile(r"\\[Nn]|(?<!\|)\|$", re.MULTILINE)
_HARD_SPACE = re.compile(r"\\h")
_RUBY = re.compile(r"<ruby[\s.>]", re.IGNORECASE)
_READING = re.compile(r"<(rt|rp)\b[^<>]*>.*?(?:</\1>|(?=</ruby|<r[bpt]\b)|\Z)", re.S | re.I)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def at_breaks(text: str) -> str:
    """A text in which a line ends wherever a mark of any format says so; the marks are kept."""
    if "<" not in text and "\\" not in text and "|" not in text:
        return text
    return _BREAK.sub(lambda found: found[0] if found["name"] else f"{found[0].rstrip()}\n", text)


def without_breaks(text: str) -> str:
    """A text without those marks, and without the readings of ruby; as many lines as before."""
    if "\\" in text or "|" in text:
        text = _HARD_SPACE.sub(" ", _LEFT_OF_BREAK.sub("", text))
    # outside of ruby the same tag has words of its own
    return _READING.sub(_only_line_ends, text) if "<" in text and _RUBY.search(text) else text


def read_entities(text: str) -> str:
    """A text with characters for entities, read a second time where they are escaped twice."""
    once = _ENTITY.sub(_character, text)
    return _ENTITY.sub(_character, once) if "&amp;" in text else once


def _only_line_ends(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _character(entity: re.Match[str]) -> str:
    # An entity may stand for the end of a line, which would be one line more.
    return html.unescape(entity[0]).replace("\n", " ")
