"""How a line of subtitles begins: marks of a new turn, and the names before what is said.

A form that is rarely anything else is a name wherever it stands; any other form is one only if
the file uses it as one, which a pass over all its lines finds out first.
"""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from beam_pipeline.corpus import speaker_kinds
from beam_pipeline.corpus.names import canonical
from beam_pipeline.corpus.notices import capitals_stand_out, is_notice
from beam_pipeline.corpus.sounds import HEARD_ALONE, is_heard

MIN_USES: Final = 3
"""A doubtful label is a name if the file has it this often: `Next vote:` comes once or twice."""

MIN_ASIDES: Final = 2
"""The same for a name in parentheses that nothing marks: a sound is written otherwise."""

LABELLED_SHARE: Final = 0.6
"""If that share of the lines that begin a sentence has a label, once is enough: the captions of a
meeting label every cue, also that of somebody who speaks in one alone."""


class SpeakerLabel(NamedTuple):
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


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The names that a file uses as labels.

    Attributes:
      labels: before a colon, in the form in which names are compared.
      asides: the same in parentheses or brackets.
      capitals: whether a label in capitals stands out from what is said.
    """

    labels: Collection[str] = frozenset()
    asides: Collection[str] = frozenset()
    capitals: bool = True

    def knows_label(self, label: str) -> bool:
        """Whether a label that is not plain by its form is a name in this file."""
        return canonical(label) in self.labels

    def knows_aside(self, aside: str) -> bool:
        """The same for a name in parentheses, whole or by its last word: `(Jeff Probst)`."""
        forms = (name := canonical(aside)), name.rpartition(" ")[2]
        return any(known in self.asides or known in self.labels for known in forms)


_MARK = re.compile(r"\s*(?:(>{2,})|-(?=\s|$))\s*")
# `SPEAKER_00: `, `[Speaker 1] `, `SPEAKER_01|`, `S1: `: behind brackets no colon is needed, nor
# behind an underscore, which no word has.
_DIARISED = re.compile(
    rf"(?:[\[(]\s*(?P<within>{speaker_kinds.DIARISED}|s\d{{1,2}})\s*[\])]\s*[:：|]?|"
    rf"(?P<name>{speaker_kinds.DIARISED}|s\d{{1,2}})\s*(?:[:：](?=\s|$|[^\x00-\x7f])|\|)|"
    r"(?P<bare>speaker_\d{1,3})(?=\s)(?:\s+-(?=\s))?)\s*",
    re.IGNORECASE,
)
# `>> COLBY Big bucks`, `>> COLBY; Big bucks`: who types captions at times slips beside the colon.
_SLIP = re.compile(r"([^\W\d_a-z]{2,}(?: [^\W\d_a-z]\.)?);?\s+(?=[^\W\d_a-z]?[^\W\d_A-Z])")
_MAX_LABEL_CHARS = 40
_BRACKETS = frozenset("([")
_MAX_LABEL_WORDS = 4
_LABEL_WORD = re.compile(r"(?:Mc|Mac|[A-Z]')?[^\W_]+(?:['’./-]+[^\W_]+)*[.,']*|#\d+|&")
_MIXED_CASE = re.compile(r"(?:Mc|Mac)(?=[^\W\d_a-z])")
_ASIDE = re.compile(r"[(\[]\s*([^()\[\]\n]{2,40}?)\s*[)\]]\s*(:?)\s*")
_SOUND = re.compile(
    r".*(?:ing|s|ed|[Ll]aughter)$|applause|beep|bleep|chatter|cough|gasp|groan|laugh|music|quietly|"
    r"scream|sigh|silence|sob",
    re.I,
)
_NOT_UNDERSTOOD = frozenset(
    ("crosstalk", "foreign", "garbled", "inaudible", "indistinct", "music", "noise", "pause",
     "silence", "unintelligible")
)  # fmt: skip
# What a person does in place of speaking, or while: `LAUGHS: Yes.` names nobody.
_SOUND_LABELS_WORDS = (
    "applause breathes chants chanting cheering chuckles chuckling clears coughs crying gasps "
    "giggles giggling groans grunting grunts hums humming laughs laughing laughter moans mumbles "
    "music mutters panting screams screaming shouts shouting sighs sighing sings singing sniffles "
    "sniffs sobbing sobs speaking stammers stutters whispers whispering whistles yawns yelling "
    "yells"
)
_SOUND_LABELS = frozenset(_SOUND_LABELS_WORDS.split())
# Japanese and Chinese captions have names in brackets, and sounds: of a voice, a laugh, a door.
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff々・\s]{1,12}")
_SOUND_IDEOGRAPHS = re.compile(r"[音声聲笑泣息鳴鸣叫咳歓欢悲響响拍曲歌哭嘆叹]")
# Words of no name, which stand before a colon in capitals or at the start of a sentence.
_NO_NAME_WORDS = (
    "a about again also and any are as at be but by can correct did do does first for from get "
    "had has have here here's how i if in into is it it's its just last let let's like my next no "
    "not now number of off okay on one only or our out over question remember second so still "
    "that that's the their then there there's these they third this those time to today true two "
    "vote warning was we well were what what's when where which who why will winner with yes you "
    "your"
)
_NO_NAME = frozenset(_NO_NAME_WORDS.split())


def split_label(line: str, vocabulary: Vocabulary) -> SpeakerLabel:
    """Takes turn mark and speaker's label off a line such as `- JEFF PROBST: Come on in`.

    A label is of at most four words and ends in a colon with space or nothing after it. In
    capitals (`McGEE` too) it is a name, unless all is in capitals; else it is one if the
    vocabulary has it. So is a name in parentheses, `(Probst) Come in.`; any other description is
    left out. What diarisers call speakers is always a label.
    """
    mark, rest = _split_mark(line)
    if (rest.isupper() and vocabulary.capitals and is_heard(rest)) or rest in HEARD_ALONE:
        return SpeakerLabel(mark, None, "")
    if mark == ">>" and (slip := _SLIP.match(rest)) and vocabulary.knows_label(slip[1]):
        return SpeakerLabel(mark, slip[1], rest[slip.end() :].strip())
    if not _may_be_labelled(rest):
        return SpeakerLabel(mark, None, rest.strip())
    if diarised := _DIARISED.match(rest):
        name = diarised["within"] or diarised["name"] or diarised["bare"]
        return SpeakerLabel(mark, name, rest[diarised.end() :].strip())
    if aside := _ASIDE.match(rest):
        is_voice = _is_voice(aside, bool(mark), vocabulary)
        return SpeakerLabel(mark, aside[1] if is_voice else None, rest[aside.end() :].strip())
    label, speech = _split_colon(rest)
    if label and _is_sound(label):
        return SpeakerLabel(mark, None, speech.strip())
    if label and _in_capitals(label) and is_notice(label, speech):
        return SpeakerLabel(mark, None, rest.strip())
    if label and (_is_capitals(label, mark, vocabulary) or vocabulary.knows_label(label)):
        return SpeakerLabel(mark, label, speech.strip())
    return SpeakerLabel(mark, None, rest.strip())


def is_aside(text: str) -> bool:
    """Whether a description in brackets may be a name, to judge by its form alone."""
    if _DIARISED.match(text):
        return True
    aside = _ASIDE.match(text)
    return aside is not None and (_resembles_name(aside[1]) or _is_label_aside(aside))


def learn(lines: Iterable[str], min_uses: int = MIN_USES) -> Vocabulary:
    """The vocabulary of a file.

    Args:
      lines: its words, line by line, in order.
      min_uses: how often a label is used that is a name.
    """
    labels: collections.Counter[str] = collections.Counter()
    asides: collections.Counter[str] = collections.Counter()
    plain: set[str] = set()
    spoken: list[str] = []
    begun, finished = 0, True
    for line in lines:
        mark, rest = _split_mark(line)
        aside, label, speech = None, None, rest
        if _may_be_labelled(rest):
            if diarised := _DIARISED.match(rest):
                rest = rest[diarised.end() :]
            aside = _ASIDE.match(rest)
            label, speech = (None, rest[aside.end() :]) if aside else _split_colon(rest)
        begins = bool(mark) or finished
        begun += begins and bool(rest)
        if aside and _resembles_name(aside[1]):
            asides[canonical(aside[1])] += 1
        elif label is not None and begins and _may_name(label, speech):
            labels[canonical(label)] += 1
            if _in_capitals(label) or speaker_kinds.is_common(label):
                plain.add(canonical(label))
        else:
            speech = rest
        spoken.append(speech)
        finished = speech.rstrip("\"'”’)]")[-1:] in ".?!…-" if speech else True
    apart = capitals_stand_out(spoken)
    if labels.total() > 1 and labels.total() >= LABELLED_SHARE * begun:
        min_uses = 1
    often = {label for label, count in labels.items() if count >= min_uses}
    named = {aside for aside, count in asides.items() if count >= MIN_ASIDES}
    return Vocabulary(frozenset(often | plain if apart else often), frozenset(named), apart)


def _may_name(label: str, speech: str) -> bool:
    """Whether a label may be a name, to judge by its form alone."""
    if _is_sound(label) or (_in_capitals(label) and is_notice(label, speech)):
        return False
    return _resembles_label(label) or speaker_kinds.is_common(label)


def _may_be_labelled(line: str) -> bool:
    """Whether a line has what every label has; most lines have not, and need no closer look."""
    head = line[:_MAX_LABEL_CHARS]
    return line[:1] in _BRACKETS or ":" in head or "|" in head or "_" in head or "：" in head


def _split_mark(line: str) -> tuple[str, str]:
    if line[:1].isalnum():
        return "", line.strip()
    marked = _MARK.match(line)
    if not marked:
        return "", line.strip()
    return (">>" if marked[1] else "-"), line[marked.end() :]


def _split_colon(text: str) -> tuple[str | None, str]:
    colon = text.find(":", 0, _MAX_LABEL_CHARS)
    label, speech = text[: max(colon, 0)].strip(), text[colon + 1 :].removeprefix(":")
    if colon < 0 or not _is_label(label) or speech[:1].strip():
        return None, text
    return label, speech


def _is_voice(aside: re.Match[str], marked: bool, vocabulary: Vocabulary) -> bool:
    if _is_label_aside(aside):
        return True
    if not _resembles_name(aside[1]):
        return False
    return marked or speaker_kinds.is_common(aside[1]) or vocabulary.knows_aside(aside[1])


def _is_label_aside(aside: re.Match[str]) -> bool:
    """`(MASTER): ` is a label as `MASTER: ` is; `(LAUGHING): ` and `(ON TV): ` are none."""
    words = aside[1].split()
    sounds = any(_SOUND.fullmatch(word) for word in words) or _is_sound(aside[1])
    return bool(aside[2]) and aside[1].isupper() and _resembles_label(aside[1]) and not sounds


def _is_sound(label: str) -> bool:
    return label.isupper() and label.split()[0].casefold() in _SOUND_LABELS


def _resembles_name(aside: str) -> bool:
    """`Probst`, `Jeff Probst`, `all`, `man 2`; not `Laughs`, `door slams`."""
    # what was not understood is noted with its time: `[inaudible 00:01:02]`
    if ":" in aside or aside.split()[0].casefold() in _NOT_UNDERSTOOD:
        return False
    if speaker_kinds.is_common(aside):
        return True
    if _IDEOGRAPHS.fullmatch(aside):
        return not _SOUND_IDEOGRAPHS.search(aside)
    words = aside.split()
    named = all(word[:1].isupper() and not _SOUND.fullmatch(word) for word in words)
    # Sounds are in capitals more often than names are.
    return named and len(words) <= 3 and not (aside.isupper() and len(aside) > 3)


def _is_capitals(label: str, mark: str, vocabulary: Vocabulary) -> bool:
    if not _in_capitals(label):
        return False
    return vocabulary.capitals or (bool(mark) and _resembles_label(label))


def _in_capitals(label: str) -> bool:
    capitals = _MIXED_CASE.sub("", label)
    return capitals == capitals.upper()


def _resembles_label(label: str) -> bool:
    """Whether each word may be one of a name, to judge by its first letter and by itself."""
    words = label.split()
    titled = all(not word[:1].islower() or word == "of" for word in words)
    return titled and not any(word.casefold().strip(".,'") in _NO_NAME for word in words)


def _is_label(label: str) -> bool:
    words = label.split()
    # A single letter is the choice of a quiz or a line of a list more often than a name.
    letters = sum(map(str.isalpha, label))
    fits = 0 < len(words) <= _MAX_LABEL_WORDS and letters > 1
    return fits and all(map(_LABEL_WORD.fullmatch, words))
