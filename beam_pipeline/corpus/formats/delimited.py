"""CSV and its kin: a header, then rows of cells between commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.format import TableFormat
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.refusals import Refusal, RefusalError, note
from beam_pipeline.corpus.table_columns import RawTable, wanted
from beam_pipeline.records import Reason

_DELIMITERS = ",\t;"


def read_delimited(text: str, options: ReadOptions) -> RawTable:
    """Reads rows; those with more or fewer cells than the header are refused.

    Raises:
      RefusalError: if there is no header that can be read.
    """
    rows = _rows(text)
    header = next(rows, None)
    if not isinstance(header, list):
        raise RefusalError(Reason.MALFORMED_FILE, "expected a header with the names of the columns")
    return _raw_table(header, rows, options)


def header_of(text: str) -> list[str]:
    """The names of the columns, or none where the first line cannot be a header."""
    header = next(_rows(text), None)
    return header if isinstance(header, list) else []


def _raw_table(
    header: list[str], rows: Iterator[list[str] | Refusal], options: ReadOptions
) -> RawTable:
    names = wanted(header, options)
    positions = [(name, header.index(name)) for name in names]
    columns: dict[str, list[str]] = {name: [] for name in names}
    numbers: list[int] = []
    refused: list[Refusal] = []
    for number, row in enumerate(rows, 1):
        if isinstance(row, Refusal) or len(row) != len(header):
            note(refused, _refusal(row, len(header), number))
            continue
        numbers.append(number)
        for name, position in positions:
            columns[name].append(row[position])
    return RawTable(tuple(header), columns, numbers, tuple(refused))


def _refusal(row: list[str] | Refusal, cells: int, number: int) -> Refusal:
    position = f"row {number}"
    if isinstance(row, Refusal):
        return Refusal(position, row.reason, row.detail)
    detail = f"expected {cells} cells as in the header, found {len(row)}"
    return Refusal(position, Reason.MALFORMED_ROW, detail)


def _rows(text: str) -> Iterator[list[str] | Refusal]:
    """Rows and refused rows in file order; the reader takes up again on the next line."""
    first = text[: limits.MAX_LINE_CHARS].split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    refused: list[Refusal] = []
    reader = csv.reader(_short_lines(text, refused), delimiter=delimiter, strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            yield Refusal("", Reason.MALFORMED_ROW, "expected cells, quoted where they need it")
            continue
        yield from refused
        refused.clear()
        if row is None:
            return
        if row:
            yield row


def _short_lines(text: str, refused: list[Refusal]) -> Iterator[str]:
    """The lines of a text with their ends; in place of one that is too long, an empty one."""
    for line in io.StringIO(text, newline=""):
        if len(line) > limits.MAX_LINE_CHARS:
            detail = f"expected a line of at most {limits.MAX_LINE_CHARS} characters"
            refused.append(Refusal("", Reason.TEXT_TOO_LONG, detail))
            yield "\n"
        else:
            yield line


FORMAT = TableFormat(
    name="csv",
    title="CSV, TSV",
    extensions=(".csv", ".tsv"),
    read=read_delimited,
    known_by="the extension",
    item="a row",
    speaker="column `speaker`",
)
