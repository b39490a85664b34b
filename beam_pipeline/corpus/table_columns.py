"""A table as it was read, and which of its columns is what.

Columns are known by these names, in any case; `ReadOptions.columns` goes before them:

- text: `text`, else `transcript`, else `utterance` where that holds words
- dialogue: `dialogue`, `dialogue_id`, `scene`, `scene_id`
- label: `label`, `emotion`
- speaker: `speaker`, `speaker_name`
- all others: by their own name

Where a field has none of these, `column_names` tells what people call it, and the table tells what
was assumed.

A table that emonet wrote is known by `model_id` or `prob_*` next to `label`: what stands there is a
prediction and never gold, and an episode without numbers is named by `episode_id`.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from beam_pipeline.corpus import column_names
from beam_pipeline.corpus.column_names import Column
from beam_pipeline.corpus.options import FIELDS, ReadOptions
from beam_pipeline.corpus.refusals import Refusal, RefusalError
from beam_pipeline.records import Reason

_PREDICTED = "label"
_EPISODE_ID = "episode_id"
_OF_SEASON = re.compile(r"s\d{2,}(?:-(?P<name>.*))?", re.DOTALL)
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "transcript"),
    "dialogue": ("dialogue", "dialogue_id", "scene", "scene_id"),
    "label": (_PREDICTED, "emotion"),
    "speaker": ("speaker", "speaker_name"),
}
_KNOWN = frozenset(FIELDS).union(*_ALIASES.values(), [_EPISODE_ID])


@dataclasses.dataclass(frozen=True)
class RawTable:
    """The rows of a file that has no times of its own or has them as columns.

    Attributes:
      names: of all columns of the file.
      columns: those that may be of use, by name, all of one length.
      numbers: of the rows in the file, from 1.
      refused: rows that are in no column.
    """

    names: tuple[str, ...]
    columns: Mapping[str, Column]
    numbers: Sequence[int]
    refused: tuple[Refusal, ...] = ()

    @property
    def found(self) -> int:
        """Rows of the file, read and refused."""
        return len(self.numbers) + len(self.refused)


def wanted(names: Sequence[str], options: ReadOptions) -> list[str]:
    """Those names of columns that may be of use, in their order, each once."""
    renamed = set(options.renamed.values())
    return [
        name
        for name in dict.fromkeys(names)
        if name in renamed or _folded(name) in _KNOWN or column_names.is_known(name)
    ]


class Columns(NamedTuple):
    """The column of each of our fields that a table has, and what was assumed of whose names."""

    fields: dict[str, Column]
    assumed: tuple[str, ...]


def resolve_columns(table: RawTable, options: ReadOptions) -> Columns:
    """The column of each of our fields that the table has.

    Raises:
      RefusalError: if there is no column for `text`, none of a name that the user gave, or the
        user names predictions as labels.
    """
    fields = _known_columns(table)
    for field, name in options.renamed.items():
        if field == "label" and _folded(name) == _PREDICTED and has_predictions(table):
            detail = f"column '{name}' is what emonet predicted; name one with gold labels"
            raise RefusalError(Reason.MISSING_COLUMN, detail)
        if name not in table.columns:
            raise _missing(field, name, table.names)
        fields[field] = table.columns[name]
    assumed = [*_assume(table, fields)]
    if "text" not in fields:
        raise _missing("text", "text", table.names)
    return Columns(fields, tuple(assumed))


def _assume(table: RawTable, fields: dict[str, Column]) -> Iterator[str]:
    """Adds the columns that have other names than ours, and tells of each."""
    columns = {column_names.folded(name): column for name, column in table.columns.items()}
    free = {
        name: column
        for name, column in columns.items()
        if not any(column is taken for taken in fields.values())
    }
    # a table with a text of its own may have any other columns, but no table has two texts
    found = dict(column_names.theirs(free, [field for field in FIELDS if field not in fields]))
    for field, name in found.items():
        fields[field] = free[name]
        yield f"{field}={column_names.without_unit(name)[0]}"
    if "start_ms" in found:
        end = fields.get("end_ms") if "end_ms" in found else None
        if "end_ms" not in fields:
            end = column_names.ends_of(fields["start_ms"], columns)
        start, end, unit = column_names.in_milliseconds(fields["start_ms"], end, found["start_ms"])
        fields["start_ms"] = start
        if end is not None:
            fields["end_ms"] = end
        if unit:
            yield f"times in {unit}"


def has_predictions(table: RawTable) -> bool:
    """Whether the labels of a table are what emonet predicted."""
    names = set(map(_folded, table.names))
    made = "model_id" in names or any(name.startswith("prob_") for name in names)
    return made and _PREDICTED in names


def _known_columns(table: RawTable) -> dict[str, Column]:
    by_name = {_folded(name): column for name, column in reversed([*table.columns.items()])}
    if has_predictions(table):
        del by_name[_PREDICTED]
        if _EPISODE_ID in by_name:
            by_name["episode"] = list(_episodes(by_name))
    fields = {}
    for field in FIELDS:
        names = [name for name in _ALIASES.get(field, (field,)) if name in by_name]
        if names:
            fields[field] = by_name[names[0]]
    if "text" not in fields and _holds_words(fields.get("utterance", ())):
        fields["text"] = fields.pop("utterance")
    if "text" not in fields and column_names.holds_sentences(by_name.get("dialogue", ["1"])):
        del fields["dialogue"]
        scene = next((name for name in _ALIASES["dialogue"][1:] if name in by_name), None)
        if scene:
            fields["dialogue"] = by_name[scene]
    return fields


def _episodes(by_name: Mapping[str, Column]) -> Iterator[object]:
    """The number of each row's episode, or its name in the show where it has no number."""
    numbers = (by_name.get(name, itertools.repeat(None)) for name in ("season", "episode"))
    for episode_id, season, number in zip(by_name[_EPISODE_ID], *numbers, strict=False):
        if number not in (None, "") or not isinstance(episode_id, str):
            yield number
            continue
        name = episode_id.rpartition("/")[2]
        of_season = _OF_SEASON.fullmatch(name) if season not in (None, "") else None
        yield of_season["name"] if of_season else name


def _holds_words(column: Column) -> bool:
    return any(isinstance(cell, str) and any(map(str.isalpha, cell)) for cell in column)


def _missing(field: str, name: str, names: Sequence[str]) -> RefusalError:
    # not their names: without a header these are the cells of the first row
    return RefusalError(
        Reason.MISSING_COLUMN,
        f"expected a header with a column '{name}', found {len(names)} columns of other names; "
        f"name it with --columns {field}=NAME",
    )


def _folded(name: str) -> str:
    return name.strip().casefold()
