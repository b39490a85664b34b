"""Who speaks: names -> ids and kinds, and the names that stand before a line.

Conservative on purpose: a name that is missed costs a speaker some history, a word that is taken
for a name gives somebody a history that is not theirs.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from beam_pipeline.records import SpeakerKind, SpeakerSource


@dataclasses.dataclass(frozen=True)
class Speaker:
    """Who says an utterance.

    Attributes:
      id: 16 hex digits; None unless `kind` is named.
      name: as the source has it; None where it has none.
      kind: what is known.
      source: where the name was found.
    """

    id: str | None
    name: str | None
    kind: SpeakerKind
    source: SpeakerSource


NOBODY: Final = Speaker(None, None, SpeakerKind.UNKNOWN, SpeakerSource.NONE)
"""The speaker of whom nothing is known."""

_SEVERAL = frozenset(("all", "#all#", "both", "crowd", "everybody", "everyone", "group", "others"))
_SEVERAL_JOINT = re.compile(r"\s(?:and|&)\s|,\s(?![js]r\b)|/")
_PERSONS = (
    "announcer boy child female girl guy kid lady male man men boys children girls kids narrator "
    "people person reporter stranger voice voices woman women"
)
_ANYBODY = frozenset(
    (*_PERSONS.split(), "female voice", "male voice", "man's voice", "woman's voice")
)
_NUMBERED = re.compile(r"\D\s*#?\d+$")


def normalise(name: str) -> str:
    """The form in which names are compared: compatible characters, case and space made one."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())


def speaker_id(namespace: str, name: str) -> str:
    """The stable id of a named speaker: 16 hex digits, the same in every run.

    Args:
      namespace: the show within which the name is one person.
      name: in any case and spacing.
    """
    # The unit separator is white space to `normalise`, so no name can contain it.
    key = f"{normalise(namespace)}\x1f{normalise(name)}"
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]


@functools.lru_cache(maxsize=2**14)
def identify(namespace: str, name: str | None, source: SpeakerSource) -> Speaker:
    """The speaker a name stands for.

    `ALL` or `Ross and Rachel` are several; `MAN` or `Nurse #2` is somebody else in every
    episode, hence unknown; both keep their name and have no id.
    """
    shown = " ".join((name or "").split())
    if not shown:
        return NOBODY
    kind = speaker_kind(shown)
    named = kind is SpeakerKind.NAMED
    return Speaker(speaker_id(namespace, shown) if named else None, shown, kind, source)


def identify_together(namespace: str, names: Sequence[str], source: SpeakerSource) -> Speaker:
    """The speaker of an utterance with a list of names: none, one, or several at once."""
    shown = [" ".join(name.split()) for name in names if name.strip()]
    if len(shown) < 2:
        return identify(namespace, shown[0] if shown else None, source)
    return Speaker(None, ", ".join(shown), SpeakerKind.SEVERAL, source)


def speaker_kind(name: str) -> SpeakerKind:
    """Whether a name stands for one person of the show, for several, or for just anybody."""
    folded = normalise(name)
    if folded in _SEVERAL or _SEVERAL_JOINT.search(folded):
        return SpeakerKind.SEVERAL
    if folded in _ANYBODY or _NUMBERED.search(folded):
        return SpeakerKind.UNKNOWN
    return SpeakerKind.NAMED


@dataclasses.dataclass(frozen=True)
class Opening:
    """How a line of subtitles begins.

    Attributes:
      mark: `>>` or `-` where it is marked as a new turn, else empty.
      name: the speaker's name, None without label.
      rest: what is said.
    """

    mark: str
    name: str | None
    rest: str

    @property
    def starts_turn(self) -> bool:
        """Whether somebody begins to speak here."""
        return bool(self.mark) or self.name is not None


_MARK = re.compile(r"\s*(?:(>{2,})|([-–—](?=\s)|-(?=[^\W\d_a-z])))\s*")
_MAX_LABEL_CHARS = 40
_MAX_LABEL_WORDS = 4
_LABEL_WORD = re.compile(r"(?:Mc|Mac|[A-Z]')?[^\W_]+(?:['’.-]+[^\W_]+)*[.,']*|#\d+|&")
_MIXED_CASE = re.compile(r"(?:Mc|Mac)(?=[^\W\d_a-z])")
_ASIDE = re.compile(r"[(]\s*([^()\[\]\n]{2,40}?)\s*[)]\s*:?\s*")
_ASIDE_WORD = re.compile(r"[A-Z][^\W\d_A-Z]+(?:[A-Z][^\W\d_]+)?\.?")
_ASIDE_SOUND = re.compile(r".*(?:ing|s|ed)$|.*[Ll]aughter|Applause|Music|Silence|Bleep|Quietly")


def split_label(line: str) -> Opening:
    """Takes turn mark and speaker's label off a line such as `- JEFF PROBST: Come on in`.

    A label is in capitals (`McGEE` too), of at most four words, and ends in a colon with space or
    nothing after it. After a mark a name can also stand in parentheses: `- (Probst) Come in.`
    """
    marked = _MARK.match(line)
    mark = (">>" if marked[1] else "-") if marked else ""
    rest = line[marked.end() :] if marked else line.strip()
    name, said = split_aside(rest) if mark else (None, rest)
    if name is None:
        name, said = _split_capitals(rest)
    return Opening(mark, name, said.strip())


def split_aside(text: str) -> tuple[str | None, str]:
    """A name in parentheses before what is said; no sound: `(Probst)`, not `(Laughs)`."""
    aside = _ASIDE.match(text)
    words = aside[1].split() if aside else []
    if aside is None or not words or len(words) > 3 or not all(map(_is_aside_name, words)):
        return None, text
    return aside[1], text[aside.end() :]


def _is_aside_name(word: str) -> bool:
    return bool(_ASIDE_WORD.fullmatch(word)) and not _ASIDE_SOUND.fullmatch(word)


def _split_capitals(text: str) -> tuple[str | None, str]:
    colon = text.find(":", 0, _MAX_LABEL_CHARS)
    label, said = text[: max(colon, 0)].strip(), text[colon + 1 :]
    if colon < 0 or not _is_label(label) or said[:1].strip():
        return None, text
    return label, said


def _is_label(label: str) -> bool:
    words = label.split()
    # A single letter is the choice of a quiz or a line of a list more often than a name.
    letters = sum(map(str.isalpha, label))
    return 0 < len(words) <= _MAX_LABEL_WORDS and letters > 1 and all(map(_is_label_word, words))


def _is_label_word(word: str) -> bool:
    capitals = _MIXED_CASE.sub("", word)
    return bool(_LABEL_WORD.fullmatch(word)) and capitals == capitals.upper()
