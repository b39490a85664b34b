"""JSON lines: an object an utterance."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa

from emonet.emotions import Emotions
from emonet.export.target import Export, Target, one_file


def export(emotions: Emotions) -> Export:
    """One file with all columns."""
    return one_file(b"".join(_lines(_with_short_numbers(emotions.plain_rows))), emotions)


def _with_short_numbers(rows: pa.Table) -> pa.Table:
    """Float32 as the shortest decimals that are read as the same float32 again."""
    for at, field in enumerate(rows.schema):
        if field.type == pa.float32():
            short = rows.column(at).cast(pa.string()).cast(pa.float64())
            rows = rows.set_column(at, field.name, short)
    return rows


def _lines(rows: pa.Table) -> Iterator[bytes]:
    for batch in rows.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            yield json.dumps(row, ensure_ascii=False).encode() + b"\n"


TARGET = Target(is_folder=False, export=export)
