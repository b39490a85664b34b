"""What people call the columns of their tables, and what their times are counted in.

A name of ours means what it says. One of theirs is taken for what it most likely means, and the
table tells that it was.
"""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

Column = Sequence[object]

THEIRS: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("sentence", "line_text", "spoken_words", "dialogue", "dialog", "line", "content",
             "message", "quote", "caption", "subtitle", "body"),
    "speaker": ("character", "character_name", "speaker_label", "speaker_id", "raw_character_text",
                "person", "actor", "name"),
    "dialogue": ("conversation_id", "conversation", "conv_id", "dialog_id", "scene_number"),
    "show": ("show_name", "series", "series_name", "tv_show"),
    "season": ("season_no", "season_number", "season_num"),
    "episode": ("episode_no", "episode_number", "episode_num", "ep_no", "seid"),
    "start_ms": ("start", "start_time", "begin", "from", "time_start", "onset", "timestamp",
                 "time"),
    "end_ms": ("end", "end_time", "stop", "to", "time_end", "offset"),
    "language": ("lang",),
    "utterance": ("utterance_id", "turn", "turn_id", "line_number", "line_no", "line_id"),
}  # fmt: skip
"""By our names, the likeliest first."""

_WORDED: Final = ("dialogue", "dialog", "line", "content", "message", "body", "caption", "subtitle")
"""These may be a number or a name as well: only a column of sentences is text."""

_DURATION: Final = ("duration", "dur", "duration_ms", "length")
_UNIT = re.compile(r"[_\s(\[]*(?:in[_\s]*)?(?P<unit>ms|msec|milliseconds?|s|secs?|seconds?)[)\]]?$")
_SENTENCE = re.compile(r"[^\W\d_].*(?:\s[^\W\d_]|[.?!…。？！])")
_MIN_SENTENCES = 0.5
_SHORT_MS: Final = 100
"""Hardly anything is said in less: shorter turns are counted in seconds."""

KNOWN: Final = frozenset(_DURATION).union(*THEIRS.values())


def folded(name: str) -> str:
    """A name as it is compared: `EpisodeNo`, `Episode No.` and `episode_no` are one."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\s.\-_]+", "_", spaced.casefold()).strip("_")


def without_unit(name: str) -> tuple[str, int | None]:
    """A folded name and the milliseconds of the unit in it: `start (s)` is `start`, 1000."""
    found = _UNIT.search(name)
    if not found or not name[: found.start()]:
        return name, None
    return name[: found.start()], 1 if found["unit"].startswith("m") else 1_000


def is_known(name: str) -> bool:
    """Whether people call a column of ours so."""
    plain = folded(name)
    return plain in KNOWN or without_unit(plain)[0] in KNOWN


def theirs(columns: Mapping[str, Column], missing: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The fields of ours that columns of their names stand for: pairs of a field and a name.

    Args:
      columns: by folded name.
      missing: fields that have no column of ours.
    """
    taken: set[str] = set()
    for field in missing:
        for name in THEIRS.get(field, ()):
            of_times = field in ("start_ms", "end_ms")
            found = next((one for one in columns if _means(one, name, of_times)), None)
            if found is None or found in taken:
                continue
            if field == "text" and name in _WORDED and not holds_sentences(columns[found]):
                continue
            taken.add(found)
            yield field, found
            break


def holds_sentences(column: Column) -> bool:
    """Whether most cells are of several words, or end as sentences do."""
    texts = [cell for cell in column if isinstance(cell, str) and cell.strip()]
    return sum(map(bool, map(_SENTENCE.search, texts))) >= _MIN_SENTENCES * max(len(texts), 1)


def in_milliseconds(
    start: Column, end: Column | None, name: str
) -> tuple[Column, Column | None, str]:
    """Times of columns with other names than ours, and what they count; nothing for clocks.

    The unit is in the name, else it is told by how long most rows last. Clocks stay as they are.
    """
    factor = without_unit(name)[1]
    starts = [_number(cell) for cell in start]
    ends = [_number(cell) for cell in end] if end is not None else []
    lengths = [b - a for a, b in zip(starts, ends, strict=False) if a is not None and b is not None]
    if not lengths:
        known = [one for one in starts if one is not None]
        lengths = [b - a for a, b in itertools.pairwise(known)]
    if factor is None:
        factor = 1_000 if lengths and statistics.median(lengths) < _SHORT_MS else 1
    scaled = [_scaled(cell, number, factor) for cell, number in zip(start, starts, strict=True)]
    scaled_ends = (
        [_scaled(cell, number, factor) for cell, number in zip(end, ends, strict=True)]
        if end is not None
        else None
    )
    unit = "seconds" if factor > 1 else "milliseconds"
    return scaled, scaled_ends, unit if any(one is not None for one in starts) else ""


def ends_of(start: Column, columns: Mapping[str, Column]) -> Column | None:
    """Where rows end that have a duration in place of an end; None if they have none."""
    name = next((one for one in columns if without_unit(one)[0] in _DURATION), None)
    if name is None:
        return None
    pairs = zip(map(_number, start), map(_number, columns[name]), strict=True)
    return [None if a is None or b is None else a + b for a, b in pairs]


def _means(column: str, name: str, of_times: bool) -> bool:
    return column == name or (of_times and without_unit(column)[0] == name)


def _scaled(cell: object, number: float | None, factor: int) -> object:
    return cell if number is None else number * factor


def _number(cell: object) -> float | None:
    """A cell as a number; None for a clock or nothing."""
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        return None
    try:
        number = float(cell)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 10**15 else None
