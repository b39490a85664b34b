"""Times as files write them -> milliseconds."""

from __future__ import annotations

from typing import Final

from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

CLOCK: Final = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
"""Hours or none, minutes, seconds, and their fraction or none, as four groups."""


def milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> int:
    """The time that the groups of `CLOCK` stand for.

    Raises:
      RefusalError: if minutes or seconds are more than 59.
    """
    minute, second = int(minutes), int(seconds)
    if minute > 59 or second > 59:
        raise RefusalError(Reason.MALFORMED_CUE, "expected minutes and seconds below 60")
    whole = (int(hours or 0) * 60 + minute) * 60 + second
    return whole * 1000 + int((fraction or "0").ljust(3, "0"))
