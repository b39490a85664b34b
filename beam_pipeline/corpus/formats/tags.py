"""Text with tags, as in TTML, SAMI and OPUS -> tags and what stands between them.

Our own reader: a strict parser of XML ends at the first fault and loses all cues after it, a
parser of HTML knows what may stand in what, which is not so here. Entities are left as they
stand, and none can be declared, so there is nothing that could grow. It goes through the text
once, whatever is in it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_TAG = re.compile(r"<(/?)(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)((?:\s[^<>]*?)?)(/?)>")
_BEGIN = re.compile(r"<(?=[A-Za-z_/!?])")
# The look behind keeps a long word from being tried from each of its letters.
_ATTRIBUTE = re.compile(
    r"(?<![\w:.-])([A-Za-z_][\w:.-]*+)\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>/]+))"
)
_HIDDEN = (("<!--", "-->"), ("<?", "?>"))
_VERBATIM = ("<![CDATA[", "]]>")


@dataclasses.dataclass(frozen=True)
class Tag:
    """A tag.

    Attributes:
      name: in lower case, without namespace.
      raw: as it stands in the text.
      opens, closes: both for `<br/>`.
    """

    name: str
    raw: str
    opens: bool
    closes: bool

    def attributes(self) -> dict[str, str]:
        """Values by name, in lower case and without namespace; the first of each name."""
        found: dict[str, str] = {}
        for name, double, single, bare in _ATTRIBUTE.findall(self.raw):
            found.setdefault(name.rpartition(":")[2].lower(), double or single or bare)
        return found


def tokens(text: str) -> Iterator[Tag | str]:
    """Tags and the text between them, without comments.

    Raises:
      RefusalError: if it declares entities.
    """
    if "<!ENTITY" in text:
        raise RefusalError(Reason.MALFORMED_FILE, "expected no declaration of entities")
    unclosed: set[str] = set()
    at = 0
    while found := _BEGIN.search(text, at):
        start = found.start()
        if start > at:
            yield text[at:start]
        token, at = _next(text, start, unclosed)
        if token:
            yield token
    if text[at:]:
        yield text[at:]


def _next(text: str, start: int, unclosed: set[str]) -> tuple[Tag | str, int]:
    """What begins with the `<` at `start`, and where it ends."""
    for opening, closing in (*_HIDDEN, _VERBATIM):
        if text.startswith(opening, start) and closing not in unclosed:
            end = text.find(closing, start + len(opening))
            if end >= 0:
                shown = opening == _VERBATIM[0]
                hidden = text[start + len(opening) : end] if shown else ""
                return _escaped(hidden), end + len(closing)
            unclosed.add(closing)
    found = _TAG.match(text, start, start + limits.MAX_TAG_CHARS)
    if found is None:
        return "<", start + 1
    tag = Tag(found[2].lower(), found[0], opens=not found[1], closes=bool(found[1] or found[4]))
    return tag, found.end()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
