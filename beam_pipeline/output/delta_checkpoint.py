"""Checkpoints of a Delta log: all that it says at a version, as one Parquet file.

The protocol is at https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipeline.storage import Storage

_TEXTS = pa.map_(pa.string(), pa.string())
_SCHEMA = pa.schema(
    [
        pa.field(
            "protocol",
            pa.struct([("minReaderVersion", pa.int32()), ("minWriterVersion", pa.int32())]),
        ),
        pa.field(
            "metaData",
            pa.struct(
                [
                    ("id", pa.string()),
                    ("format", pa.struct([("provider", pa.string()), ("options", _TEXTS)])),
                    ("schemaString", pa.string()),
                    ("partitionColumns", pa.list_(pa.string())),
                    ("configuration", _TEXTS),
                ]
            ),
        ),
        pa.field(
            "add",
            pa.struct(
                [
                    ("path", pa.string()),
                    ("partitionValues", _TEXTS),
                    ("size", pa.int64()),
                    ("modificationTime", pa.int64()),
                    ("dataChange", pa.bool_()),
                    ("stats", pa.string()),
                ]
            ),
        ),
        pa.field("txn", pa.struct([("appId", pa.string()), ("version", pa.int64())])),
        # readers ask for the column, though nothing is in it: what was removed is no file of a run
        pa.field("remove", pa.struct([("path", pa.string()), ("dataChange", pa.bool_())])),
    ]
)


def version_of_checkpoint(name: str) -> int | None:
    """The version that a file of a log is the checkpoint of; None for any other file."""
    found = re.fullmatch(r"(\d{20})\.checkpoint\.parquet", name)
    return found and int(found[1])


def write_checkpoint(
    storage: Storage, log: str, version: int, actions: Sequence[dict[str, Any]]
) -> None:
    """Writes the state at a version, then where readers look for it.

    Args:
      storage: of OUT.
      log: the folder of the log, relative to OUT.
      version: the last one that the state has.
      actions: that the state comes to.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(actions, _SCHEMA), sink)
    storage.write(_path(log, version), memoryview(sink.getvalue()))
    pointer = {"version": version, "size": len(actions)}
    storage.write(f"{log}/_last_checkpoint", json.dumps(pointer).encode())


def read_checkpoint(storage: Storage, log: str, version: int) -> list[dict[str, Any]]:
    """The actions of a checkpoint.

    Raises:
      ValueError: it is no Parquet file, or has other columns.
    """
    table = pq.read_table(pa.BufferReader(storage.read(_path(log, version))))
    rows = table.select(["metaData", "txn", "add"]).to_pylist(maps_as_pydicts="strict")
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _path(log: str, version: int) -> str:
    return f"{log}/{version:020d}.checkpoint.parquet"
