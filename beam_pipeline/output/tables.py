"""Tables: rows -> Parquet files whose bytes depend on the rows alone."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipeline.output.manifest import Part, checked
from beam_pipeline.records import REJECTED, Labelled, Rejected
from beam_pipeline.storage import Storage, storage_of

if TYPE_CHECKING:  # a run begins with a look at tables
    from beam_pipeline.output.run import Run

SHARDS = 8
"""Files that a table is spread over which goes by keys of later nights, too."""

_FILE_BYTES = 128 * 1024 * 1024
_ROW_GROUP = 64 * 1024


def shard_of(key: str, shards: int = SHARDS) -> int:
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


def write_labels(run: Run, shard: int, episodes: Iterable[Labelled]) -> Part:
    """Writes whole episodes, in timeline order."""
    return write_stream(run, "labels", shard, _in_order(episodes), shards=run.shards)


def write_pieces(run: Run, shard: int, episodes: Iterable[Labelled]) -> Part:
    """Writes the same as Arrow has it: part of a shard, that others follow on the timeline."""
    sink = pa.BufferOutputStream()
    rows = pa.concat_tables(_in_order(episodes))
    packed = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, rows.schema, options=packed) as stream:
        stream.write_table(rows.combine_chunks(), max_chunksize=_ROW_GROUP)
    name = f"{shard:05d}-of-{run.shards:05d}.arrow"
    return _written(run, "labels", shard, name, sink.getvalue(), rows.num_rows)


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
    return write_stream(run, "rejected", shard, [table], shards=run.shards)


def write_part(run: Run, table: str, shard: int, rows: pa.Table) -> Part:
    """Writes one file of a table, under a name that no other run has."""
    return write_stream(run, table, shard, [rows])


def write_stream(
    run: Run, table: str, shard: int, tables: Iterable[pa.Table], *, shards: int = SHARDS
) -> Part:
    """Writes one file of a table, of which no more is in memory than the file and a row group.

    Args:
      run: whose.
      table: its name.
      shard: the number of the file.
      tables: its rows in order, at least one table, in pieces on which the bytes do not depend.
      shards: over how many files the table is spread.
    """
    sink = pa.BufferOutputStream()
    ahead = iter(tables)
    first = next(ahead)
    rows = 0
    with pq.ParquetWriter(sink, first.schema, compression="zstd") as writer:
        for group in row_groups(itertools.chain([first], ahead), _ROW_GROUP):
            writer.write_table(group, row_group_size=_ROW_GROUP)
            rows += group.num_rows
    name = f"{shard:05d}-of-{shards:05d}.parquet"
    return _written(run, table, shard, name, sink.getvalue(), rows)


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
    return pq.read_table(pa.BufferReader(checked(storage, part.path, part.sha256)))


def _in_order(episodes: Iterable[Labelled]) -> list[pa.Table]:
    return [one.rows for one in sorted(episodes, key=lambda episode: episode.place)]


def _written(run: Run, table: str, shard: int, name: str, content: pa.Buffer, rows: int) -> Part:
    path = f"{run.folder}{table}/night={run.night}/run={run.name}/part-{name}"
    storage_of(run.output).write(path, memoryview(content))
    return Part(table, shard, path, rows, hashlib.sha256(content).hexdigest())
