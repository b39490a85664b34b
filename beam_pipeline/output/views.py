"""`views.sql`: DuckDB views over just the files that manifests name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from beam_pipeline.output.manifest import Manifest, parts_of, read_manifests
from beam_pipeline.records import REJECTED, labels_schema, memory_schema
from beam_pipeline.storage import ConflictError, storage_of

_PATH = "views.sql"
_ATTEMPTS = 20
_TYPES = {
    pa.string(): "VARCHAR",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float16(): "FLOAT",
    pa.float32(): "FLOAT",
}
"""What DuckDB reads Parquet's columns as."""


def write_views(output: str) -> None:
    """Makes the views those of all manifests.

    Raises:
      EmonetError: the storage failed, or other runs replaced the views all the time.
    """
    storage = storage_of(output)
    for attempt in range(1, _ATTEMPTS + 1):
        # first the version: whoever replaces it from here on has newer manifests in view
        now = storage.version(_PATH)
        content = views(read_manifests(output), storage.root).encode()
        try:
            storage.replace(_PATH, content, now and now[1])
        except ConflictError:
            if attempt == _ATTEMPTS:
                raise
        else:
            return


def views_are_current(output: str) -> bool:
    """Whether the views are those of the manifests."""
    storage = storage_of(output)
    now = storage.version(_PATH)
    return now is not None and now[0] == views(read_manifests(output), storage.root).encode()


def views(manifests: Mapping[str, Manifest], root: str) -> str:
    """The SQL; paths are relative to OUT in a folder, and whole in a bucket.

    A table without a file has a view with its columns and no rows.

    Args:
      manifests: of all nights, at least one.
      root: of the storage.
    """
    start = f"{root}/" if root.startswith("gs://") else ""
    lines = [
        "-- Views over what the manifests name; read this file from the folder it lies in:",
        "-- duckdb -init views.sql",
    ]
    classes = {label for one in manifests.values() for label in one["counts"]["labels"]}
    for table, schema in (("labels", labels_schema(sorted(classes))), ("rejected", REJECTED)):
        paths = [start + part["path"] for name in manifests for part in manifests[name][table]]
        lines.append(_view(table, f"SELECT * FROM {_read(paths)}" if paths else "", schema))
    latest = manifests[max(manifests)]
    layers = _newest_layer_first(list(_layers(latest, start)))
    lines.append(_view("memory", layers, memory_schema(latest["origin"]["width"])))
    return "\n".join(lines) + "\n"


def _view(table: str, select: str, schema: pa.Schema) -> str:
    return f"CREATE OR REPLACE VIEW {table} AS {select or _no_rows(schema)};"


def _no_rows(schema: pa.Schema) -> str:
    columns = [(field.name, _sql_type(field.type)) for field in schema]
    # what the folders' names say
    columns += [("night", "VARCHAR"), ("run", "VARCHAR")]
    listed = ",\n  ".join(f"NULL::{kind} AS {_quoted(name)}" for name, kind in columns)
    return f"SELECT\n  {listed}\nWHERE false"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sql_type(type: pa.DataType) -> str:
    if pa.types.is_dictionary(type):
        return _sql_type(type.value_type)
    if pa.types.is_list(type) or pa.types.is_fixed_size_list(type):
        return _sql_type(type.value_type) + "[]"
    return _TYPES[type]


def _read(paths: Sequence[str]) -> str:
    listed = ",\n  ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return (
        f"read_parquet([\n  {listed}\n], "
        "hive_partitioning = true, hive_types_autocast = false, union_by_name = true)"
    )


def _layers(manifest: Manifest, start: str) -> Iterator[list[str]]:
    """The files of the newest layer of each shard, of the second newest, and so on."""
    shards: dict[int, list[str]] = {}
    for part in parts_of(manifest, "memory"):
        shards.setdefault(part.shard, []).append(start + part.path)
    for layer in range(max(map(len, shards.values()), default=0)):
        yield [paths[layer] for paths in shards.values() if len(paths) > layer]


def _newest_layer_first(layers: Sequence[Sequence[str]]) -> str:
    if not layers:
        return ""
    selects = (
        f"SELECT *, {number} AS layer FROM {_read(paths)}" for number, paths in enumerate(layers)
    )
    return (
        "SELECT * EXCLUDE (layer) FROM (\n" + "\nUNION ALL BY NAME\n".join(selects) + "\n) QUALIFY "
        "row_number() OVER (PARTITION BY speaker_id ORDER BY layer) = 1"
    )
