"""Rows -> episodes: what all tables have in common, whatever format they came in."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.decoding import refuse_broken
from beam_pipeline.corpus.location import Location, episode_id
from beam_pipeline.corpus.options import FIELDS, ReadOptions
from beam_pipeline.corpus.refusals import Refusal, RefusalError, note
from beam_pipeline.corpus.speakers import Cast, Speaker
from beam_pipeline.corpus.table_columns import RawTable, has_predictions, resolve_columns
from beam_pipeline.corpus.utterances import Utterance, utterance_table
from beam_pipeline.records import Episode, Reason, SpeakerKind, SpeakerSource

_WHOLE_DIALOGUE = "d001"
_NUMBER = re.compile(
    r"\s*(?:[a-z]|season|series|episode|ep\.?)?\s*(\d{1,6})\s*", re.ASCII | re.IGNORECASE
)
_SEASON_AND_NUMBER = re.compile(r"\s*[sS](\d{1,4})[\s._-]*[eE](\d{1,4})\s*", re.ASCII)
_CLOCK = re.compile(r"\s*(?:(\d{1,4}):)?(\d{1,3}):(\d{1,2})(?:[.,](\d{1,3}))?\s*", re.ASCII)
_MILLISECONDS = re.compile(r"\s*\d{1,15}(?:\.0*)?\s*", re.ASCII)
_MAX_MS = 10**15


class _Row(NamedTuple):
    """The cells of one row, a field each of `FIELDS`."""

    text: object
    speaker: object
    dialogue: object
    show: object
    season: object
    episode: object
    start_ms: object
    end_ms: object
    label: object
    language: object
    utterance: object


@dataclasses.dataclass(frozen=True)
class _Place:
    """The episode of a row; `name` where it has no number."""

    show: str
    season: int | None
    number: int | None
    name: str

    @functools.cached_property
    def episode_id(self) -> str:
        return episode_id(self.show, self.season, self.number, self.name)


@dataclasses.dataclass(frozen=True)
class _Line:
    """A row that was read: its episode, its place in the dialogue, and what it says."""

    place: _Place
    language: str | None
    order: int | None
    utterance: Utterance
    repaired: bool


@dataclasses.dataclass(frozen=True)
class Rows:
    """What became of a table.

    Attributes:
      episodes: in timeline order.
      refused: its refused rows.
      dropped: how many rows are no speech, by the name of their speaker.
      predicted: whether it has predictions of emonet for labels, and no gold.
      repaired: how many rows are without a time that cannot be read, or cannot be.
      assumed: which columns were taken for what, as nobody said it.
    """

    episodes: tuple[Episode, ...]
    refused: tuple[Refusal, ...]
    dropped: int
    predicted: bool = False
    repaired: int = 0
    assumed: tuple[str, ...] = ()


def read_rows(table: RawTable, source: str, location: Location, options: ReadOptions) -> Rows:
    """Groups the rows of a table by episode.

    Args:
      table: any table.
      source: path of the file, for the episodes.
      location: what the file's name says; it stands in where the table says nothing.
      options: of the user; `show` goes before the table's own.

    Raises:
      RefusalError: if there is no column with text.
    """
    if not table.numbers:
        return Rows((), table.refused, 0)
    columns, assumed = resolve_columns(table, options)
    cells = zip(*(columns.get(field, itertools.repeat(None)) for field in FIELDS), strict=False)
    default = _default_place(location, options, has_episodes="episode" in columns)
    lines: list[_Line] = []
    refused = list(table.refused)
    casts: dict[str, Cast] = {}
    for number, row in zip(table.numbers, cells, strict=False):
        try:
            lines.append(_read_row(_Row(*row), default, options, casts))
        except RefusalError as error:
            note(refused, error.at(f"row {number}"))
    spoken = [line for line in lines if line.utterance.speaker.kind is not SpeakerKind.NO_SPEECH]
    episodes = tuple(_episodes(spoken, source, location))
    predicted = has_predictions(table) and "label" not in columns
    repaired = sum(line.repaired for line in lines)
    dropped = len(lines) - len(spoken)
    return Rows(episodes, tuple(refused), dropped, predicted, repaired, assumed)


def _default_place(location: Location, options: ReadOptions, has_episodes: bool) -> _Place:
    if has_episodes:
        return _Place(options.show or location.stem, None, None, location.stem)
    return _Place(location.show, location.season, location.number, location.stem)


def _read_row(row: _Row, default: _Place, options: ReadOptions, casts: dict[str, Cast]) -> _Line:
    text = _read_text(row.text)
    place = _read_place(row, default, options)
    start_ms, end_ms, repaired = _read_times(row)
    key = place.episode_id
    if key not in casts:
        casts[key] = Cast(place.show, key, options.names)
    speaker = _read_speaker(row.speaker, casts[key])
    dialogue = _read_name(row.dialogue) or _WHOLE_DIALOGUE
    gold = _read_name(row.label)
    raw = str(row.text)
    utterance = Utterance(dialogue, start_ms, end_ms, speaker, text, raw, gold)
    order = _read_number(row.utterance)
    return _Line(place, _read_name(row.language), order, utterance, repaired)


def _read_text(cell: object) -> str:
    if cell is not None and not isinstance(cell, str) and not _is_nan(cell):
        raise RefusalError(Reason.MALFORMED_ROW, f"expected text, found {type(cell).__name__}")
    if not isinstance(cell, str) or not (text := " ".join(cell.split())):
        raise RefusalError(Reason.EMPTY_TEXT)
    return _bounded(text)


def _bounded(text: str) -> str:
    refuse_broken(text)
    if len(text) > limits.MAX_TEXT_CHARS:
        raise RefusalError(
            Reason.TEXT_TOO_LONG,
            f"expected at most {limits.MAX_TEXT_CHARS} characters, found {len(text)}",
        )
    return text


def _read_place(row: _Row, default: _Place, options: ReadOptions) -> _Place:
    show = options.show or _read_name(row.show) or default.show
    if row.season is None and row.episode is None:
        return dataclasses.replace(default, show=show) if show != default.show else default
    both = _SEASON_AND_NUMBER.fullmatch(row.episode) if isinstance(row.episode, str) else None
    if both:
        return _Place(show, int(both[1]), int(both[2]), default.name)
    return _numbered_place(row, show, default)


def _numbered_place(row: _Row, show: str, default: _Place) -> _Place:
    season, number = _read_number(row.season), _read_number(row.episode)
    names = [_read_name(cell) or "" for cell in (row.season, row.episode)]
    if season is None and names[0]:
        return _Place(show, None, None, "-".join(filter(None, names)))
    if number is None and (names[0] or names[1]):
        return _Place(show, season, None, names[1])
    return _Place(show, season, number, default.name)


def _read_speaker(cell: object, cast: Cast) -> Speaker:
    if isinstance(cell, (list, tuple)):
        names = [name for name in map(_read_name, cell) if name]
        return cast.identify_together(names, SpeakerSource.COLUMN)
    return cast.identify(_read_name(cell), SpeakerSource.COLUMN)


def _read_name(cell: object) -> str | None:
    """A cell as a name: numbers as they are written, nothing for a missing one."""
    if isinstance(cell, str):
        return _tidied(cell)
    if cell is None or _is_nan(cell):
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if not isinstance(cell, (int, float)):
        raise RefusalError(Reason.MALFORMED_ROW, f"expected a name, found {type(cell).__name__}")
    return _bounded(str(cell))


@functools.lru_cache(maxsize=4096)  # the same names stand in row after row
def _tidied(name: str) -> str | None:
    return _bounded(" ".join(name.split())) or None


def _read_number(cell: object) -> int | None:
    """`1`, `01`, `1.0`, `s01`, `e15`; None for anything else."""
    if isinstance(cell, str):
        match = _NUMBER.fullmatch(cell)
        return int(match[1]) if match else None
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() and 0 <= cell < 10**6 else None
    return cell if isinstance(cell, int) and 0 <= cell < 10**6 else None


def _read_times(row: _Row) -> tuple[int | None, int | None, bool]:
    """Start and end of a row, and whether one of them is left out or moved."""
    times: list[int | None] = []
    repaired = False
    for cell in (row.start_ms, row.end_ms):
        try:
            times.append(_read_time(cell))
        except RefusalError:
            times.append(None)
            repaired = True
    start_ms, end_ms = times
    if start_ms is not None and end_ms is not None and end_ms < start_ms:
        return start_ms, start_ms, True
    return start_ms, end_ms, repaired


def _read_time(cell: object) -> int | None:
    """Milliseconds: a number of them, or a time of the clock such as `00:01:02,345`."""
    if cell is None or _is_nan(cell) or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, (int, float)) and 0 <= cell < _MAX_MS:
        return round(cell)
    if isinstance(cell, str) and _MILLISECONDS.fullmatch(cell):
        return int(float(cell))
    clock = _CLOCK.fullmatch(cell) if isinstance(cell, str) else None
    if clock is None:
        raise RefusalError(
            Reason.MALFORMED_ROW, "expected a time in milliseconds or as 00:01:02,345"
        )
    seconds = (int(clock[1] or 0) * 60 + int(clock[2])) * 60 + int(clock[3])
    return seconds * 1000 + int((clock[4] or "0").ljust(3, "0"))


def _is_nan(cell: object) -> bool:
    return isinstance(cell, float) and math.isnan(cell)


def _episodes(lines: Iterable[_Line], source: str, location: Location) -> Iterator[Episode]:
    groups: dict[str, list[_Line]] = {}
    for line in lines:
        groups.setdefault(line.place.episode_id, []).append(line)
    episodes = [_episode(key, group, source, location) for key, group in groups.items()]
    yield from sorted(episodes, key=lambda episode: episode.place)


def _episode(key: str, lines: list[_Line], source: str, location: Location) -> Episode:
    place = lines[0].place
    languages = (line.language for line in lines if line.language)
    return Episode(
        episode_id=key,
        corpus=location.corpus,
        language=next(languages, location.language),
        show=place.show,
        season=place.season,
        number=place.number,
        source=source,
        utterances=utterance_table(_in_dialogue_order(lines)),
    )


def _in_dialogue_order(lines: Iterable[_Line]) -> list[Utterance]:
    """Dialogues as they first appear, in each the rows by their order, else as they come."""
    dialogues: dict[str, list[_Line]] = {}
    for line in lines:
        dialogues.setdefault(line.utterance.dialogue_id, []).append(line)
    return [line.utterance for group in dialogues.values() for line in _by_order(group)]


def _by_order(lines: list[_Line]) -> list[_Line]:
    ordered = [(line.order, line) for line in lines if line.order is not None]
    if len(ordered) < len(lines):
        return lines
    return [line for _, line in sorted(ordered, key=lambda pair: pair[0])]
