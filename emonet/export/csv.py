"""CSV: a header, a row an utterance, for spreadsheets and R; texts are quoted, nulls are empty."""

from __future__ import annotations

import pyarrow as pa
from pyarrow import csv

from emonet.emotions import Emotions
from emonet.export.target import Export, Target, one_file


def export(emotions: Emotions) -> Export:
    """One file with all columns."""
    sink = pa.BufferOutputStream()
    csv.write_csv(emotions.plain_rows, sink)
    return one_file(sink.getvalue().to_pybytes(), emotions)


TARGET = Target(is_folder=False, export=export)
