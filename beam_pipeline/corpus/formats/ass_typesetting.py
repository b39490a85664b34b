r"""Which events of an ASS file nobody says: signs, and songs with their karaoke.

Those who make subtitles tell them apart by style (`Signs`, `OP-Romaji`), by effect (`fx`) and by
karaoke tags (`{\k20}`). What they tell nowhere shows in how an event is set: most of a style's
events stand at a place of their own, or are shown for a frame each.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from beam_pipeline.corpus.formats.cue_builder import Silent
from beam_pipeline.corpus.speaker_kinds import speaker_kind
from beam_pipeline.records import SpeakerKind

MAX_FRAMES_MS: Final = 120
"""What is shown for less is a frame of something that moves; the shortest words take as long."""

MIN_SET_SHARE: Final = 0.5
"""A style is for signs if this share of its events is set as those are."""

_SONGS_WORDS = (
    "ed ending fx hiragana insert kana kanji kara karaoke lyric lyrics op opening romaji song songs"
)
_SONGS = frozenset(_SONGS_WORDS.split())
_SIGNS_WORDS = (
    "credit credits eyecatch logo note notes onscreen sign signs staff title titles tl tln ts "
    "typeset typesetting"
)
_SIGNS = frozenset(_SIGNS_WORDS.split())
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_KARAOKE = re.compile(r"\\(?:[kK]|k[fot])\s*\d")
_PLACED = re.compile(r"\\(?:pos|move|i?clip|org|fr[xyz]?-?\d|fa[xy]-?\d)")
_SONG_EFFECT = re.compile(r"\s*(?:fx|kara(?:oke)?|lyrics?|songs?|template|code)\b", re.IGNORECASE)
_SIGN_EFFECT = re.compile(
    r"\s*(?:banner|credits?|logo|scroll (?:up|down)|signs?|titles?|ts|typeset(?:ting)?)\b",
    re.IGNORECASE,
)
_BLOCK = re.compile(r"\{[^{}]*\}")


@dataclasses.dataclass(frozen=True)
class Event:
    """A line `Dialogue:` whose fields could be read.

    Attributes:
      start_ms, end_ms: when it is shown, None for what cannot be read.
      style, name, effect, text: as they stand in the file.
      repaired: whether a time is not as the file has it.
    """

    start_ms: int | None
    end_ms: int | None
    style: str
    name: str
    effect: str
    text: str
    repaired: bool = False

    @property
    def flickers(self) -> bool:
        """Whether it is shown for some frames alone; what is not timed yet has no length."""
        if self.start_ms is None or self.end_ms is None:
            return False
        return 0 < self.end_ms - self.start_ms <= MAX_FRAMES_MS


def silent_kinds(events: Sequence[Event]) -> list[Silent | None]:
    """What each event is if nobody says it: a sign or a song; None for all others."""
    styles: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        styles[event.style].append(event)
    told = {style: _kind_of_style(style) for style in styles}
    rest = {style: members for style, members in styles.items() if told[style] is None}
    told |= dict.fromkeys(_set_as_signs(rest), Silent.SIGN)
    return [told[event.style] or _kind_of_event(event) for event in events]


def _kind_of_style(style: str) -> Silent | None:
    """What the words of a style's name tell: `ED2`, `OP-Romaji`, `SignsTop`."""
    words = {word.lower() for word in _WORD.findall(style)}
    # `Ed` alone is somebody
    if words & _SONGS and style.strip() != "Ed":
        return Silent.SONG
    return Silent.SIGN if words & _SIGNS else None


def _kind_of_event(event: Event) -> Silent | None:
    if _SONG_EFFECT.match(event.effect) or _KARAOKE.search(event.text):
        return Silent.SONG
    flickers = event.flickers and _PLACED.search(event.text)
    return Silent.SIGN if flickers or _SIGN_EFFECT.match(event.effect) else None


def _set_as_signs(styles: dict[str, list[Event]]) -> Iterable[str]:
    """The styles whose events are mostly set as signs.

    Some converters place every line of a file: if more texts stand at places of their own than do
    not, a place tells nothing.
    """
    placed = {style for style, members in styles.items() if _most(map(_is_placed, members))}
    texts = {style: len({*map(_words, members)}) for style, members in styles.items()}
    if 2 * sum(texts[style] for style in placed) > sum(texts.values()):
        placed = set()
    return placed | {style for style, members in styles.items() if _most(map(_is_set, members))}


def _most(found: Iterable[bool]) -> bool:
    values = [*found]
    return sum(values) >= MIN_SET_SHARE * len(values)


def _is_placed(event: Event) -> bool:
    return bool(_PLACED.search(event.text)) or _is_set(event)


def _is_set(event: Event) -> bool:
    """Whether it is shown for some frames alone, or its name says that nobody speaks."""
    if event.flickers:
        return True
    return bool(event.name) and speaker_kind(event.name) is SpeakerKind.NO_SPEECH


def _words(event: Event) -> str:
    return _BLOCK.sub("", event.text)
