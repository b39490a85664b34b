"""File names -> what they say of an episode: show, season, number, language."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from typing import Final

from beam_pipeline.corpus.options import ReadOptions

MEMBER_MARK: Final = "!/"
"""Between the path of an archive and the name of a file in it."""

_NUMBERED = re.compile(
    r"(?<![^\W_])(?:[sS](\d{1,4})[\s._-]*[eE](\d{1,4})|(\d{1,2})[xX](\d{2,3}))(?!\d|[xX])"
)
_ARCHIVE = re.compile(r"\.zip!$", re.IGNORECASE)
_NO_SHOW = frozenset(("captions", "episode", "subs", "subtitle", "subtitles", "transcript"))
_TWO_LETTERS = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da "
    "de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy "
    "hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg "
    "li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or "
    "os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta "
    "te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
_ISO_639_1 = frozenset(_TWO_LETTERS.split())
# Three-letter codes that files are often named with; any three letters may be something else.
_ISO_639_2 = {
    "chi": "zh", "dan": "da", "deu": "de", "dut": "nl", "eng": "en", "fin": "fi", "fra": "fr",
    "fre": "fr", "ger": "de", "ita": "it", "jpn": "ja", "kor": "ko", "nld": "nl", "nor": "no",
    "pol": "pl", "por": "pt", "rus": "ru", "spa": "es", "swe": "sv", "tur": "tr", "zho": "zh",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Location:
    """Where a file stands in its corpus, from its path alone.

    Attributes:
      corpus, show, season, number, episode_id, language: as in `Episode`.
      stem: the file's name without extensions and language.
    """

    corpus: str
    show: str
    season: int | None
    number: int | None
    episode_id: str
    language: str | None
    stem: str


def extension(path: str) -> str:
    """The file's extension in lower case, that of the content where it is packed: `.srt`."""
    return pathlib.PurePath(_unpacked_name(path)).suffix.lower()


def locate(path: str, options: ReadOptions) -> Location:
    """Reads a file's name, `Harbour Lights S01E02.en.srt` or `Harbour Lights/3x01.srt`.

    The show is what stands before season and episode, else the name of the folder; a file
    without season and episode is an episode of the folder's show. Nothing above that folder
    matters, so that a corpus keeps its ids wherever it lies.
    """
    stem, language = _split_language(pathlib.PurePath(_unpacked_name(path)).stem)
    found = _NUMBERED.search(stem)
    before = _as_title(stem[: found.start()]) if found else ""
    show = options.show or before or _folder(path) or options.corpus
    season, number = (
        (int(found[1] or found[3]), int(found[2] or found[4])) if found else (None, None)
    )
    return Location(
        corpus=options.corpus,
        show=show,
        season=season,
        number=number,
        episode_id=episode_id(show, season, number, stem),
        language=language,
        stem=stem,
    )


def episode_id(show: str, season: int | None, number: int | None, name: str) -> str:
    """`Harbour Lights/s01e02`; what has neither season nor number goes by its name."""
    season_part = "" if season is None else f"s{season:02d}"
    number_part = "" if number is None else f"e{number:02d}"
    return f"{show.replace('/', '-')}/{season_part + number_part or name}"


def printable(text: str) -> str:
    """A path that can be written as UTF-8: bytes that are no text become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _unpacked_name(path: str) -> str:
    name = pathlib.PurePath(printable(path)).name
    return name[: -len(".gz")] if name.lower().endswith(".gz") else name


def _split_language(stem: str) -> tuple[str, str | None]:
    name, _, suffix = stem.rpartition(".")
    code, dash, region = suffix.partition("-")
    code = _ISO_639_2.get(code.lower(), code.lower())
    if not name or code not in _ISO_639_1 or (dash and not region.isalnum()):
        return stem, None
    return name, code + dash + region


def _as_title(prefix: str) -> str:
    title = " ".join(re.sub(r"[._]", " ", prefix).split()).strip(" -–")
    return "" if title.casefold() in _NO_SHOW else title


def _folder(path: str) -> str:
    name = pathlib.PurePath(printable(path)).parent.name
    # what lies in an archive is in the folder of that name
    name = _ARCHIVE.sub("", name)
    return "" if name == ".." else name
