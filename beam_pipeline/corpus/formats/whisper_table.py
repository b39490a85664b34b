"""Tables of Whisper and whisper.cpp: columns `start`, `end`, `text`, at most a `speaker` with them.

They are cues, not rows of a data set: times in whole milliseconds, or in seconds with a point. In
lines with tabs nothing is quoted.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues, lines_of
from beam_pipeline.corpus.formats.cue_builder import CueBuilder
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_EXTENSIONS = (".csv", ".tsv", ".txt")
_HEADER = re.compile(
    r"\s*\"?start\"?([,\t])\"?end\"?\1(?:\"?(speaker)\"?\1)?\"?text\"?[ ]*(?=[\r\n])", re.IGNORECASE
)
_NUMBER = re.compile(r"\s*\d{1,12}(?:\.\d{1,12})?\s*", re.ASCII)


class _Row(NamedTuple):
    """A line, cut into cells; no cells where it cannot be cut."""

    number: int
    cells: list[str]


def find_whisper_table(text: RawText) -> Evidence | None:
    """The header."""
    return text.at_start(_HEADER) if text.extension in _EXTENSIONS else None


def read_whisper_table(text: str) -> ParsedCues:
    """Reads every row as a cue.

    Raises:
      RefusalError: if there is no such header.
    """
    header = _HEADER.match(text[: limits.MAX_TIMING_CHARS])
    if header is None:
        raise RefusalError(Reason.MALFORMED_FILE, "expected a header with start, end and text")
    named = header[2] is not None
    rows = [*_rows(text, header[1])]
    factor = 1000 if any("." in cell for row in rows for cell in row.cells[:2]) else 1
    builder = CueBuilder("line")
    for row in rows:
        try:
            start, end, *names, speech = _checked(row.cells, named)
            start_ms, end_ms = _time(start, factor), _time(end, factor)
        except RefusalError as error:
            builder.refuse(row.number, error)
        else:
            name = names[0].strip() or None if names else None
            builder.add(row.number, start_ms, end_ms, speech.split("\n"), name)
    return builder.build()


def _rows(text: str, delimiter: str) -> Iterator[_Row]:
    """The lines after the header."""
    found = False
    for number, line in enumerate(lines_of(text), 1):
        if not line.strip() or not found:
            found = found or bool(line.strip())
            continue
        if len(line) > limits.MAX_LINE_CHARS:
            yield _Row(number, [])
        elif delimiter == "\t":
            yield _Row(number, line.split("\t"))
        else:
            yield _Row(number, _quoted(line))


def _quoted(line: str) -> list[str]:
    try:
        # whisper.cpp escapes a quote with a backslash
        return next(csv.reader([line.replace('\\"', '""')], strict=True, skipinitialspace=True))
    except csv.Error:
        return []


def _checked(cells: list[str], named: bool) -> list[str]:
    expected = 4 if named else 3
    if len(cells) != expected:
        detail = f"expected {expected} cells as in the header, found {len(cells)}"
        raise RefusalError(Reason.MALFORMED_CUE, detail)
    return cells


def _time(cell: str, factor: int) -> int:
    if not _NUMBER.fullmatch(cell):
        raise RefusalError(Reason.MALFORMED_CUE, "expected numbers for start and end")
    return round(float(cell) * factor)


FORMAT = CueFormat(
    name="whisper_table",
    title="Whisper as a table",
    shared_extensions=(".tsv", ".csv"),
    recognise=find_whisper_table,
    read=read_whisper_table,
    known_by="a header of `start`, `end`, `text` alone, or `speaker` before `text`",
    item="a line after the header",
    speaker="column `speaker`",
)
