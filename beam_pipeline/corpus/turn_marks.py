"""Where somebody else begins to speak within a cue: dashes of all kinds, turns that share a line.

A dash in front of a line is a mark of a turn unless it may join or subtract: then the other lines
of the cue tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

DASHES: Final = "-‐‑‒–—―−﹣－⁃•●▪‣"
"""The hyphen first; then what people, typography and the recognition of letters make of it."""

_MARKS = frozenset(DASHES)

PLAIN: Final = "-"
"""What stands before a line that begins a turn, whatever the file has there."""

_LONG = "–—―"
# Also twice, as where one line was written over another: `- - Yes`, `-- Yes`.
_DASHED = re.compile(rf"\s*(?:[{DASHES}]\s+)*([{DASHES}]|--(?=\s+[A-Z]))(?![{DASHES}])(\s*)(.*)")
_OPENS_SENTENCE = re.compile(r"[\"'“‘«¿¡(\[（【]*\.{2,}|[\"'“‘«¿¡(\[（【♪♫#]|…|[^\W\d_]")
_ENDED = r"(?:[.?!…♪]|--)(?:[\"'”’)\]♪]|</\w+>)*"
_ENDS = re.compile(rf"{_ENDED}\s*$")
_BEGINS = r"(?:<\w[^<>]*>)*[\"'“‘¿¡]?(?:[A-ZÀ-ÖØ-Þ]|[(\[♪]|\.\.\.)"
_LABEL = r"[(\[][A-Z][A-Z .'’#\d]{1,30}[)\]]:|[A-Z][A-Z.'’#\d]+(?: [A-Z.'’#\d]+){0,2}:[ \t]"
# What may follow a sentence on its line: a dash with another one, a dash alone, a label. The dot of
# `MRS. QUILL: ` ends none.
_SECOND_TURN = re.compile(
    rf"(?:(?:{_ENDED}|[)\]])[ \t]+"
    rf"(?=[-‐−•](?:[ \t]*{_BEGINS}|[ \t]*$)|[–—][ \t]+{_BEGINS})"
    rf"|(?:[?!…]|(?<=[^\W\d_A-Z])(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)\.)"
    rf"(?:[\"'”’)\]]|</\w+>)*[ \t]+(?={_LABEL}))",
    re.MULTILINE,
)


def on_their_own_lines(text: str) -> str:
    """A cue with each turn on a line of its own: `- Yes. - No.` becomes two."""
    if "-" not in text and ":" not in text and text.isascii():
        return text
    return _SECOND_TURN.sub(r"\g<0>\n", text)


def with_plain_dashes(lines: Sequence[str]) -> Iterator[str]:
    """The lines of a cue, in which a mark of a turn is `- ` and any other dash stays.

    Args:
      lines: without markup and descriptions.
    """
    if _MARKS.isdisjoint([line.lstrip()[:1] for line in lines]):
        yield from lines
        return
    dashed = [_DASHED.fullmatch(line) for line in lines]
    several = sum(map(bool, dashed)) > 1
    for at, (line, found) in enumerate(zip(lines, dashed, strict=True)):
        follows = at > 0 and _ENDS.search(lines[at - 1]) is not None
        marks = found is not None and (several or _marks_turn(found, follows))
        yield f"{PLAIN} {found[3]}" if found and marks else line


def _marks_turn(found: re.Match[str], follows_sentence: bool) -> bool:
    """Whether a dash marks a turn, where no other line of its cue has one.

    Args:
      found: the dash, the space behind it, and the rest of the line.
      follows_sentence: whether the line before it ends a sentence.
    """
    dash, space, rest = found.groups()
    if space or not rest:
        return True
    if dash in _LONG:
        return False
    if follows_sentence and rest[0].isalpha():
        return True
    return not rest[0].islower() and _OPENS_SENTENCE.match(rest) is not None
