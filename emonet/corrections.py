"""What a person says of lines that were labelled: files of corrections, held against the corpus.

A CSV file has the columns `episode_id`, `utterance` and `label`, as the page of `emonet report` and
`emonet sample` write it; an empty label is none. Label Studio's export is its JSON, not JSON-MIN
(https://labelstud.io/guide/export).
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipeline.records import EmonetError
from emonet.emotions import Emotions

_KEY = ("episode_id", "utterance")


@dataclasses.dataclass(frozen=True)
class Corrections:
    """Lines with the label that a person gives them.

    Attributes:
      places: of the lines among all of the corpus, (lines,) int64, each once.
      gold: the number of each label, (lines,) int64.
      strata: the stratum of each line, (lines,) int64; None where the lines are no sample.
      sizes: lines of the corpus in each stratum, (strata,) float64; none where they are no sample.
    """

    places: np.ndarray
    gold: np.ndarray
    strata: np.ndarray | None
    sizes: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """Lines of the corpus that each line stands for, (lines,) float64; 1 without a sample."""
        if self.strata is None:
            return np.ones(len(self.places))
        counts = np.bincount(self.strata, minlength=len(self.sizes))
        return np.asarray((self.sizes / np.maximum(counts, 1))[self.strata])


@dataclasses.dataclass(frozen=True)
class _Entry:
    """A row: where it stands in its file, and what it says of which utterance."""

    where: str
    episode_id: str
    utterance: int
    text: str | None
    label: str
    stratum: str | None
    weight: float


def read_corrections(path: str, emotions: Emotions) -> Corrections:
    """Reads a file of corrections.

    Args:
      path: CSV, or Label Studio's JSON if its name ends in `.json`.
      emotions: all lines of the corpus that it corrects.

    Raises:
      EmonetError: it cannot be read, has no label, or speaks of a line or label that there is not.
    """
    try:
        content = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise EmonetError(f"{path}: cannot be read: {type(error).__name__}") from error
    entries = [*(_tasks if path.endswith(".json") else _rows)(path, content)]
    places = _places(entries, emotions)
    number = {label: at for at, label in enumerate(emotions.labels)}
    kept, gold = [], []
    for at, entry in enumerate(entries):
        if entry.label and entry.label not in number:
            known = ", ".join(emotions.labels)
            raise EmonetError(f"{entry.where}: the label is none of {known}")
        if entry.label:
            kept.append(at)
            gold.append(number[entry.label])
    if not kept:
        raise EmonetError(f"{path}: no line has a label; fill in the column label")
    strata, sizes = _strata(entries)
    return Corrections(
        places[kept],
        np.array(gold, np.int64),
        None if strata is None else strata[kept],
        sizes,
    )


def _rows(path: str, content: str) -> Iterator[_Entry]:
    header = content.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","  # as some spreadsheets save
    rows = csv.DictReader(io.StringIO(content), restval="", delimiter=delimiter)
    missing = [name for name in (*_KEY, "label") if name not in (rows.fieldnames or ())]
    if missing:
        raise EmonetError(f"{path}: column {missing[0]} is missing")
    try:
        for row in rows:
            yield _entry(f"{path} line {rows.line_num}", row, (row["label"] or "").strip())
    except csv.Error as error:
        raise EmonetError(f"{path} line {rows.line_num}: is no CSV") from error


def _tasks(path: str, content: str) -> Iterator[_Entry]:
    """Tasks of Label Studio; where annotators differ, the label that most of them give."""
    try:
        for number, task in enumerate(json.loads(content), start=1):
            annotations = [one for one in task["annotations"] if not one.get("was_cancelled")]
            given = [
                choice
                for annotation in annotations
                for result in annotation["result"]
                for choice in result["value"]["choices"]
            ]
            label = Counter(given).most_common(1)[0][0] if given else ""
            yield _entry(f"{path} task {number}", task["data"], label)
    except (ValueError, KeyError, TypeError) as error:
        raise EmonetError(
            f"{path}: is no export of Label Studio in the format JSON; choose that in Export"
        ) from error


def _entry(where: str, cells: Mapping[str, Any], label: str) -> _Entry:
    try:
        utterance, weight = int(cells["utterance"]), float(cells.get("weight") or 0)
    except (ValueError, TypeError) as error:
        raise EmonetError(f"{where}: its utterance or weight is no number") from error
    stratum = cells.get("stratum") or None
    episode_id, text = str(cells["episode_id"]), cells.get("text")
    return _Entry(where, episode_id, utterance, text, label, stratum, weight)


def _places(entries: list[_Entry], emotions: Emotions) -> np.ndarray:
    """Where the utterance of each entry is among all, (entries,) int64."""
    ids = pa.array(sorted({entry.episode_id for entry in entries}))
    at = np.flatnonzero(pc.is_in(emotions.rows["episode_id"], ids).to_numpy())
    rows = emotions.rows.select([*_KEY, "text"]).take(pa.array(at)).to_pylist()
    known = {
        (row["episode_id"], row["utterance"]): (int(place), row["text"])
        for place, row in zip(at, rows, strict=True)
    }
    places: dict[int, str] = {}
    for entry in entries:
        found = known.get((entry.episode_id, entry.utterance))
        if found is None:
            raise EmonetError(
                f"{entry.where}: there is no such episode and utterance in the corpus"
            )
        place, text = found
        if entry.text is not None and entry.text.split() != text.split():
            raise EmonetError(
                f"{entry.where}: that utterance has another text in the corpus; give the output "
                "that the corrections were made on"
            )
        if place in places:
            raise EmonetError(f"{entry.where}: {places[place]} is of the same utterance")
        places[place] = entry.where
    return np.array([*places], np.int64)


def _strata(entries: list[_Entry]) -> tuple[np.ndarray | None, np.ndarray]:
    """The stratum of each entry, and what its lines stand for; None where one has no weight."""
    if any(entry.stratum is None or entry.weight <= 0 for entry in entries):
        return None, np.zeros(0)
    names, strata = np.unique([str(entry.stratum) for entry in entries], return_inverse=True)
    # lines that were left without a label are stood for by the others of their stratum
    sizes = np.bincount(strata, [entry.weight for entry in entries], minlength=len(names))
    return strata, sizes
