"""The lines of a cue -> its words: tags, entities, sounds, lyrics and credits taken out.

Law of this module: a line is cleaned, never lost; what the file has stands next to its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from beam_pipeline.corpus import foreign_markup, sounds, speaker_labels, turn_marks
from beam_pipeline.corpus.credits import without_credits

_VOICE = re.compile(r"(<v(?:\.[^\s<>]*)?[ \t]+[^<>]*>|</v>)")
_VOICE_NAME = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]+([^<>]*)>")
# Recognisers write where another person begins to speak, and mean what `>>` means.
_TURN = re.compile(r"\[SPEAKER[_ ]TURN\]", re.IGNORECASE)
_TAG_OR_CHEVRONS = re.compile(
    rf"{foreign_markup.TAG.pattern}|(?P<chevrons>(?:>|&gt;){{2,}}|(?i:{_TURN.pattern}))"
)
_MAY_BE_MARKED = re.compile(r"[<>{&\[]")
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
# each begins with a sign of its own, which is what makes the search for it quick
_SOUND = re.compile(r"\(\(?[^()]*\)\)?|\[\[?[^\[\]]*\]\]?|\{[^{}]*\}")
# `Yes (laughs).` has a space that its description leaves before the full stop.
_LOOSE_STOP = re.compile(r"(?<=\w)[ \t]+(?=[.,](?!\.))")
_SCENE_NOTE = re.compile(
    r"[(\[]\s*(?:new scene|scene|cut to|fade (?:in|out|to)|commercial break|int\.|ext\.)(?!\w)",
    re.IGNORECASE,
)
_SCENE_RULES = ("*", "-", "~", "=", "_", "#")
_STORY_MARK = ">>>"


class Line(NamedTuple):
    """A line of a cue.

    Attributes:
      text: its words, white space collapsed; empty where it has none.
      raw: as it stands in the file.
      scene: whether a scene, or a story of the news, begins here.
    """

    text: str
    raw: str
    scene: bool


class Voice(NamedTuple):
    """A stretch of a cue in one voice.

    Attributes:
      name: as the voice tag has it; None outside of voice tags.
      lines: at least one, in order; a mark of a new speaker begins a line.
      tagged: whether a voice tag opens or closes right before it.
    """

    name: str | None
    lines: tuple[Line, ...]
    tagged: bool


def voices(text: str) -> Iterator[Voice]:
    """Cuts a cue at its voice tags, `<v Name>` and `</v>`, and cleans the lines of each part."""
    text = foreign_markup.at_breaks(text)
    before, *parts = _VOICE.split(text) if "<" in text else (text,)
    if before.strip() or not parts:
        yield Voice(None, _lines(before), tagged=False)
    for tag, spoken in zip(parts[::2], parts[1::2], strict=True):
        name = _VOICE_NAME.fullmatch(tag)
        first, *others = _lines(spoken)
        lines = (first._replace(raw=tag + first.raw), *others)
        yield Voice(plain(name[1]).strip() or None if name else None, lines, tagged=True)


def hushed(voices: Sequence[Voice]) -> tuple[Voice, ...]:
    """The same voices saying nothing: their lines have no text left, but stand as in the file."""
    return tuple(
        voice._replace(lines=tuple(line._replace(text="") for line in voice.lines))
        for voice in voices
    )


def plain(text: str) -> str:
    """Takes out tags and invisible marks, and reads entities; as many lines as before."""
    # most lines have nothing of all that, and a search for it takes as long as reading them
    text = foreign_markup.without_breaks(text)
    if "<" in text or "{" in text:
        text = foreign_markup.TAG.sub(_only_line_ends, text)
    if "&" in text:
        text = foreign_markup.read_entities(text)
        # a tag may be escaped as a whole
        text = foreign_markup.TAG.sub(_only_line_ends, text) if "<" in text else text
    return text if text.isascii() else _INVISIBLE.sub("", text)


def has_words(text: str) -> bool:
    """Whether there is a letter or digit in it."""
    return any(map(str.isalnum, text))


def _lines(raw: str) -> tuple[Line, ...]:
    if _MAY_BE_MARKED.search(raw):
        raw = _TAG_OR_CHEVRONS.sub(_on_its_own_line, raw)
    marked = turn_marks.on_their_own_lines(raw)
    spoken = without_credits(sounds.without_songs(plain(marked)))
    silenced, described = _SOUND.subn(_silence, sounds.with_plain_brackets(spoken))
    cleaned = (_LOOSE_STOP.sub("", silenced) if described else silenced).split("\n")
    pairs = zip(turn_marks.with_plain_dashes(cleaned), marked.split("\n"), strict=True)
    return tuple(Line(_without_stray_colon(text), raw, _is_scene(raw)) for text, raw in pairs)


def _on_its_own_line(found: re.Match[str]) -> str:
    if not found["chevrons"]:
        return found[0]
    at_start = not found.string[: found.start()].rpartition("\n")[2].strip()
    return found[0] if at_start else "\n" + found[0]


def _only_line_ends(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _silence(sound: re.Match[str]) -> str:
    """What remains of a description: nothing, or what may be the name of who speaks."""
    if _TURN.fullmatch(sound[0]):
        return ">> "
    line = sound.string[sound.string.rfind("\n", 0, sound.start()) + 1 : sound.start()]
    colon = ":" if sound.string.startswith(":", sound.end()) else ""
    if line.strip() in _TURN_MARKS and speaker_labels.is_aside(sound[0] + colon):
        return sound[0]
    return _only_line_ends(sound) or " "


_TURN_MARKS = frozenset(("", ">>", ">>>", *turn_marks.DASHES))
_STRAY_COLON = re.compile(r"^(>{2,}|-|) ?:(?![()]) ?")


def _is_scene(raw: str) -> bool:
    # nearly all lines begin with a word and have no brackets, and need no closer look
    worded = (raw[:1].isalnum() or raw[3:4].isalnum()) and _STORY_MARK not in raw
    if worded and "(" not in raw and "[" not in raw and "&" not in raw:
        return False
    text = plain(raw)
    begins = text.lstrip().startswith(_STORY_MARK) or bool(_SCENE_NOTE.search(text))
    bare = "".join(text.split())
    return begins or (len(bare) >= 3 and bare[0] in _SCENE_RULES and len(set(bare)) == 1)


def _without_stray_colon(line: str) -> str:
    """`- (laughing): I know` has lost its description, and with it the use of its colon."""
    collapsed = " ".join(line.split())
    return _STRAY_COLON.sub(r"\1 ", collapsed).strip() if ":" in collapsed[:5] else collapsed
