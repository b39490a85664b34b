"""Tables: rows -> Parquet files whose bytes depend on the rows alone."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipeline.output.manifest import Part, checked
from beam_pipeline.records import REJECTED, Labelled, Rejected
from beam_pipeline.storage import Storage, storage_of

if TYPE_CHECKING:  # a run begins with a look at tables
    from beam_pipeline.output.run import Run

SHARDS = 8
"""Files a table is spread over; a constant, so that bytes do not depend on the machine."""

_ROW_GROUP = 64 * 1024


def shard_of(key: str) -> int:
    """The number of the file that something lies in, stable over runs and machines."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % SHARDS


def write_labels(run: Run, shard: int, episodes: Iterable[Labelled]) -> Part:
    """Writes whole episodes, in timeline order."""
    ordered = sorted(episodes, key=lambda episode: episode.place)
    rows = pa.concat_tables([episode.rows for episode in ordered])
    return write_part(run, "labels", shard, rows)


def write_rejected(run: Run, shard: int, rejected: Iterable[Rejected]) -> Part:
    """Writes what was refused, by source and position."""
    rows = sorted((dataclasses.asdict(one) for one in rejected), key=lambda r: list(r.values()))
    return write_part(run, "rejected", shard, pa.Table.from_pylist(rows, REJECTED))


def write_part(run: Run, table: str, shard: int, rows: pa.Table) -> Part:
    """Writes one file of a table, under a name that no other run has."""
    name = f"part-{shard:05d}-of-{SHARDS:05d}.parquet"
    path = f"{table}/night={run.night}/run={run.name}/{name}"
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd", row_group_size=_ROW_GROUP)
    content = sink.getvalue()
    storage_of(run.output).write(path, memoryview(content))
    return Part(table, shard, path, rows.num_rows, hashlib.sha256(content).hexdigest())


def read_part(storage: Storage, part: Part) -> pa.Table:
    """The rows of a file.

    Raises:
      EmonetError: it is missing, or not the one that the manifest names.
    """
    content = checked(storage, part.path, part.sha256)
    return pq.read_table(pa.BufferReader(content))
