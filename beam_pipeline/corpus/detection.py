"""Which format a file is in: by its content, and only where that shows nothing by its extension."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Final

from beam_pipeline.corpus import formats
from beam_pipeline.corpus.formats.format import BinaryTableFormat, Format, RawText, TextFormat
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
_BINARIES = tuple(one for one in FORMATS if isinstance(one, BinaryTableFormat))


def detect_binary(data: bytes, extension: str) -> BinaryTableFormat | None:
    """The format of bytes that are no text, None if they may be one.

    Args:
      data: the whole file.
      extension: of the file, in lower case: `.parquet`.
    """
    fitting = (one for one in _BINARIES if data.startswith(one.magic))
    named = (one for one in _BINARIES if extension in one.extensions)
    return next(fitting, None) or next(named, None)


def detect(text: str, extension: str) -> TextFormat:
    """The format of a text.

    Of several formats that it shows that one is taken whose evidence begins first, of those the one
    with the longest evidence, of those the one that has the file's extension.

    Args:
      text: the whole of it.
      extension: of the file, in lower case: `.srt`.

    Raises:
      RefusalError: if it is none that is read.
    """
    raw = RawText(text, extension)
    shown = {one: evidence for one in _TEXTS if (evidence := one.recognise(raw))}
    named = [one for one in _TEXTS if extension in one.extensions]
    if not shown and not named:
        known = ", ".join(one.title for one in FORMATS)
        raise RefusalError(
            Reason.UNKNOWN_FORMAT, f"expected {known}; found none of them, extension '{extension}'"
        )

    def rank(one: TextFormat) -> tuple[int, int, bool]:
        begin, end = shown[one]
        return begin, -end, one not in named

    return min(shown, key=rank) if shown else named[0]
