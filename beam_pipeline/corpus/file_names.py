"""A file's name, without its folders -> language, flags, and what it says of an episode.

Two readers: our own forms, which are rarely anything but an episode, and guessit for all further
ones. What guessit finds is kept only where the name has no date and no id of a video in it, and
where its number stands behind the title: the title that stands behind a number is an episode's.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Sequence
from typing import Any, Final

from guessit import guessit
from guessit.api import GuessitException

from beam_pipeline.corpus.languages import language_of_code, language_of_word

_MAX_EPISODES = 10
_MAX_GUESSED_CHARS = 255
_FLAGS = {name: name for name in ("cc", "default", "forced", "hi", "sdh")} | {"foreign": "forced"}
# What stands next to the language in the name of a track.
_OF_TRACKS_WORDS = (
    "american brazilian canadian castilian european latin simplified track traditional"
)
_OF_TRACKS = frozenset(_OF_TRACKS_WORDS.split())
_NO_SHOW_WORDS = (
    "captions chapter ep episode part season series sub subs subtitle subtitles transcript"
)
_NO_SHOW = frozenset(_NO_SHOW_WORDS.split())

_SEASON_WORD = r"(?:s(?:eason|eries)?|staffel|saison|temporada|stagione)"
_EPISODE_WORD = r"(?:e(?:p(?:isode)?\.?)?|folge|[ée]pisode|cap[ií]tulo|episodio)"
_NUMBERED = re.compile(
    rf"(?<![^\W_])(?:{_SEASON_WORD}\s*(?P<season>\d{{1,4}})[\s._,-]*"
    rf"{_EPISODE_WORD}\s*(?P<first>\d{{1,4}})"
    r"(?P<more>(?:[\s._]?-?[\s._]?e\d{1,4})+|-\d{1,3}(?![^\W_]))?"
    r"|(?P<season_x>\d{1,2})x(?P<first_x>\d{2,3})"
    r"(?P<more_x>(?:-(?:\d{1,2}x)?\d{2,3})(?![^\W_]))?"
    r"|s(?P<season_dash>\d{1,2})\s+-\s+(?P<first_dash>\d{2,4})"
    r")(?!\d|x)(?:[\s._-]*(?:part|pt|cd|dis[ck])[\s._-]?(?P<part>\d)(?![^\W_]))?",
    re.IGNORECASE,
)
# `01 - Arrival`, `012_the_fog`, `Episode 3: Home`, `12`: a number, then the episode's own title.
_LEADING = re.compile(
    r"[\s#(\[]*(?P<word>(?:episode|ep|e|chapter|part|lesson|lecture|track|folge|[ée]pisode|"
    r"cap[ií]tulo|no)?[\s._#-]*)(?P<number>\d{1,4})(?P<after>[)\]]|v\d)?"
    r"(?P<gap>$|\s*[-–—:][\s_]|[.]\s|_|\s)(?!\d)",
    re.IGNORECASE,
)
# `12.5` stands between two episodes, and is none of them.
_BETWEEN = re.compile(r"\s-\s\d{1,4}\.\d(?!\d)")
_SITE = re.compile(r"\.(?:C|NC)\.(?:orig|updated)\.Addic7ed\.com$", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"[\s._-]*[\[(](\w{2,7})[\])]$")
_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d([-._ ]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?!\d)")
# `Title [a1B2c3D4e5F]`, as downloaders of videos name files.
_VIDEO_ID = re.compile(r"\s*\[[\w-]{11}\]$")
_HASH = re.compile(r"[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_BRACKETED = re.compile(r"\[[^\[\]]*\]|\{[^{}]*\}")
_RELEASE = re.compile(
    r"(?<![^\W_])(?:\d{3,4}[pi]|4k|web(?:-?dl|-?rip)?|blu-?ray|b[dr]-?rip|dvd-?rip|[hp]dtv|hdrip|"
    r"[xh]\.?26[45]|hevc|complete|remux|seasons?\s*\d+\s*-\s*\d+|s\d+\s*-\s*s?\d+)(?![^\W_])",
    re.IGNORECASE,
)
_NTH_SEASON = re.compile(r"\s+(\d)(?:st|nd|rd|th)\s+Season$", re.IGNORECASE)
_YEAR_AT_END = re.compile(r"[\s._]+\(?((?:19|20)\d\d)\)?$")


@dataclasses.dataclass(frozen=True)
class Track:
    """A name without what tells tracks of one episode apart.

    Attributes:
      stem: what remains; empty where the name is no more than a track's, `2_English`.
      language: BCP 47 tag.
      flags: as in `Episode`.
    """

    stem: str
    language: str | None
    flags: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Numbers:
    """What a name says of an episode.

    Attributes:
      show: empty where it says none.
      season, number: None where it says none.
      last: the number of the last episode of several in one file.
      part: of an episode in several files.
      sure: whether the form is one that is rarely anything but season and episode.
    """

    show: str = ""
    season: int | None = None
    number: int | None = None
    last: int | None = None
    part: int | None = None
    sure: bool = False


def split_track(stem: str) -> Track:
    """Takes language and flags off a name, in any order: `pilot.en.sdh`, `pilot.forced.pt-BR`.

    `hi` after a language means the hard of hearing, and by itself Hindi, as media servers have it.
    """
    name, language, flags = _with_dots(stem), None, set[str]()
    while True:
        head, _, suffix = name.rpartition(".")
        # the title of an episode may end in a language, but not before a flag
        named = name != stem and _NUMBERED.search(head) and suffix.lower() not in _FLAGS
        code = (language_of_word if named else language_of_code)(suffix) if not language else None
        if head and suffix.lower() in _FLAGS:
            flags.add(_FLAGS[suffix.lower()])
        elif head and code:
            language = code
        else:
            break
        name = head
    found = _NUMBERED.search(name)
    words = [word for word in re.split(r"[\W_]+", name[found.end() if found else 0 :]) if word]
    if words and all(map(_is_of_track, words)):
        flags.update(_FLAGS[word.lower()] for word in words if word.lower() in _FLAGS)
        spoken = filter(None, map(_language_word, words))
        language = language or next(spoken, None)
        # `2_English` is a track's name, `12` an episode's
        if flags or language:
            name = name[: found.end()] if found else ""
    if language is None and "hi" in flags:
        flags.remove("hi")
        language = "hi"
    return Track(name, language, tuple(sorted(flags)))


def _with_dots(stem: str) -> str:
    """`pilot.en.cc` of `pilot.en[cc]`, without what a site adds: `.C.orig.Addic7ed.com`."""
    name = _SITE.sub("", stem)
    while found := _IN_BRACKETS.search(name):
        known = found[1].lower() in _FLAGS or ("[" in found[0] and language_of_code(found[1]))
        if not known:
            break
        name = f"{name[: found.start()]}.{found[1]}"
    return name


def numbered(stem: str) -> Numbers | None:
    """Season and episode in the forms `S01E02`, `1x02` and `Season 1 Episode 2`."""
    found = _NUMBERED.search(stem)
    if not found:
        return None
    season = found["season"] or found["season_x"] or found["season_dash"]
    first = found["first"] or found["first_x"] or found["first_dash"]
    more = re.findall(r"\d+", found["more"] or found["more_x"] or "")
    part = int(found["part"]) if found["part"] else None
    show = title(stem[: found.start()])
    return Numbers(show, int(season), int(first), _last(int(first), more), part, sure=True)


def guessed(stem: str, season: int | None) -> Numbers | None:
    """What a name without such a form says: a number before the episode's title, or by guessit.

    Args:
      stem: of a name.
      season: that its folder says. In a season's folder `105` is its fifth episode.
    """
    if has_date(stem) or _HASH.fullmatch(stem):
        return None
    if between := _BETWEEN.search(stem):
        return Numbers(show=title(stem[: between.start()]))
    plain = _VIDEO_ID.sub("", stem)
    leading = _LEADING.match(plain)
    if leading and _counts(leading, season):
        number = int(leading["number"])
        in_season = season and number // 100 == season and number % 100
        return Numbers(number=number % 100 if in_season else number)
    return _by_guessit(stem) if plain == stem else None


def film(stem: str) -> str:
    """The title of a film, `Lamplight` of `Lamplight (2010)`; empty for what may be none.

    A year alone makes no film of a name: it wants parentheses, or what releases are named with.
    """
    guess = _guess(stem)
    year, name = guess.get("year"), guess.get("title")
    released = any(key in guess for key in ("cd", "screen_size", "source", "video_codec"))
    if guess.get("type") != "movie" or not name or not year or _VIDEO_ID.search(stem):
        return ""
    return title(name.value) if released or f"({year.value})" in stem else ""


def has_date(stem: str) -> bool:
    """Whether there is a date in a name: it has no number then, whatever looks like one."""
    return _DATE.search(stem) is not None


def dated_show(stem: str) -> str:
    """The show of `Tolsay.Nightly.2024.03.15` and `Tolsay Nightly - 2024-03-15 - Guest`."""
    found = _DATE.search(stem)
    before = stem[: found.start()] if found else ""
    released = found and (found[1] == "." or before.endswith(" - "))
    return title(before) if released else ""


def says_nothing(stem: str) -> bool:
    """Whether a name is none of an episode: of a track alone, or `subtitles`."""
    return stem.casefold() in _NO_SHOW or not stem


def title(name: str) -> str:
    """The name of a show, of what stands before season and episode, or of its folder.

    It is without group and ids in brackets, `[Group]`, `{tvdb-1}`, and without what releases add.
    """
    bare = " ".join(_BRACKETED.sub(" ", name).split())
    cut = bare[: found.start()] if (found := _RELEASE.search(bare)) else bare
    if cut.strip(" ._-–("):
        bare = _YEAR_AT_END.sub(r" (\1)", cut.rstrip(" ._-–(")) if cut != bare else bare
    plain = bare if " " in bare.strip() and not cut.endswith((".", "_")) else _spaced(bare)
    shown = " ".join(plain.split()).strip(" -–[({")
    return "" if shown.casefold() in _NO_SHOW else shown


def _spaced(name: str) -> str:
    return re.sub(r"[._]", " ", name)


def _is_of_track(word: str) -> bool:
    """Whether a word tells tracks of one episode apart: `2`, `English`, `SDH`, `Latin`."""
    known = word.lower() in _FLAGS or word.lower() in _OF_TRACKS
    return known or (len(word) < 3 and word.isdigit()) or _language_word(word) is not None


def _language_word(word: str) -> str | None:
    # `hi` is a flag wherever it may be one
    return None if word.lower() in _FLAGS else language_of_word(word)


def _last(first: int, more: Sequence[str]) -> int | None:
    last = max(map(int, more[-1:]), default=first)
    return last if first < last <= first + _MAX_EPISODES else None


def _counts(leading: re.Match[str], season: int | None) -> bool:
    """Whether a leading number counts episodes: `12 Angry Men` begins with one that does not."""
    number, gap = leading["number"], leading["gap"]
    year = len(number) == 4 and number[:2] in ("19", "20")
    clear = bool(leading["word"].strip(" ._-") or leading["after"] or number[0] == "0" or season)
    return not year and (clear or gap.strip() != "" or gap == "")


def _by_guessit(stem: str) -> Numbers | None:
    guess = _guess(stem)
    found = guess.get("episode") or guess.get("absolute_episode")
    matches: list[Any] = found if isinstance(found, list) else [found] if found else []
    numbers = [match.value for match in matches]
    if guess.get("type") != "episode" or "date" in guess or not numbers:
        return None
    if not all(isinstance(number, int) for number in numbers):
        return None
    show: Any = guess.get("title")
    if show and show.start > matches[0].start:
        return None
    name = title(show.value) if show and isinstance(show.value, str) else ""
    season = getattr(guess.get("season"), "value", None)
    if nth := _NTH_SEASON.search(name):
        name, season = name[: nth.start()], int(nth[1])
    season = season if isinstance(season, int) else None
    return Numbers(name, season, numbers[0], _last(numbers[0], [str(numbers[-1])]))


@functools.lru_cache(maxsize=8)  # a name is asked for its numbers, and for a film's title
def _guess(stem: str) -> dict[str, Any]:
    options: Final = {"advanced": True, "episode_prefer_number": True}
    try:
        guess = dict(guessit(stem[:_MAX_GUESSED_CHARS] + ".srt", options))
    except GuessitException:
        return {}
    return {**guess, "type": guess["type"].value}
