"""Parquet: columns as they are."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.format import BinaryTableFormat
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.corpus.table_columns import RawTable, wanted
from beam_pipeline.corpus.unpacking import check_size
from beam_pipeline.records import Reason


def read_parquet(data: bytes, options: ReadOptions) -> RawTable:
    """Reads those columns that may be of use.

    Raises:
      RefusalError: if the file is damaged or too large.
    """
    try:
        return _read(pq.ParquetFile(pa.BufferReader(data)), options)
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        raise RefusalError(Reason.MALFORMED_FILE, "the Parquet file is damaged") from error


def _read(file: pq.ParquetFile, options: ReadOptions) -> RawTable:
    _check_limits(file.metadata)
    names = tuple(file.schema_arrow.names)
    table = file.read(columns=wanted(names, options), use_threads=False)
    table.validate(full=True)
    columns = {
        name: column.to_pylist()
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return RawTable(names, columns, range(1, file.metadata.num_rows + 1))


def _check_limits(metadata: pq.FileMetaData) -> None:
    groups = range(metadata.num_row_groups)
    check_size(sum(metadata.row_group(at).total_byte_size for at in groups))
    if metadata.num_rows > limits.MAX_ROWS:
        detail = f"expected at most {limits.MAX_ROWS} rows, found {metadata.num_rows}"
        raise RefusalError(Reason.FILE_TOO_LARGE, detail)


FORMAT = BinaryTableFormat(
    name="parquet",
    title="Parquet",
    extensions=(".parquet",),
    magic=(b"PAR1",),
    read=read_parquet,
    known_by="`PAR1`, or the extension",
    item="a row",
    speaker="column `speaker`",
)
