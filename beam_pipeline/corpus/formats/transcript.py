"""Transcripts as plain text: `NAME: what is said`, with or without `[Scene: ...]` in between.

A line that begins with a speaker's label, as subtitles have them, begins a turn; lines up to the
next empty one belong to it. What stands before the first label is a title and the like; a
paragraph behind an empty line, without a label, is a turn of which nobody knows whose it is.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from beam_pipeline.corpus import limits, markup
from beam_pipeline.corpus.formats.clocks import CLOCK, milliseconds
from beam_pipeline.corpus.formats.cue_blocks import lines_of
from beam_pipeline.corpus.formats.cue_builder import Silent
from beam_pipeline.corpus.formats.format import Evidence, RawText, TranscriptFormat
from beam_pipeline.corpus.formats.turn_builder import OpenTurn, ParsedTurns, TurnBuilder
from beam_pipeline.corpus.names import canonical
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.corpus.speaker_labels import Vocabulary, learn, split_label

_EXTENSIONS = ("", ".md", ".text", ".txt")
_MIN_USES = 1
"""Of a label: in a transcript most lines have one, so a name that comes once is one as well."""

_MIN_TURNS = 2
_MIN_SHARE = 1 / 4
"""Of the lines of a transcript, so many begin with a label: others run on, or tell what happens."""

_TIME = re.compile(rf"\s*(?:\[{CLOCK}\]|\({CLOCK}\)|{CLOCK}(?=\s|$))\s*(?:[-–]\s+)?", re.ASCII)
_QUALIFIED = re.compile(r"([^:()\[\]]{1,40}?)\s*[(\[][^()\[\]:]{0,60}[)\]]\s*:(?=\s|$)")
_BOLD = re.compile(r"\s*(\*\*|__)([^*_:]{1,40})(?:\1\s*:|:\s*\1)(?=\s|$)")
_LABEL = re.compile(r"\s*([^\W\d_a-z][\w'’.-]*(?: (?:[\w'’.-]+|&)){0,3}):(?=\s|$)")
_SCENE = re.compile(
    r"\s*[(\[]?\s*(?:scene\b\s*(?:\d+\b|[:.,–-]|$)|int\.|ext\.|cut to\b|fade (?:in|out|to)\b)", re.I
)
_DIRECTION = re.compile(r"\s*(?:\[[^\[\]]*\]|\([^()]*\))[\s.]*")
_BRACKETS = {"[": "]", "(": ")"}
_MARK = re.compile(
    r"\s*(?:the )?(?:end|(?:opening|closing|end) credits|commercial(?: break)?|teaser|tag|"
    r"to be continued)\W*",
    re.I,
)
_METADATA_WORDS = (
    "author cc date description duration email file filename from language length location note "
    "participants phone present record recorded source subject summary time title to topic "
    "transcriber url version"
)
_METADATA = frozenset(_METADATA_WORDS.split())


@dataclasses.dataclass(frozen=True)
class _Opening:
    """How a line begins: its time, and the rest in the form in which labels are looked for."""

    start_ms: int | None
    rest: str


def find_transcript(text: RawText) -> Evidence | None:
    """Behind the text, if enough of its lines begin with labels that are those of speakers."""
    if text.extension not in _EXTENSIONS:
        return None
    lines = [line for line in lines_of(text.head) if line.strip()]
    openings = [_opening(line).rest for line in lines if not _DIRECTION.fullmatch(line)]
    vocabulary = learn(openings, _MIN_USES)
    found = [split_label(line, vocabulary).name for line in openings]
    names = [name for name in found if name and name.casefold() not in _METADATA]
    enough = len(names) >= max(_MIN_TURNS, _MIN_SHARE * len(openings))
    # a name that comes again is a speaker's; a list of facts has each but once
    shown = enough and (len(set(names)) < len(names) or len(names) == len(openings))
    return text.behind if shown else None


def read_transcript(text: str) -> ParsedTurns:
    """Reads every line with a label as the begin of a turn."""
    vocabulary = _vocabulary(text)
    builder = TurnBuilder()
    spoken = False
    for turn in _turns(lines_of(text), vocabulary):
        spoken = spoken or turn.name is not None
        _take(builder, turn, spoken)
    return builder.build()


def _vocabulary(text: str) -> Vocabulary:
    """The names that a transcript uses as labels.

    Beyond those that look like a name, they are what comes twice before a colon, or stands there at
    the begin of a paragraph: `Paul the Wine Guy:`, `Woman over speakerphone:`.
    """
    vocabulary = learn((_opening(line).rest for line in lines_of(text)), _MIN_USES)
    uses: Counter[str] = Counter()
    parted = True
    for line in lines_of(text):
        label = _LABEL.match(_opening(line).rest)
        if label:
            uses[canonical(label[1])] += 1 + parted
        parted = not line.strip()
    often = {name for name, count in uses.items() if count > 1}
    return dataclasses.replace(vocabulary, labels=frozenset({*vocabulary.labels, *often}))


def _take(builder: TurnBuilder, turn: OpenTurn, spoken: bool) -> None:
    """Takes in a turn, or what is none: scenes, what happens, what stands before all turns."""
    words = " ".join(turn.raw)
    if turn.name is not None:
        builder.add(turn)
    elif _is_scene(words):
        builder.begin_scene()
        builder.drop(Silent.DIRECTION)
    elif _DIRECTION.fullmatch(words) or _MARK.fullmatch(words):
        builder.drop(Silent.DIRECTION)
    elif spoken:
        builder.add(turn)
    else:
        builder.drop(Silent.METADATA)


def _turns(lines: Iterable[str], vocabulary: Vocabulary) -> Iterator[OpenTurn]:
    """Turns, and paragraphs that are none, in file order."""
    turn: OpenTurn | None = None
    closing = ""
    parted = False
    waiting_ms: int | None = None
    for number, line in enumerate(lines, 1):
        opening = _opening(line)
        if not opening.rest.strip():
            waiting_ms = opening.start_ms if line.strip() else waiting_ms
            # a name on a line of its own is followed by what is said, be it behind an empty line
            parted = turn is not None and any(map(str.strip, turn.lines))
            closing = ""
            continue
        scene = _is_scene(line)
        label = None if scene else split_label(opening.rest, vocabulary)
        name = label.name if label else None
        if turn is None or name or scene or (parted and not closing):
            if turn:
                yield turn
            start_ms = waiting_ms if opening.start_ms is None else opening.start_ms
            turn, waiting_ms = OpenTurn(number, name, start_ms), None
            closing = "" if name else _BRACKETS.get(line.strip()[0], "")
            parted = scene
        turn.add(label.rest if label and name else opening.rest.strip(), line)
        if closing and closing in line:
            closing, parted = "", True
    if turn:
        yield turn


def _opening(line: str) -> _Opening:
    if len(line) > limits.MAX_TEXT_CHARS:
        return _Opening(None, line)
    time = _TIME.match(line)
    start_ms = _start_ms(time) if time else None
    rest = line[time.end() :] if time and start_ms is not None else line
    rest = _BOLD.sub(r"\2:", rest, count=1) if _BOLD.match(rest) else rest
    rest = _QUALIFIED.sub(r"\1:", rest, count=1) if _QUALIFIED.match(rest) else rest
    return _Opening(start_ms, rest)


def _start_ms(time: re.Match[str]) -> int | None:
    """The time before a label; none where it is no time of the clock."""
    groups = time.groups()
    found = next(groups[at : at + 4] for at in (0, 4, 8) if groups[at + 1] is not None)
    try:
        return milliseconds(*found)
    except RefusalError:
        return None


def _is_scene(line: str) -> bool:
    if len(line) > limits.MAX_TEXT_CHARS:
        return False
    if _SCENE.match(line):
        return True
    return any(one.scene for voice in markup.voices(line) for one in voice.lines)


FORMAT = TranscriptFormat(
    name="transcript",
    title="Transcripts as plain text",
    shared_extensions=(".txt", ".md"),
    recognise=find_transcript,
    read=read_transcript,
    known_by="lines that begin with a speaker's label, a quarter of all or more",
    item="a line with a label; a paragraph without",
    speaker="",
)
