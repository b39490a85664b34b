"""Tables: rows -> Parquet files whose bytes depend on the rows alone."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipeline.output.manifest import LAYERED, Part, checked
from beam_pipeline.records import REJECTED, EmonetError, Labelled, Rejected
from beam_pipeline.storage import Storage, storage_of

if TYPE_CHECKING:  # a run begins with a look at tables
    from beam_pipeline.output.run import Run

SHARDS = 8
"""Groups of what is counted together, which no byte depends on."""

_FILE_BYTES = 128 * 1024 * 1024
_ROW_GROUP = 64 * 1024
_KEYED_GROUP = 128 * 1024
"""Bytes: what is read at least to find a row in a table in which later nights look up rows."""

_INDEX_ROW = 128
"""Bytes of a row of the index of episodes, more or less: a sha256 or two, an id and a night."""


def shard_of(key: str, shards: int) -> int:
    """The number of the file that something lies in, stable over runs and machines."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % shards


def shards_for(size: int) -> int:
    """Over how many files labels are spread, which come to some 128 MiB each.

    Labels are about as large as what they are of: measured, 135 bytes an utterance of EmoryNLP,
    half of that in a large file, and 75 bytes of subtitles.

    Args:
      size: of all inputs, in bytes; never anything of the machine, on which no byte depends.
    """
    return max(1, -(-size // _FILE_BYTES))


def shards_grown(parts: Sequence[Part], added: int) -> int:
    """Over how many files a table in layers is spread that has so many more bytes: a power of two.

    So a shard of before is a number of whole shards now.

    Args:
      parts: its files of before.
      added: how many bytes may come.
    """
    held = sum({part.path: part.size for part in parts}.values())
    needed = 1 << (shards_for(held + added) - 1).bit_length()
    return max(needed, *(part.shards for part in parts), 1)


def shards_of(run: Run, table: str) -> int:
    """Over how many files a run spreads a table."""
    if table == "memory":
        return run.memory_shards
    return run.index_shards if table in LAYERED else run.shards


def write_labels(run: Run, shard: int, episodes: Iterable[Labelled]) -> Part:
    """Writes whole episodes, in timeline order."""
    return write_stream(run, "labels", shard, _in_order(episodes))


def write_pieces(run: Run, shard: int, episodes: Iterable[Labelled]) -> Part:
    """Writes the same as Arrow has it: part of a shard, that others follow on the timeline."""
    sink = pa.BufferOutputStream()
    rows = pa.concat_tables(_in_order(episodes))
    packed = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, rows.schema, options=packed) as stream:
        stream.write_table(rows.combine_chunks(), max_chunksize=_ROW_GROUP)
    return _written(run, "labels", shard, ".arrow", sink.getvalue(), rows.num_rows)


def read_pieces(storage: Storage, pieces: Iterable[Part]) -> Iterator[pa.Table]:
    """The rows of such files, one file at a time.

    Raises:
      EmonetError: one is missing, or not as it was written.
    """
    for piece in pieces:
        content = checked(storage, piece.path, piece.sha256)
        yield pa.ipc.open_stream(pa.py_buffer(content)).read_all()


def write_rejected(run: Run, shard: int, rejected: Iterable[Rejected]) -> Part:
    """Writes what was refused, by source and position."""
    rows = sorted((dataclasses.asdict(one) for one in rejected), key=lambda r: list(r.values()))
    table = pa.Table.from_pylist(rows, REJECTED)
    return write_stream(run, "rejected", shard, [table])


def write_keyed(run: Run, table: str, shard: int, rows: pa.Table) -> Part:
    """Writes one file of a table of which later nights look up rows, sorted by its first column.

    Its row groups are small, and so are the parts of it that are read; each page has a checksum.
    """
    sink = pa.BufferOutputStream()
    rows = rows.combine_chunks()
    pq.write_table(
        rows,
        sink,
        compression="zstd",
        row_group_size=max(1, _KEYED_GROUP // _row_bytes(run, table)),
        # of keys and vectors no two are equal
        use_dictionary=[name for name in rows.column_names if name == "labelled_in"],
        write_page_checksum=True,
    )
    part = _written(run, table, shard, ".parquet", sink.getvalue(), rows.num_rows)
    tail = sink.getvalue()[-8:].to_pybytes()
    footer = sink.getvalue()[-footer_size(tail) :]
    return dataclasses.replace(part, footer_sha256=hashlib.sha256(footer).hexdigest())


def footer_size(tail: bytes) -> int:
    """How many bytes at the end of a Parquet file are its footer, by the last eight."""
    return 8 + int.from_bytes(tail[-8:-4], "little")


def write_stream(run: Run, table: str, shard: int, tables: Iterable[pa.Table]) -> Part:
    """Writes one file of a table, of which no more is in memory than the file and a row group.

    Args:
      run: whose.
      table: its name.
      shard: the number of the file.
      tables: its rows in order, at least one table, in pieces on which the bytes do not depend.
    """
    sink = pa.BufferOutputStream()
    ahead = iter(tables)
    first = next(ahead)
    rows = 0
    with pq.ParquetWriter(sink, first.schema, compression="zstd") as writer:
        for group in row_groups(itertools.chain([first], ahead), _ROW_GROUP):
            writer.write_table(group, row_group_size=_ROW_GROUP)
            rows += group.num_rows
    return _written(run, table, shard, ".parquet", sink.getvalue(), rows)


def row_groups(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in groups of `size`, the last one smaller, each in one piece."""
    waiting: list[pa.Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += table.num_rows
        while rows >= size:
            together = pa.concat_tables(waiting)
            yield together.slice(0, size).combine_chunks()
            waiting = [together.slice(size)]
            rows -= size
    rest = pa.concat_tables(waiting)
    if rest.num_rows:
        yield rest.combine_chunks()


def read_part(storage: Storage, part: Part) -> pa.Table:
    """The rows of a file.

    Raises:
      EmonetError: it is missing, or not the one that the manifest names.
    """
    rows = pq.read_table(pa.BufferReader(checked(storage, part.path, part.sha256)))
    check_rows(storage, part, rows.num_rows)
    return rows


def check_rows(storage: Storage, part: Part, rows: int) -> None:
    """Refuses a file that has another number of rows than the manifest says."""
    if rows != part.rows:
        raise EmonetError(f"{storage.root}/{part.path}: {rows} rows, expected {part.rows}")


def _row_bytes(run: Run, table: str) -> int:
    vectors = 2 * run.origin.history * run.origin.width if table == "memory" else 0
    return max(vectors, _INDEX_ROW)


def _in_order(episodes: Iterable[Labelled]) -> list[pa.Table]:
    return [one.rows for one in sorted(episodes, key=lambda episode: episode.place)]


def _written(run: Run, table: str, shard: int, end: str, content: pa.Buffer, rows: int) -> Part:
    shards = shards_of(run, table)
    # under a name that no other run has
    folder = f"{run.folder}{table}/night={run.night}/run={run.name}"
    path = f"{folder}/part-{shard:05d}-of-{shards:05d}{end}"
    storage_of(run.output).write(path, memoryview(content))
    sha256 = hashlib.sha256(content).hexdigest()
    return Part(table, shard, path, rows, sha256, shards, content.size)
