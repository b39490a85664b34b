"""What transcripts in JSON have in common: a document read whole, and values of its parts."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from beam_pipeline.corpus.formats.jsonl import parse_json
from beam_pipeline.corpus.formats.timings import loose_clock_ms
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

EXTENSION: Final = ".json"
"""Of files that are one document; those of tables of JSON lines have others."""

_NUMBER = re.compile(r"\s*(-?\d{1,12}(?:\.\d{1,12})?)\s*s?\s*", re.ASCII)
_CLOCK = re.compile(r"\s*\d{1,4}(?:[:.,]\d{1,9}){2,3}\s*", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")


def parse_document(text: str) -> Any:
    """Reads a document.

    Raises:
      RefusalError: if it is no JSON.
    """
    try:
        return parse_json(text)
    except RefusalError as error:
        raise RefusalError(Reason.MALFORMED_FILE, error.detail) from error


def value_at(document: object, *path: str | int) -> Any:
    """What stands at a path of keys and indices, None where there is nothing."""
    for step in path:
        if isinstance(step, str) and isinstance(document, dict):
            document = document.get(step)
        elif isinstance(step, int) and isinstance(document, list) and 0 <= step < len(document):
            document = document[step]
        else:
            return None
    return document


def list_at(document: object, *path: str | int) -> list[Any]:
    """The list at a path, an empty one where there is none."""
    found = value_at(document, *path)
    return found if isinstance(found, list) else []


def first_at(document: object, *path: str | int) -> dict[str, Any]:
    """The first element of the list at a path; an empty one if it is no object."""
    found = value_at(document, *path, 0)
    return found if isinstance(found, dict) else {}


def milliseconds_of(value: object, factor: int = 1) -> int:
    """A number of milliseconds, or of seconds with the factor 1000.

    Raises:
      RefusalError: if it is none, or not finite: JSON as Python reads it has infinity, and numbers
        without end.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RefusalError(Reason.MALFORMED_CUE, "expected numbers for start and end")
    if not math.isfinite(value) or abs(value) > 1e15:
        raise RefusalError(Reason.MALFORMED_CUE, "expected finite times")
    return round(value * factor)


def time_of(value: object, factor: int = 1) -> int | None:
    """Milliseconds of a time in any dress: a number, `"12.5"`, `"12.5s"`, `"00:00:12,500"`.

    Args:
      value: as the document has it.
      factor: milliseconds of one, where it is a number.

    Returns:
      None for what cannot be read, as words are worth more than times.
    """
    if isinstance(value, str):
        written = _NUMBER.fullmatch(value)
        if written is None:
            return loose_clock_ms(value) if _CLOCK.fullmatch(value) else None
        value = float(written[1])
    try:
        return milliseconds_of(value, factor)
    except RefusalError:
        return None


def text_of(value: object) -> str:
    """A string as it is.

    Raises:
      RefusalError: if it is none.
    """
    if not isinstance(value, str):
        raise RefusalError(Reason.MALFORMED_CUE, "expected a text")
    return value


def name_of(value: object) -> str | None:
    """A name, or the number that stands for one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return value if isinstance(value, str) else str(value)


def language_of(value: object) -> str | None:
    """A code of a language; None for anything else."""
    return value if isinstance(value, str) and _LANGUAGE.fullmatch(value) else None
