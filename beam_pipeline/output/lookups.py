"""Look-ups: the rows of a few keys, of which no more is read than the row groups that have them.

A small file is read whole and held against its sha256. Of a larger one the footer is held against
a sha256, which has the places and the least and greatest key of each row group, and every page that
is read against its checksum.
"""

from __future__ import annotations

import hashlib
import io
from bisect import bisect_left, bisect_right

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beam_pipeline.output.manifest import Part, checked
from beam_pipeline.output.tables import footer_size
from beam_pipeline.records import EmonetError
from beam_pipeline.storage import Storage

_WHOLE_BYTES = 256 * 1024
"""Up to this size a file is read in one request."""

_TAIL_BYTES = 64 * 1024
"""What is read at first: Parquet's own reader begins with as much."""


def rows_with(storage: Storage, part: Part, keys: pa.Array) -> pa.Table:
    """The rows of a file of which the first column is one of the keys.

    Args:
      storage: of OUT.
      part: the file, sorted by its first column, which has no nulls.
      keys: strings, each once, at least one.

    Raises:
      EmonetError: it is missing, or not the one that the manifest names.
    """
    if not part.footer_sha256 or part.size <= _WHOLE_BYTES:
        return _with_keys(pa.BufferReader(checked(storage, part.path, part.sha256)), keys)
    try:
        return _with_keys(pa.PythonFile(_Ranges(storage, part), mode="r"), keys)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _damaged(storage, part) from error


def _with_keys(source: pa.NativeFile, keys: pa.Array) -> pa.Table:
    file = pq.ParquetFile(source, page_checksum_verification=True, pre_buffer=True)
    rows = file.read_row_groups(_groups(file.metadata, keys), use_threads=False)
    return rows.filter(pc.is_in(rows.column(0), value_set=keys))


def _groups(metadata: pq.FileMetaData, keys: pa.Array) -> list[int]:
    """The row groups that may have one of the keys."""
    bounds = [
        metadata.row_group(group).column(0).statistics for group in range(metadata.num_row_groups)
    ]
    if any(one is None or not one.has_min_max for one in bounds):
        return list(range(metadata.num_row_groups))
    ordered = sorted(keys.to_pylist())
    return [
        group
        for group, bound in enumerate(bounds)
        if bisect_left(ordered, bound.min) < bisect_right(ordered, bound.max)
    ]


class _Ranges(io.RawIOBase):
    """A file of a storage whose footer is right, and of which the rest is read when asked for."""

    def __init__(self, storage: Storage, part: Part):
        super().__init__()
        self._storage, self._part, self._at = storage, part, 0
        self._tail = self._read_tail(min(part.size, _TAIL_BYTES))
        size = footer_size(self._tail)
        if len(self._tail) < size <= part.size:
            self._tail = self._read_tail(size)
        if hashlib.sha256(self._tail[-size:]).hexdigest() != part.footer_sha256:
            raise _damaged(storage, part)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._part.size}[whence]
        self._at = start + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._part.size if size < 0 else min(self._at + size, self._part.size)
        tail_from = self._part.size - len(self._tail)
        content = b""
        if self._at < tail_from:
            content = self._storage.read_range(self._part.path, self._at, min(end, tail_from))
        if end > tail_from:
            content += self._tail[max(0, self._at - tail_from) : end - tail_from]
        self._at += len(content)
        return content

    def _read_tail(self, size: int) -> bytes:
        return self._storage.read_range(self._part.path, self._part.size - size, self._part.size)


def _damaged(storage: Storage, part: Part) -> EmonetError:
    return EmonetError(
        f"{storage.root}/{part.path}: is not what the sha256 in the manifest says; restore it from "
        "a copy, or run the night again"
    )
