"""XED: lines of subtitles, each with the numbers of its emotions after a tab; no header.

Öhman et al. 2020, "XED: A Multilingual Dataset for Sentiment Analysis and Emotion Detection". The
lines are single ones of many films: each is a dialogue of its own.
"""

from __future__ import annotations

import itertools
import re

from beam_pipeline.corpus.column_names import Column
from beam_pipeline.corpus.formats.cue_blocks import lines_of
from beam_pipeline.corpus.formats.format import DataSetFormat, Evidence, RawText
from beam_pipeline.corpus.refusals import Refusal, note
from beam_pipeline.corpus.table_columns import RawTable
from beam_pipeline.records import Reason

LABELS = (
    "neutral",
    "anger",
    "anticipation",
    "disgust",
    "fear",
    "joy",
    "sadness",
    "surprise",
    "trust",
)
"""Plutchik's eight emotions, and none of them, in the order of XED's numbers."""

_ROW = re.compile(r"([^\t]*)\t([0-8](?:, ?[0-8])*)")
_ROWS_LOOKED_AT = 20


def find_xed(text: RawText) -> Evidence | None:
    """The first rows, if all of them are of XED's form."""
    rows = list(itertools.islice(lines_of(text.head), _ROWS_LOOKED_AT))
    return (0, sum(map(len, rows))) if rows and all(map(_ROW.fullmatch, rows)) else None


def read_xed(text: str) -> RawTable:
    """Reads rows; the label of a line with several emotions is all their names, `anger+fear`."""
    texts: list[str] = []
    labels: list[str] = []
    numbers: list[int] = []
    refused: list[Refusal] = []
    for number, line in enumerate(lines_of(text), 1):
        row = _ROW.fullmatch(line)
        if row:
            texts.append(row[1])
            labels.append("+".join(LABELS[found] for found in sorted(map(int, row[2].split(",")))))
            numbers.append(number)
        elif line.strip():
            detail = "expected a text, a tab, and numbers from 0 to 8"
            note(refused, Refusal(f"row {number}", Reason.MALFORMED_ROW, detail))
    columns: dict[str, Column] = {"text": texts, "dialogue": numbers, "label": labels}
    return RawTable(tuple(columns), columns, numbers, tuple(refused))


FORMAT = DataSetFormat(
    name="xed",
    title="XED",
    shared_extensions=(".tsv",),
    recognise=find_xed,
    read=read_xed,
    known_by="its rows: a text, a tab, numbers from 0 to 8",
    item="a row, a dialogue of its own",
)
