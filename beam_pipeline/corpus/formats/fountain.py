"""Fountain screenplays: a name in capitals on a line of its own, then what is said.

https://fountain.io/syntax. Turns are read; action, scenes, transitions, sections and synopses are
dropped as directions, the title page as metadata. Lyrics, `~la la`, are sung.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.cue_blocks import lines_of
from beam_pipeline.corpus.formats.cue_builder import Silent
from beam_pipeline.corpus.formats.format import TranscriptFormat
from beam_pipeline.corpus.formats.turn_builder import OpenTurn, ParsedTurns, TurnBuilder

_TITLE = re.compile(r"[A-Za-z][\w ]{0,30}:(?:\s|$)")
_SCENE = re.compile(r"\s*(?:(?:INT|EXT|EST|INT\.?/EXT|I/E)[. ]|\.(?=[^.\s]))", re.IGNORECASE)
_RULE = re.compile(r"\s*={3,}\s*")
_CHARACTER = re.compile(r"\s*([^\W\d_a-z][^a-z()]{0,60}?)\s*((?:\([^()]*\)\s*)*)\^?\s*")
_FORCED = re.compile(r"\s*@\s*([^()]{1,60}?)\s*((?:\([^()]*\)\s*)*)\^?\s*")
_TRANSITION = re.compile(r"\s*(?:>.*|[^a-z]* TO:)\s*")
_PARENTHETICAL = re.compile(r"\s*\([^()]*\)\s*")
_OPENING = re.compile(r"\[\[|/\*")
_CLOSINGS = {"[[": "]]", "/*": "*/"}
_LINE_END = re.compile(r"\r\n|\r|\n")
_EMPHASIS = re.compile(r"(?<!\\)(\*{1,3}|_)(?=\S)(.{1,200}?)(?<=\S)(?<!\\)\1")


def read_fountain(text: str) -> ParsedTurns:
    """Reads every name in capitals with words under it as a turn."""
    builder = TurnBuilder()
    for at, block in enumerate(_blocks("".join(_without_notes(text)))):
        if at == 0 and _TITLE.match(block[0][1]):
            builder.drop(Silent.METADATA)
        else:
            _take(builder, block)
    return builder.build()


def _without_notes(text: str) -> Iterator[str]:
    """The text without notes and what is struck out; their line ends stay, so that lines count."""
    at = 0
    unclosed: set[str] = set()
    while found := _OPENING.search(text, at):
        closing = _CLOSINGS[found[0]]
        end = -1 if closing in unclosed else text.find(closing, found.end())
        if end < 0:
            unclosed.add(closing)
            yield text[at : found.end()]
            at = found.end()
        else:
            yield text[at : found.start()]
            yield "\n" * len(_LINE_END.findall(text, found.start(), end))
            at = end + len(closing)
    yield text[at:]


def _blocks(text: str) -> Iterator[list[tuple[int, str]]]:
    """Lines that are not empty, with their numbers, up to the next empty one."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate(lines_of(text), 1):
        # two spaces stand for an empty line within what is said
        if line.strip() or (block and line.startswith("  ")):
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _take(builder: TurnBuilder, block: list[tuple[int, str]]) -> None:
    (number, first), *said = block
    name = _name(first) if said else None
    if name is None:
        if any(_SCENE.match(line) or _RULE.fullmatch(line) for _, line in block[:1]):
            builder.begin_scene()
        builder.drop(Silent.DIRECTION)
        return
    turn = OpenTurn(number, name)
    turn.add("", first)
    for _, line in said:
        turn.add("" if _PARENTHETICAL.fullmatch(line) else _spoken(line), line)
    builder.add(turn)


def _name(line: str) -> str | None:
    """Who speaks, to judge by the line above; what is said of their voice is not in it."""
    if len(line) > limits.MAX_TIMING_CHARS:
        return None
    forced = _FORCED.fullmatch(line)
    if forced:
        return forced[1]
    if line.lstrip()[:1] in "!.=#>~" or _SCENE.match(line) or _TRANSITION.fullmatch(line):
        return None
    character = _CHARACTER.fullmatch(line)
    return character[1] if character else None


def _spoken(line: str) -> str:
    if line.lstrip().startswith("~"):
        return f"♪ {line.lstrip()[1:]} ♪"
    return _EMPHASIS.sub(r"\2", line) if len(line) <= limits.MAX_TEXT_CHARS else line


FORMAT = TranscriptFormat(
    name="fountain",
    title="Fountain",
    extensions=(".fountain", ".spmd"),
    read=read_fountain,
    known_by="the extension",
    item="lines up to an empty one",
    speaker="a line in capitals above what is said",
)
