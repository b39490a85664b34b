"""Parquet: all nights in one file, in the order of the timeline."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from emonet.emotions import Emotions
from emonet.export.target import Export, Target, one_file


def export(emotions: Emotions) -> Export:
    """One file with all columns."""
    sink = pa.BufferOutputStream()
    pq.write_table(emotions.plain_rows, sink, compression="zstd")
    return one_file(sink.getvalue().to_pybytes(), emotions)


TARGET = Target(is_folder=False, export=export)
