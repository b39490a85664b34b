"""File names -> what they say of an episode: show, season, number, language."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

from guessit import guessit
from guessit.api import GuessitException

from beam_pipeline.corpus.languages import ISO_639_1, primary_language
from beam_pipeline.corpus.options import PLACED, ReadOptions

MEMBER_MARK: Final = "!/"
"""Between the path of an archive and the name of a file in it."""

_NUMBERED = re.compile(
    r"(?<![^\W_])(?:"
    r"[sS](?P<season>\d{1,4})[\s._-]*[eE](?P<first>\d{1,4})"
    r"(?P<more>(?:[\s._]?-?[\s._]?[eE]\d{1,4})+|-\d{1,3}(?![^\W_]))?"
    r"|(?P<season_x>\d{1,2})[xX](?P<first_x>\d{2,3})"
    r"(?P<more_x>(?:-(?:\d{1,2}[xX])?\d{2,3})(?![^\W_]))?"
    r")(?!\d|[xX])"
)
_MAX_EPISODES = 10
_MAX_GUESSED_CHARS = 255
_FLAGS = {name: name for name in ("cc", "default", "forced", "hi", "sdh")} | {"foreign": "forced"}
_NO_SHOW = frozenset(
    ("captions", "chapter", "ep", "episode", "part", "subs", "subtitle", "subtitles", "transcript")
)
_ARCHIVE = re.compile(r"\.zip!$", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Location:
    """Where a file stands in its corpus, from its path alone.

    Attributes:
      corpus, show, season, number, episode_id, language, flags: as in `Episode`.
      stem: the file's name without extensions, language and flags.
    """

    corpus: str
    show: str
    season: int | None
    number: int | None
    episode_id: str
    language: str | None
    stem: str
    flags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class _Numbers:
    """What a name says; `last` is the number of the last episode of several in one file."""

    show: str = ""
    season: int | None = None
    number: int | None = None
    last: int | None = None


def extension(path: str) -> str:
    """The file's extension in lower case, that of the content where it is packed: `.srt`."""
    return pathlib.PurePath(_unpacked_name(path)).suffix.lower()


def locate(path: str, options: ReadOptions) -> Location:
    """Reads a file's name, `Harbour Lights S01E02.en.srt` or `Harbour Lights/3x01.srt`.

    What the user says of the path goes before what is in the name. The show is what stands before
    season and episode, else the name of the folder; a file without season and episode is an
    episode of the folder's show. Nothing above that folder matters, so that a corpus keeps its ids
    wherever it lies, unless the user's pattern reaches further.
    """
    stem, language, flags = _split_flags(pathlib.PurePath(_unpacked_name(path)).stem)
    given = _placed(path, options) or _matched(path, options)
    numbers = _given_numbers(given) if given else _Numbers()
    found = (
        numbers if numbers.number is not None else (_numbered(stem) or _guessed(stem) or _Numbers())
    )
    season = numbers.season if numbers.season is not None else found.season
    show = options.show or numbers.show or found.show or _folder(path) or options.corpus
    return Location(
        corpus=options.corpus,
        show=show,
        season=season,
        number=found.number,
        episode_id=episode_id(show, season, found.number, stem, found.last),
        language=(given or {}).get("language") or language,
        stem=stem,
        flags=flags,
    )


def episode_id(
    show: str, season: int | None, number: int | None, name: str, last: int | None = None
) -> str:
    """`Harbour Lights/s01e02`; what has no number goes by its name.

    A file of two episodes is one of its own, `s01e02-e03`: it is neither of them.
    """
    season_part = "" if season is None else f"s{season:02d}"
    number_part = "" if number is None else f"e{number:02d}"
    number_part += "" if last is None else f"-e{last:02d}"
    return f"{show.replace('/', '-')}/{season_part + number_part or name}"


def _unpacked_name(path: str) -> str:
    name = pathlib.PurePath(path).name
    return name[: -len(".gz")] if name.lower().endswith(".gz") else name


def _split_flags(stem: str) -> tuple[str, str | None, tuple[str, ...]]:
    """Takes language and flags off a name, in any order: `pilot.en.sdh`, `pilot.forced.pt-BR`.

    `hi` after a language means the hard of hearing, and by itself Hindi, as media servers have it.
    """
    name, language, flags = stem, None, set[str]()
    while True:
        head, _, suffix = name.rpartition(".")
        code = _language(suffix) if language is None else None
        if head and suffix.lower() in _FLAGS:
            flags.add(_FLAGS[suffix.lower()])
        elif head and code:
            language = code
        else:
            break
        name = head
    if language is None and "hi" in flags:
        flags.remove("hi")
        language = "hi"
    return name, language, tuple(sorted(flags))


def _language(suffix: str) -> str | None:
    code, dash, region = suffix.partition("-")
    # `Dr.No` is a title, not Norwegian.
    if code != code.lower() and code != code.upper():
        return None
    language = primary_language(code)
    if language not in ISO_639_1 or (dash and not region.isalnum()):
        return None
    return language + dash + region


def _placed(path: str, options: ReadOptions) -> Mapping[str, str | None] | None:
    """What the user's table says of a path, or of an end of it; the longest end counts."""
    parts = path.split("/")
    for at in range(len(parts) if options.placed_by_path else 0):
        found = options.placed_by_path.get("/".join(parts[at:]))
        if found:
            return dict(zip(PLACED[1:], found, strict=True))
    return None


def _matched(path: str, options: ReadOptions) -> Mapping[str, str | None] | None:
    if options.pattern is None:
        return None
    found = options.pattern.match(path) or options.pattern.match(path.removesuffix(".gz"))
    return found.groupdict() if found else None


def _given_numbers(given: Mapping[str, str | None]) -> _Numbers:
    season, number = (int(given.get(name) or -1) for name in ("season", "episode"))
    return _Numbers(
        given.get("show") or "", season if season >= 0 else None, number if number >= 0 else None
    )


def _numbered(stem: str) -> _Numbers | None:
    found = _NUMBERED.search(stem)
    if not found:
        return None
    season, first = found["season"] or found["season_x"], found["first"] or found["first_x"]
    more = re.findall(r"\d+", found["more"] or found["more_x"] or "")
    show = _as_title(stem[: found.start()])
    return _Numbers(show, int(season), int(first), _last(int(first), more))


def _last(first: int, more: Sequence[str]) -> int | None:
    last = max(map(int, more[-1:]), default=first)
    return last if first < last <= first + _MAX_EPISODES else None


def _guessed(stem: str) -> _Numbers | None:
    try:
        guess = guessit(stem[:_MAX_GUESSED_CHARS] + ".srt")
    except GuessitException:
        return None
    numbers = guess.get("episode")
    numbers = numbers if isinstance(numbers, list) else [numbers]
    season = guess.get("season")
    if guess.get("type") != "episode" or not all(isinstance(one, int) for one in numbers):
        return None
    title = guess.get("title")
    return _Numbers(
        _as_title(title) if isinstance(title, str) else "",
        season if isinstance(season, int) else None,
        numbers[0],
        _last(numbers[0], [str(numbers[-1])]),
    )


def _as_title(prefix: str) -> str:
    title = " ".join(re.sub(r"[._]", " ", prefix).split()).strip(" -–")
    return "" if title.casefold() in _NO_SHOW else title


def _folder(path: str) -> str:
    name = pathlib.PurePath(path).parent.name
    # what lies in an archive is in the folder of that name
    name = _ARCHIVE.sub("", name)
    return "" if name == ".." else name
