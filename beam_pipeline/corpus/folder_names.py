"""The folders above a file, as media servers lay them out -> show, season, and the file's own name.

    Harbour Lights/Season 01/S01E02.en.srt
    Harbour Lights.S01E04.1080p.WEB/Subs/2_English.srt
    Lamplight (2010)/Subs/English.srt

A folder of a season, of subtitles or transcripts, of a language or of extras stands within that of
a show; what is above the show's never matters. Sources: Jellyfin's and Plex's pages on naming,
Sonarr's and Bazarr's issues.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from beam_pipeline.corpus.file_names import Numbers, numbered, title
from beam_pipeline.corpus.languages import language_of_word

_SUBTITLES = frozenset(("sub", "subs", "subtitle", "subtitles"))
_COMPANIONS = frozenset(("diarisation", "diarization", "rttm", "scripts", "transcripts"))
_EXTRAS = frozenset(
    ("behind the scenes", "bonus", "deleted scenes", "extras", "featurettes", "trailers")
)
_SPECIALS = frozenset(("season 0", "season 00", "specials"))
_SEASON = re.compile(
    r"(?P<show>(?:.*?[^\W_])??)[\s._-]*(?<![^\W_])(?<!['’])"
    r"(?:season|staffel|saison|temporada|stagione|seizoen|sezon|säsong|sæson|sesong|kausi|сезон|"
    r"シーズン|s|series(?=\W*\d\d?(?!\d)))[\s._-]*(?P<season>\d{1,4})"
    r"(?![^\W_]|[\s._]*-[\s._]*s?\d{1,2}(?!\d))"
    r"|(?P<show_nth>.*?)[\s._-]*(?<!\d)(?P<nth>\d)(?:st|nd|rd|th)[\s._]+season(?![^\W_])"
    r"|第\s*(?P<counted>\d{1,4})\s*[季期]",
    re.IGNORECASE,
)
_SEASONS = re.compile(r"(?<![^\W_])s\d+\s*-\s*s?\d+(?![^\W_])", re.IGNORECASE)
_COUNT = re.compile(r"(?:0?\d|1\d|(?:19[5-9]|20[0-4])\d)")
_EPISODE = re.compile(r"(?:episode|ep|e)[\s._-]*(\d{1,4})(?![^\W_])", re.IGNORECASE)
_YEAR = re.compile(r"\s\((?:19|20)\d\d\)$")


@dataclasses.dataclass
class Above:
    """What the folders above a file say.

    Attributes:
      show: the name of the first folder that can be a show's; empty without any.
      season: None where they say none.
      language: of the folder of a language.
      numbers: of a folder that is one episode's: `Tolsay.Ferry.S01E04.1080p.WEB`.
    """

    show: str = ""
    season: int | None = None
    language: str | None = None
    numbers: Numbers | None = None

    @property
    def film(self) -> str:
        """The show without the year of a film."""
        return _YEAR.sub("", self.show)


def above(folders: list[str], placed: bool) -> Above:
    """Reads the names of folders up to that of the show.

    Args:
      folders: the one that the file is in first.
      placed: whether the file's own name says which episode it is, so that a folder such as `2`
        is a season's, and `English` a language's.
    """
    found = Above()
    for name in _named(folders):
        if not _stands_within(name, found, placed):
            break
    return found


def is_within(folder: str) -> bool:
    """Whether a folder is, by its name alone, one that stands within a show's."""
    found = Above()
    return _stands_within(folder, found, placed=False)


def _named(folders: list[str]) -> Iterator[str]:
    for name in folders:
        if name in ("", ".", "..", "/"):
            return
        yield name


def _stands_within(name: str, found: Above, placed: bool) -> bool:
    """Notes what a folder says; False for the show's, above which nothing matters."""
    plain = " ".join(re.sub(r"[._]", " ", name).split()).casefold()
    if plain in _SUBTITLES | _COMPANIONS | _EXTRAS:
        return True
    if plain in _SPECIALS:
        found.season = 0 if found.season is None else found.season
        return True
    if numbers := numbered(name):
        found.numbers = found.numbers or numbers
        found.show = numbers.show
        return not found.show
    if not _SEASONS.search(name) and (season := _SEASON.match(name)):
        number = int(season["season"] or season["nth"] or season["counted"])
        found.season = number if found.season is None else found.season
        found.show = title(season["show"] or season["show_nth"] or "")
        return not found.show
    if placed and found.season is None and _COUNT.fullmatch(name):
        found.season = int(name)
        return True
    if episode := _EPISODE.match(name):
        found.numbers = found.numbers or Numbers(number=int(episode[1]))
        return True
    if (placed or found.season is not None) and (language := language_of_word(name)):
        found.language = found.language or language
        return True
    found.show = title(name) or name
    return False
