"""Timing lines as people and programs write them -> times, and what stands behind them.

Words are worth more than times: what can be read of a time is kept, the rest is left open, and the
cue counts as repaired. A line without `-->` tells times only if it begins with one, and has two
that are complete; such a line is never said.
"""

from __future__ import annotations

import bisect
import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.clocks import CLOCK, milliseconds
from beam_pipeline.corpus.refusals import RefusalError

ARROW: Final = "-->"
ARROW_MARK: Final = re.compile("->|-&gt;|→")
"""In nearly every timing line, and rarely in others; for those who look for the first one."""

_CLOCK = re.compile(rf"\s*{CLOCK}\s*", re.ASCII)
_TIMING = re.compile(rf"\s*{CLOCK}\s*-->\s*{CLOCK}(?=\s|$)", re.ASCII)

# Beyond `CLOCK`: spaces, signs, any separators, fractions of any length, digits of any script.
_LOOSE_CLOCK = (
    r"-?\d{1,4}(?:\s*[:.,;'’]\s*-?\d{1,20}){1,4}"
    r"(?:(?<=:\d\d)\s\d{3}(?=\s*(?:[-\u2010-\u2015=>]|$)))?"
)
_DASHES = r"\-\u2010-\u2015\u2212"
_LOOSE_TIMING = re.compile(
    rf"(?:\d+[.)]?\s+)?(?P<start>{_LOOSE_CLOCK})(?!\d)"
    rf"(?:(?P<arrow>[{_DASHES}=~\s]*[>\u2192\u21d2\u27f6]+)|\s*[{_DASHES}~|,;]|\s)\s*"
    rf"(?P<end>{_LOOSE_CLOCK})(?P<behind>.*)"
)
_BEGINS_LIKE_CLOCK = re.compile(r"[\s*_`\"'#]*(?:\d+[.)]?\s+)?-?\d{1,4}\s*[:：.．]\s*-?\d")
_LAST_CLOCK = re.compile(rf"(?<!\d){_LOOSE_CLOCK}(?=\D*$)")
_FIRST_CLOCK = re.compile(rf"\D*?({_LOOSE_CLOCK})")
_NUMBERS = re.compile(r"(?:(?P<between>[:.,;'’])\s*)?(?P<sign>-?)(?P<digits>\d+)")
# What the recognition of letters makes of a zero.
_ROUND = re.compile(r"(?<=[\d:.,])[oO]|[oO](?=[\d:.,])")
_SETTING = re.compile(r"(?:^|\s)(?:align|line|position|size|region|vertical|[XY][12])\s*:", re.I)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_AROUND = "*_`\"'# \t"


class Timing(NamedTuple):
    """When a cue is shown.

    Attributes:
      start_ms, end_ms: None where it is not known.
      repaired: whether a time is not as the file has it.
      text: what stands behind the times and is no setting.
    """

    start_ms: int | None
    end_ms: int | None
    repaired: bool = False
    text: str = ""


def is_timing(line: str) -> bool:
    """Whether a line shows by an arrow and two times that it is a cue's."""
    if len(line) > limits.MAX_TIMING_CHARS:
        return False
    return _TIMING.match(line) is not None or bool(ARROW_MARK.search(line) and tells_times(line))


def tells_times(line: str) -> bool:
    """Whether a line begins with two complete times, whatever stands between them."""
    if not _BEGINS_LIKE_CLOCK.match(line) or len(line) > limits.MAX_TIMING_CHARS:
        return False
    found = _LOOSE_TIMING.fullmatch(_normalised(line))
    if found is None:
        return False
    parts = [_NUMBERS.findall(found[name]) for name in ("start", "end")]
    complete = all(len(part) > 2 for part in parts)
    # without an arrow both have hours or a fraction, and nothing stands behind them
    sure = bool(found["arrow"]) or (
        not found["behind"].strip() and all(len(part) > 3 for part in parts)
    )
    return complete and sure


def read_timing(line: str) -> Timing:
    """The times of a timing line, as far as they can be read."""
    if len(line) > limits.MAX_TIMING_CHARS:
        return Timing(None, None, repaired=True)
    found = _TIMING.match(line)
    if found:
        try:
            numbers = found.groups()
            start_ms, end_ms = milliseconds(*numbers[:4]), milliseconds(*numbers[4:])
            return sound(start_ms, end_ms, text=_text_behind(line[found.end() :]))
        except RefusalError:
            pass
    plain = _normalised(line)
    loose = _LOOSE_TIMING.match(plain)
    if loose:
        times = loose_clock_ms(loose["start"]), loose_clock_ms(loose["end"])
        return sound(*times, repaired=True, text=_text_behind(loose["behind"]))
    before, _, behind = plain.partition(">")
    first, last = _LAST_CLOCK.search(before), _FIRST_CLOCK.match(behind)
    return sound(
        first and loose_clock_ms(first[0]), last and loose_clock_ms(last[1]), repaired=True
    )


def loose_clock_ms(text: str) -> int | None:
    """The time that any clock stands for: `00: 00: 01, 000`, `0:0:1:000`, `00:75,5`, `1.5`.

    Returns:
      Milliseconds; None if there are not at least two numbers.
    """
    numbers = [*_NUMBERS.finditer(text)][:4]
    if len(numbers) < 2:
        return None
    below_zero = any(number["sign"] for number in numbers)
    has_fraction = len(numbers) == 4 or numbers[-1]["between"] != ":"
    fraction = numbers.pop()["digits"] if has_fraction else "0"
    seconds = 0
    for number in numbers:
        seconds = seconds * 60 + int(number["digits"])
    time_ms = seconds * 1000 + int(fraction[:3].ljust(3, "0"))
    return -time_ms if below_zero else time_ms


def sound(
    start_ms: int | None, end_ms: int | None, *, repaired: bool = False, text: str = ""
) -> Timing:
    """Times that can be: from zero on, and none that ends before it starts."""
    start, end = _possible(start_ms), _possible(end_ms)
    if start is not None and end is not None and end < start:
        end = start
    return Timing(start, end, repaired or (start, end) != (start_ms, end_ms), text)


def clock_times(start: str, end: str) -> Timing:
    """The times of two clocks, `0:00:01.50`."""
    clocks = [_CLOCK.fullmatch(text) for text in (start, end)]
    try:
        times = [milliseconds(*clock.groups()) for clock in clocks if clock]
    except RefusalError:
        times = []
    if len(times) == 2:
        return sound(*times)
    return sound(loose_clock_ms(start), loose_clock_ms(end), repaired=True)


def settled(
    timings: Sequence[tuple[int | None, int | None]], clears: Iterable[int] = ()
) -> list[tuple[int, int]]:
    """When each of some cues starts and ends, in the order of the file.

    One that does not say starts where it ends, else where the one before it ends or starts, else
    at zero; and it ends where the next one starts or the screen is cleared, else where it starts.

    Args:
      timings: start and end of each cue, None for what is not known.
      clears: when the screen is cleared.
    """
    starts, last = [], 0
    for start, end in timings:
        at = start if start is not None else last if end is None else end
        starts.append(at)
        last = at if end is None else max(at, end)
    times = sorted({*clears, *starts}) if any(end is None for _, end in timings) else []
    return [
        (start, _next(times, start) if end is None else max(start, end))
        for start, (_, end) in zip(starts, timings, strict=True)
    ]


def _next(times: Sequence[int], start_ms: int) -> int:
    later = bisect.bisect_right(times, start_ms)
    return times[later] if later < len(times) else start_ms


def _possible(time_ms: int | None) -> int | None:
    if time_ms is None or 0 <= time_ms <= limits.MAX_TIME_MS:
        return time_ms
    return 0 if time_ms < 0 else None


def _normalised(line: str) -> str:
    folded = unicodedata.normalize("NFKC", html.unescape(html.unescape(line)))
    return _ROUND.sub("0", _INVISIBLE.sub("", folded)).strip(_AROUND)


def _text_behind(rest: str) -> str:
    """What is said behind the times on their line; settings of a cue are not, nor what is glued."""
    if not rest.strip() or not rest[0].isspace() or _SETTING.search(rest):
        return ""
    return rest.strip()
