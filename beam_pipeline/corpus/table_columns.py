"""A table as it was read, and which of its columns is what.

Columns are known by these names, in any case; `ReadOptions.columns` goes before them:

- text: `text`, else `transcript`, else `utterance` where that holds words
- dialogue: `dialogue`, `dialogue_id`, `scene`, `scene_id`
- label: `label`, `emotion`
- speaker: `speaker`, `speaker_name`
- all others: by their own name

A table that emonet wrote is known by `model_id` or `prob_*` next to `label`: what stands there is a
prediction and never gold, and an episode without numbers is named by `episode_id`.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from beam_pipeline.corpus.options import FIELDS, ReadOptions
from beam_pipeline.corpus.refusals import Refusal, RefusalError
from beam_pipeline.records import Reason

Column = Sequence[object]

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
    return [name for name in dict.fromkeys(names) if name in renamed or _folded(name) in _KNOWN]


def resolve_columns(table: RawTable, options: ReadOptions) -> dict[str, Column]:
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
    if "text" not in fields:
        raise _missing("text", "text", table.names)
    return fields


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
