"""The lines of a cue -> its words: tags, entities, sounds and notes of music taken out."""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Iterator

from beam_pipeline.corpus import speakers

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]+([^<>]*)>|</v>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<[\d:.]+>|\{\\[^{}]*\}")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")
_SOUND = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_MUSIC = re.compile("[♩♪♫♬]+")
_CHEVRONS = re.compile(r">{2,}")


@dataclasses.dataclass(frozen=True)
class Voice:
    """A stretch of a cue in one voice.

    Attributes:
      name: as the voice tag has it; None outside of voice tags.
      lines: with words or turn marks in them.
      tagged: whether a voice tag opens or closes right before it.
    """

    name: str | None
    lines: tuple[str, ...]
    tagged: bool


def voices(text: str) -> Iterator[Voice]:
    """Cuts a cue at its voice tags, `<v Name>` and `</v>`, and cleans the lines of each part."""
    before, *parts = _VOICE.split(text)
    yield Voice(None, _lines(before), tagged=False)
    for name, said in zip(parts[::2], parts[1::2], strict=True):
        yield Voice(plain(name) or None if name else None, _lines(said), tagged=True)


def plain(text: str) -> str:
    """Takes out tags and invisible marks, and reads entities."""
    untagged = _TAG.sub("", text)
    return _INVISIBLE.sub("", _ENTITY.sub(lambda entity: html.unescape(entity[0]), untagged))


def has_words(text: str) -> bool:
    """Whether there is a letter or digit in it."""
    return any(map(str.isalnum, text))


def _lines(text: str) -> tuple[str, ...]:
    marked = _CHEVRONS.sub("\n>>", plain(text))
    lines = _MUSIC.sub(" ", _SOUND.sub(_silence, marked)).split("\n")
    return tuple(stripped for line in lines if (stripped := _without_stray_colon(line)))


def _silence(sound: re.Match[str]) -> str:
    """What remains of a description: nothing, or the name of who speaks after a turn mark."""
    said = sound.string
    line = said[said.rfind("\n", 0, sound.start()) + 1 : sound.start()].strip()
    if line in _TURN_MARKS and speakers.split_aside(sound[0])[0]:
        return sound[0]
    return "\n" if "\n" in sound[0] else " "


_TURN_MARKS = frozenset((">>", "-", "–", "—"))


def _without_stray_colon(line: str) -> str:
    """`(laughing): I know` has lost its description, and with it the use of its colon."""
    return " ".join(line.split()).removeprefix(":").strip()
