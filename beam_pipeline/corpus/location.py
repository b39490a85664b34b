"""Paths -> what they say of an episode: show, season, number, language."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Mapping
from typing import Final

from beam_pipeline.corpus.file_names import (
    Numbers,
    dated_show,
    film,
    guessed,
    has_date,
    numbered,
    says_nothing,
    split_track,
    title,
)
from beam_pipeline.corpus.folder_names import Above, above, is_within
from beam_pipeline.corpus.options import PLACED, ReadOptions

MEMBER_MARK: Final = "!/"
"""Between the path of an archive and the name of a file in it."""

_ARCHIVE = re.compile(r"\.zip!$", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Location:
    """Where a file stands in its corpus, from its path alone.

    Attributes:
      corpus, show, season, number, episode_id, language, flags: as in `Episode`.
      stem: the file's name without extensions, language and flags; where it is no more than a
        track's, that of its folder.
    """

    corpus: str
    show: str
    season: int | None
    number: int | None
    episode_id: str
    language: str | None
    stem: str
    flags: tuple[str, ...] = ()


def extension(path: str) -> str:
    """The file's extension in lower case, that of the content where it is packed: `.srt`."""
    return pathlib.PurePath(_unpacked_name(path)).suffix.lower()


def file_name(path: str) -> str:
    """The file's name in lower case, that of the content where it is packed: `pilot.srt`."""
    return _unpacked_name(path).lower()


def locate(path: str, options: ReadOptions) -> Location:
    """Reads a file's name, `Harbour Lights S01E02.en.srt`, and those of the folders above it.

    What the user says of the path goes before what is in the names. The show is what stands before
    season and episode, else the nearest folder that can be a show's: that of a season, of
    subtitles, of a language stands within it. A file without season and episode is an episode of
    that show; if it is only a track, `2_English.srt`, the folder says which one. Nothing above the
    show's folder matters, so that a corpus keeps its ids wherever it lies, unless the user's
    pattern reaches further.
    """
    track = split_track(pathlib.PurePath(_unpacked_name(path)).stem)
    given = _placed(path, options) or _matched(path, options)
    said = _given_numbers(given) if given else Numbers()
    folders = [_ARCHIVE.sub("", name) for name in reversed(pathlib.PurePath(path).parts[:-1])]
    placed, around, name = _found(track.stem, folders)
    if said.number is not None:
        placed = said
    season = next((one for one in (said.season, placed.season, around.season) if one is not None),
                  None)  # fmt: skip
    show = options.show or said.show or placed.show or around.show or options.corpus
    return Location(
        corpus=options.corpus,
        show=show,
        season=season,
        number=placed.number,
        episode_id=episode_id(show, season, placed.number, name, placed.last, placed.part),
        language=(given or {}).get("language") or track.language or around.language,
        stem=name,
        flags=track.flags,
    )


def episode_id(
    show: str,
    season: int | None,
    number: int | None,
    name: str,
    last: int | None = None,
    part: int | None = None,
) -> str:
    """`Harbour Lights/s01e02`; what has no number goes by its name, `Harbour Lights/s01-Pilot`.

    A file of two episodes is one of its own, `s01e02-e03`: it is neither of them. So is a file of
    a part of an episode, `s01e02-part1`.
    """
    season_part = "" if season is None else f"s{season:02d}"
    number_part = "" if number is None else f"e{number:02d}"
    number_part += "" if last is None else f"-e{last:02d}"
    number_part += "" if part is None else f"-part{part}"
    named = "-".join(filter(None, (season_part, name)))
    return f"{show.replace('/', '-')}/{season_part + number_part if number_part else named}"


def has_own_folder(path: str) -> bool:
    """Whether a path has the folder of a show in it, so that it says what the file is of."""
    folders = [*reversed(pathlib.PurePath(path).parts[:-1])]
    return bool(folders) and not all(name == ".." or is_within(name) for name in folders)


def _found(stem: str, folders: list[str]) -> tuple[Numbers, Above, str]:
    """What the file's own name or that of an episode's folder says; what folders say; a name."""
    sure = numbered(stem)
    around = above(folders, placed=sure is not None)
    numbers = sure or around.numbers
    if numbers:
        return numbers, around, stem
    if says_nothing(stem):
        return Numbers(around.film), around, around.show or stem
    numbers = guessed(stem, around.season)
    if numbers:
        return numbers, above(folders, placed=True), stem
    if has_date(stem):
        return Numbers(dated_show(stem)), above(folders, placed=True), stem
    show = film(stem)
    # a folder with a year in its name is a film's, unless there are seasons in it
    folder = around.show if around.season is not None else around.film
    return Numbers(show or folder), around, title(stem) if show else stem


def _unpacked_name(path: str) -> str:
    name = pathlib.PurePath(path).name
    return name[: -len(".gz")] if name.lower().endswith(".gz") else name


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


def _given_numbers(given: Mapping[str, str | None]) -> Numbers:
    season, number = (int(given.get(name) or -1) for name in ("season", "episode"))
    return Numbers(
        given.get("show") or "", season if season >= 0 else None, number if number >= 0 else None
    )
