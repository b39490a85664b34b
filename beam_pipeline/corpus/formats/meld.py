"""MELD: a CSV of utterances of Friends, with the official names of its columns."""

from __future__ import annotations

from beam_pipeline.corpus.formats.delimited import header_of, read_delimited
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.sheets import Sheet

_COLUMNS = (
    ("text", "Utterance"),
    ("speaker", "Speaker"),
    ("dialogue", "Dialogue_ID"),
    ("season", "Season"),
    ("episode", "Episode"),
    ("start_ms", "StartTime"),
    ("end_ms", "EndTime"),
    ("label", "Emotion"),
    ("utterance", "Utterance_ID"),
)


def is_meld(text: str) -> bool:
    """Whether the text begins with the header of MELD."""
    return {name for _, name in _COLUMNS}.issubset(header_of(text))


def read_meld(text: str) -> Sheet:
    """Reads rows, under our names for the columns; all are of the show Friends."""
    sheet = read_delimited(text, ReadOptions("", columns=_COLUMNS))
    columns = {field: sheet.columns[name] for field, name in _COLUMNS}
    return Sheet(
        names=(*columns, "show"),
        columns={**columns, "show": ["Friends"] * len(sheet.numbers)},
        numbers=sheet.numbers,
        refused=sheet.refused,
    )
