"""Which format a file is in: by its content, and only where that shows nothing by its extension."""

from __future__ import annotations

import importlib
import operator
import pkgutil
from collections.abc import Iterator
from typing import Final, NamedTuple

from beam_pipeline.corpus import formats
from beam_pipeline.corpus.formats.format import BinaryFormat, Format, RawText, TextFormat
from beam_pipeline.corpus.formats.json_values import EXTENSION as JSON_EXTENSION
from beam_pipeline.corpus.formats.json_values import parse_document
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason


def _records() -> Iterator[Format]:
    """The record of each module of `formats` that has one."""
    for module in pkgutil.iter_modules(formats.__path__, f"{formats.__name__}."):
        record = getattr(importlib.import_module(module.name), "FORMAT", None)
        if isinstance(record, Format):
            yield record


FORMATS: Final = tuple(sorted(_records(), key=lambda one: one.title.casefold()))
"""All formats that are read, by title. Nothing depends on their order but what is shown."""

_TEXTS = tuple(one for one in FORMATS if isinstance(one, TextFormat))
_BINARIES = tuple(one for one in FORMATS if isinstance(one, BinaryFormat))


class Rank(NamedTuple):
    """How a format stands among those that a text shows: the least one is the format of the text.

    Attributes:
      start: where its evidence starts, in characters.
      negative_length: of the evidence; the longest is the least.
      foreign: whether the file has an extension of another format.
    """

    start: int
    negative_length: int
    foreign: bool


def detect_binary(data: bytes, extension: str) -> BinaryFormat | None:
    """The format of bytes that are no text, None if they may be one.

    Args:
      data: the whole file.
      extension: of the file, in lower case: `.parquet`.
    """
    fitting = (one for one in _BINARIES if data.startswith(one.magic))
    named = (one for one in _BINARIES if extension in one.extensions)
    return next(fitting, None) or next(named, None)


def detect(text: str, extension: str, name: str = "") -> TextFormat:
    """The format of a text.

    Args:
      text: the whole of it.
      extension: of the file, in lower case: `.srt`.
      name: of the file, in lower case.

    Raises:
      RefusalError: if it is none that is read, or is to be JSON and is not.
    """
    shown = ranked(RawText(text, extension, name))
    if shown:
        return shown[0][1]
    named = [one for one in _TEXTS if extension in one.extensions]
    if extension == JSON_EXTENSION:
        # a document that is cut off shows no format; the error tells where
        parse_document(text)
    if not named:
        known = ", ".join(one.title for one in FORMATS)
        raise RefusalError(
            Reason.UNKNOWN_FORMAT, f"expected {known}; found none of them, extension '{extension}'"
        )
    return named[0]


def ranked(text: RawText) -> list[tuple[Rank, TextFormat]]:
    """The formats that a text shows, the one that it is in first."""
    ranks: list[tuple[Rank, TextFormat]] = []
    for one in _TEXTS:
        if evidence := one.recognise(text):
            start, end = evidence
            ranks.append((Rank(start, start - end, text.extension not in one.extensions), one))
    return sorted(ranks, key=operator.itemgetter(0))
