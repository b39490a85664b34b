"""TTML's times: how they are written, and how those of nested elements add up."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_CLOCK = re.compile(
    r"(\d{1,6}):(\d{2}):(\d{2})(?:[.,](\d{1,9})|:(\d{1,3})(?:\.\d{1,3})?)?", re.ASCII
)
_OFFSET = re.compile(r"(\d{1,15})(?:[.,](\d{1,9}))?(h|ms|m|s|f|t)", re.ASCII)
_RATE = re.compile(r"\d{1,9}", re.ASCII)
_MULTIPLIER = re.compile(r"(\d{1,6})[\s:]+(\d{1,6})", re.ASCII)
_UNITS = {"h": 3_600_000.0, "m": 60_000.0, "s": 1000.0, "ms": 1.0}


@dataclasses.dataclass(frozen=True)
class Clock:
    """What a file counts its times in.

    Attributes:
      frame_ms, tick_ms: how long a frame and a tick last.
    """

    frame_ms: float = 1000 / 30
    tick_ms: float = 1000.0

    @classmethod
    def of(cls, attributes: Mapping[str, str]) -> Clock:
        """What the attributes of the root element say; what is no number is as if not there."""
        frames = _number(attributes.get("framerate"))
        ticks = _number(attributes.get("tickrate"))
        multiplier = _MULTIPLIER.fullmatch(attributes.get("frameratemultiplier", "").strip())
        rate = float(frames or 30)
        if multiplier and int(multiplier[1]) and int(multiplier[2]):
            rate *= int(multiplier[1]) / int(multiplier[2])
        # without a rate of ticks, there is one for each frame, and else one for each second
        return cls(1000 / rate, 1000 / (ticks or (rate if frames else 1)))

    def milliseconds(self, text: str) -> float:
        """`00:00:01.5`, `00:00:01:12`, `1.5s`, `36f` or `15000000t`.

        Raises:
          RefusalError: if it is no such time.
        """
        clock = _CLOCK.fullmatch(text.strip())
        if clock and int(clock[2]) < 60 and int(clock[3]) < 60:
            seconds = (int(clock[1]) * 60 + int(clock[2])) * 60 + int(clock[3])
            fraction = float(f"0.{clock[4] or 0}")
            return (seconds + fraction) * 1000 + int(clock[5] or 0) * self.frame_ms
        offset = _OFFSET.fullmatch(text.strip())
        if offset is None:
            detail = "expected a time such as 00:00:01.500, 1.5s, 36f or 15000000t"
            raise RefusalError(Reason.MALFORMED_CUE, detail)
        units = {**_UNITS, "f": self.frame_ms, "t": self.tick_ms}
        return float(f"{offset[1]}.{offset[2] or 0}") * units[offset[3]]


@dataclasses.dataclass
class Span:
    """When an element is shown, and where in it the next child begins to count.

    Attributes:
      begin, end: milliseconds; None for an end that nothing gives.
      next: from where a child's times count.
      in_sequence: whether children follow one another, instead of starting together.
      timed: whether it has times of its own.
      faulty: whether a time of it, or of an element around it, cannot be read.
    """

    begin: float = 0.0
    end: float | None = None
    next: float = 0.0
    in_sequence: bool = False
    timed: bool = False
    faulty: bool = False

    def child(self, attributes: Mapping[str, str], clock: Clock) -> Span:
        """When an element with these attributes is shown within this one."""
        span = Span(in_sequence=attributes.get("timecontainer") == "seq", faulty=self.faulty)
        given = {name: attributes[name] for name in ("begin", "end", "dur") if name in attributes}
        span.timed = bool(given)
        try:
            times = {name: clock.milliseconds(text) for name, text in given.items()}
        except RefusalError:
            span.faulty, times = True, {}
        span.begin = self.next + times.get("begin", 0.0)
        ends = [self.next + times["end"]] if "end" in times else []
        ends += [span.begin + times["dur"]] if "dur" in times else []
        ends += [self.end] if self.end is not None else []
        span.end = min(ends, default=None)
        span.next = span.begin
        return span

    def close(self, child: Span) -> None:
        """Notes that a child has ended."""
        if self.in_sequence and child.end is not None:
            self.next = max(self.next, child.end)


def _number(text: str | None) -> int:
    return int(text) if text and _RATE.fullmatch(text) else 0
