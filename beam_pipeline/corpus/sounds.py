"""What is heard in a cue and not said: descriptions in brackets of all kinds, and what is sung."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

NOTES: Final = "♩♪♫♬¶🎵🎶"
"""Signs that what stands between them is sung; `¶` is what became of a note in some encodings."""

MAX_SONG_CUES: Final = 8
MAX_SONG_GAP_MS: Final = 5_000
"""A song may have that many cues between the note that opens it and the one that closes it, none
after a longer silence, and none that ends as sentences do."""

_TURN = r"\n\s*(?:>>|[-‐−–—]\s)"
# From a note of music to the next one, but not over a mark of a new turn; else to the line's end.
# A line that only ends in a note is sung unless a sentence ends before it. `#` and `*` with space
# around them are notes as well: `#1` and `*sighs*` are not.
_SUNG = re.compile(
    rf"[{NOTES}]+(?:(?!{_TURN})[^{NOTES}])+[{NOTES}]+|[{NOTES}][^\n]*"
    rf"|^[^\n{NOTES}]*[^\n{NOTES}.?!…\s][ \t]*[{NOTES}]+[ \t]*$"
    rf"|^\W*#[ \t]+(?=[\"'“‘(]?[^\W\d])(?:(?!{_TURN})[^#])*#?[ \t]*$"
    rf"|(?<=\s)#[ \t][^#\n]*[ \t]#[ \t]*$"
    rf"|^[ \t]*\*[ \t](?=[^\W\d])(?:(?!{_TURN})[^*])*[ \t]\*[ \t]*$"
    rf"|^[ \t]*[~～](?:(?!{_TURN})[^~～])+[~～][ \t]*$",
    re.MULTILINE,
)
_OPENS = re.compile(rf"[^\w{NOTES}#*]*(?:[{NOTES}]|[#*]\s)")
_CLOSES = re.compile(rf"(?:[{NOTES}]|\s[#*])\s*$")
_ANY_NOTE = re.compile(rf"[{NOTES}#]")
_NOTE = re.compile(rf"[{NOTES}]+|(?<!\S)[#*](?!\S)")
_MARKED = re.compile(r"\s*(?:>>|[-‐−–—•])", re.MULTILINE)

_WIDE = str.maketrans("（）［］【】〔〕｛｝", "()[][][]{}")
_STARRED = re.compile(r"\*(?![\s*])([^*\n]{1,60})(?<!\s)\*")
_SENTENCE_END = re.compile(r"(?:^|[.?!…:♪>-])[\"'”’)\]]*\s*$")
_IS_DONE = re.compile(r"(?:s|ing|ed)(?:\s|$)")
_GOES_ON = re.compile(r"\s*(?:[a-z,]|['’]\w)")

# British captions have what is heard in capitals without brackets: `HE LAUGHS`, `PHONE RINGING`.
_HEARD_WORDS = (
    "applause barks bangs beeps cheers chuckles clatters coughs crackles cries creaks exhales "
    "explosion gasps giggles groans grunts growls gunfire gunshot gunshots howls inhales knocks "
    "laughs laughter moans neighs panting rings roars rumbles screams screeches shouts shrieks "
    "sighs slams sniffles sniffs snores sobs splutters squeals stutters sings wails whimpers "
    "whispers whistles whoops yells"
)
_HEARD = frozenset(_HEARD_WORDS.split())
_GOING_ON = re.compile(
    r"(?:.* )?(?:ALARM|AUDIENCE|BABY|BELLS?|BIRDS?|CHILDREN|CROWD|DOGS?|DOORBELL|DOOR|ENGINE|GUNS?|"
    r"HORNS?|HORSES?|MUSIC|PEOPLE|PHONE|RADIO|SIRENS?|TELEPHONE|THUNDER|TRAIN|TV|WATER|WIND) "
    r"(?:[A-Z]+ING|PLAYS)(?: [A-Z]+LY)?"
)
MAX_HEARD_WORDS: Final = 6

HEARD_ALONE: Final = frozenset(
    ("Applause", "Chuckles", "Coughs", "Gasps", "Laughs", "Laughter", "Sighs")
)
"""What is heard where it is all of a line, without any mark."""


def is_heard(line: str) -> bool:
    """Whether a line in capitals, where others are not, tells what is heard and says nothing.

    It has no mark of a sentence, and ends in a sound of a closed list, or tells of a thing what it
    is doing.
    """
    if not line.isupper() or line[-1:] in ".?!,-":
        return False
    words = line.split()
    listed = words[-1].casefold() in _HEARD and len(words) <= MAX_HEARD_WORDS
    return listed or _GOING_ON.fullmatch(line) is not None


def has_notes(text: str) -> bool:
    """Whether something in a text may be a note of music."""
    notes = "#" in text if text.isascii() else _ANY_NOTE.search(text) is not None
    return notes or " *" in text or "* " in text


def without_songs(text: str) -> str:
    """A cue's text with as many lines, but without what is sung."""
    if "*" not in text and "~" not in text and "～" not in text and not has_notes(text):
        return text
    return _SUNG.sub(lambda found: "\n" * found[0].count("\n"), text)


def with_plain_brackets(text: str) -> str:
    """A cue's text with `(sighs)` in place of `（sighs）` and `*sighs*`.

    What is emphasised, as in `I *did* say so`, loses its asterisks alone.
    """
    if "*" in text:
        text = _STARRED.sub(_bracketed, text)
    return text if text.isascii() else text.translate(_WIDE)


def _bracketed(starred: re.Match[str]) -> str:
    before, after = starred.string[: starred.start()], starred.string[starred.end() :]
    goes_on = _GOES_ON.match(after) is not None
    if _SENTENCE_END.search(before.rpartition("\n")[2]):
        is_sound = starred[1][0].islower() or not goes_on
    else:
        is_sound = not after.partition("\n")[0].strip() and _IS_DONE.search(starred[1]) is not None
    return f"({starred[1]})" if is_sound else starred[1]


def sung_over(texts: Sequence[str], times: Sequence[tuple[int, int]]) -> Iterator[int]:
    """Which cues are within a song that a note opens in one cue and closes in a later one.

    Args:
      texts: of the cues, without markup.
      times: of the cues in ms, start and end, in order.
    """
    notes = [len(_NOTE.findall(text)) for text in texts]
    at = 0
    while at < len(texts):
        opens = notes[at] == 1 and _OPENS.match(texts[at]) and not _CLOSES.search(texts[at])
        last = _last_of_song(texts, times, notes, at) if opens else at
        yield from range(at, last + 1) if last > at else ()
        at = last + 1


def _last_of_song(
    texts: Sequence[str], times: Sequence[tuple[int, int]], notes: Sequence[int], at: int
) -> int:
    """The cue that closes the song which a cue opens; that one if none does."""
    for later in range(at + 1, min(at + 2 + MAX_SONG_CUES, len(texts))):
        text = texts[later]
        if times[later][0] - times[later - 1][1] > MAX_SONG_GAP_MS or _MARKED.match(text):
            return at
        if notes[later]:
            closes = notes[later] == 1 and _CLOSES.search(text) and not _OPENS.match(text)
            return later if closes else at
        if text.rstrip().endswith("."):
            return at
    return at
