"""EmoryNLP emotion detection: episodes of scenes of utterances of Friends, as official JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator

from beam_pipeline.corpus.formats.format import DataSetFormat
from beam_pipeline.corpus.formats.jsonl import parse_json
from beam_pipeline.corpus.refusals import Refusal, RefusalError, note
from beam_pipeline.corpus.table_columns import RawTable
from beam_pipeline.records import Reason

_SHAPE = re.compile(r"\s*\{\s*(?:\"season_id\"\s*:\s*\"?\w*\"?\s*,\s*)?\"episodes\"\s*:\s*\[")
_FIELDS = ("text", "speaker", "dialogue", "show", "episode", "label")


def read_emorynlp(text: str) -> RawTable:
    """Reads utterances as rows under our names for the columns; all are of the show Friends.

    Raises:
      RefusalError: if it is no JSON of that shape.
    """
    rows: list[tuple[object, ...]] = []
    numbers: list[int] = []
    refused: list[Refusal] = []
    for number, row in enumerate(_rows(_parse(text)), 1):
        if row is None:
            detail = "expected an object with transcript, speakers and emotion"
            note(refused, Refusal(f"row {number}", Reason.MALFORMED_ROW, detail))
        else:
            rows.append(row)
            numbers.append(number)
    columns = dict(zip(_FIELDS, zip(*rows, strict=True), strict=True)) if rows else {}
    return RawTable(_FIELDS, columns, numbers, tuple(refused))


def _parse(text: str) -> object:
    try:
        return parse_json(text)
    except RefusalError as error:
        raise RefusalError(Reason.MALFORMED_FILE, error.detail) from error


def _rows(season: object) -> Iterator[tuple[object, ...] | None]:
    """Cells of each utterance in the order of `_FIELDS`; None for one that is no object."""
    for episode in _items(season, "episodes"):
        for scene in _items(episode, "scenes"):
            for utterance in _items(scene, "utterances"):
                yield _row(_value(episode, "episode_id"), _value(scene, "scene_id"), utterance)


def _row(episode: object, scene: object, utterance: object) -> tuple[object, ...] | None:
    if not isinstance(utterance, dict):
        return None
    speakers, label = utterance.get("speakers"), utterance.get("emotion")
    return utterance.get("transcript"), speakers, scene, "Friends", episode, label


def _items(parent: object, key: str) -> list[object]:
    items = _value(parent, key)
    if not isinstance(items, list):
        raise RefusalError(Reason.MALFORMED_FILE, f"expected a list '{key}'")
    return items


def _value(parent: object, key: str) -> object:
    if not isinstance(parent, dict) or key not in parent:
        raise RefusalError(Reason.MALFORMED_FILE, f"expected an object with '{key}'")
    return parent[key]


FORMAT = DataSetFormat(
    name="emorynlp",
    title="EmoryNLP",
    shared_extensions=(".json",),
    recognise=lambda text: text.at_start(_SHAPE),
    read=read_emorynlp,
    known_by="its keys",
    item="an utterance",
    speaker="`speakers`, if there is one",
)
