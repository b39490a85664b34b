"""JSON lines: an object a line, its keys the columns; or a JSON list of such objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.cue_blocks import lines_of
from beam_pipeline.corpus.formats.format import Evidence, RawText, TableFormat
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.refusals import Refusal, RefusalError, note
from beam_pipeline.corpus.table_columns import RawTable, wanted
from beam_pipeline.records import Reason

_MAX_NAMES = 1_000
_OBJECT = re.compile(r"\s*\{\s*(?:\"|\})")
_LIST = re.compile(r"\s*\[\s*\{")
_SECOND_OBJECT = re.compile(r"\}[ \t]*[\r\n]\s*\{\s*[\"}]")


def find_jsonl(text: RawText) -> Evidence | None:
    """The begin of an object or of a list of them; a file `.json` must show that it has several."""
    rows = text.at_start(_LIST)
    if rows or text.extension != ".json":
        return rows or text.at_start(_OBJECT)
    several = _SECOND_OBJECT.search(text.head) and text.json is None
    return text.at_start(_OBJECT) if several else None


def read_jsonl(text: str, options: ReadOptions) -> RawTable:
    """Reads rows, numbered by their lines or places in the list; others than objects are refused.

    Raises:
      RefusalError: if it is a list that is no JSON.
    """
    rows, numbers, refused = read_objects(text)
    names = _names(rows)
    columns = {name: [row.get(name) for row in rows] for name in wanted(names, options)}
    return RawTable(names, columns, numbers, tuple(refused))


def read_objects(text: str) -> tuple[list[dict[str, object]], list[int], list[Refusal]]:
    """The objects of a file, their numbers, and what is refused.

    Raises:
      RefusalError: if it is a list that is no JSON.
    """
    rows: list[dict[str, object]] = []
    numbers: list[int] = []
    refused: list[Refusal] = []
    listed = _LIST.match(text) is not None
    for number, row in enumerate(_listed(text), 1) if listed else _numbered_lines(text):
        try:
            rows.append(_object(row) if listed else parse_object(str(row)))
            numbers.append(number)
        except RefusalError as error:
            note(refused, error.at(f"row {number}"))
    return rows, numbers, refused


def parse_object(text: str) -> dict[str, object]:
    """Reads one JSON object.

    Raises:
      RefusalError: if it is too long, no JSON, no object, or has half of a character in it.
    """
    if len(text) > limits.MAX_LINE_CHARS:
        raise RefusalError(
            Reason.TEXT_TOO_LONG, f"expected a line of at most {limits.MAX_LINE_CHARS} characters"
        )
    return _object(parse_json(text))


def _object(parsed: object) -> dict[str, object]:
    if not isinstance(parsed, dict):
        raise RefusalError(Reason.MALFORMED_ROW, "expected a JSON object")
    return parsed


def _listed(text: str) -> list[object]:
    try:
        parsed = parse_json(text)
    except RefusalError as error:
        raise RefusalError(Reason.MALFORMED_FILE, error.detail) from error
    return parsed if isinstance(parsed, list) else []


def parse_json(text: str) -> object:
    """Reads JSON of which every string can be written as UTF-8.

    Raises:
      RefusalError: if it is no JSON, nested too deeply, or has half of a character in it.
    """
    try:
        parsed: object = json.loads(text)
        # Only an escape can stand for half of a character, which no encoding can write.
        if "\\u" in text:
            json.dumps(parsed, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        detail = f"expected JSON, found a fault in line {error.lineno}, column {error.colno}"
        raise RefusalError(Reason.MALFORMED_ROW, detail) from error
    except (ValueError, RecursionError) as error:
        raise RefusalError(Reason.MALFORMED_ROW, "expected JSON") from error
    return parsed


def _numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(lines_of(text), 1) if line.strip())


def _names(rows: list[dict[str, object]]) -> tuple[str, ...]:
    """The keys of all rows in the order in which they first appear, up to a limit."""
    names: dict[str, None] = {}
    for row in rows:
        if len(names) < _MAX_NAMES:
            names.update(dict.fromkeys(row))
    return tuple(names)


FORMAT = TableFormat(
    name="jsonl",
    title="JSON lines, lists of JSON objects",
    extensions=(".jsonl", ".ndjson"),
    shared_extensions=(".json",),
    recognise=find_jsonl,
    read=read_jsonl,
    known_by="an object, in a file `.json` several, or a list of them",
    item="a line; an object of a list",
    speaker="column `speaker`",
)
