"""MELD: a CSV of utterances of Friends, with the official names of its columns."""

from __future__ import annotations

from beam_pipeline.corpus.formats.delimited import header_of, read_delimited
from beam_pipeline.corpus.formats.format import DataSetFormat, Evidence, RawText
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.corpus.table_columns import RawTable
from beam_pipeline.records import Reason

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


def find_meld(text: RawText) -> Evidence | None:
    """The header, with all columns of MELD."""
    header = header_of(text.head)
    return (0, len(",".join(header))) if {name for _, name in _COLUMNS}.issubset(header) else None


def read_meld(text: str) -> RawTable:
    """Reads rows, under our names for the columns; all are of the show Friends.

    Raises:
      RefusalError: if there is no header with all columns of MELD.
    """
    table = read_delimited(text, ReadOptions("", columns=_COLUMNS))
    missing = next((name for _, name in _COLUMNS if name not in table.columns), None)
    if missing:
        raise RefusalError(Reason.MALFORMED_FILE, f"expected a header with MELD's '{missing}'")
    columns = {field: table.columns[name] for field, name in _COLUMNS}
    return RawTable(
        names=(*columns, "show"),
        columns={**columns, "show": ["Friends"] * len(table.numbers)},
        numbers=table.numbers,
        refused=table.refused,
    )


FORMAT = DataSetFormat(
    name="meld",
    title="MELD",
    shared_extensions=(".csv",),
    recognise=find_meld,
    read=read_meld,
    known_by="its header",
    item="a row",
    speaker="`Speaker`",
)
