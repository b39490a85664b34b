"""`views.sql`: DuckDB views over just the files that manifests name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from beam_pipeline.output.manifest import Manifest, parts_of, read_manifests
from beam_pipeline.storage import ConflictError, storage_of

_PATH = "views.sql"
_ATTEMPTS = 20


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
    """The SQL; paths are relative to OUT in a folder, and whole in a bucket."""
    start = f"{root}/" if root.startswith("gs://") else ""
    lines = [
        "-- Views over what the manifests name; read this file from the folder it lies in:",
        "-- duckdb -init views.sql",
    ]
    for table in ("labels", "rejected"):
        paths = [start + part["path"] for name in manifests for part in manifests[name][table]]
        select = f"SELECT * FROM {_read(paths)}" if paths else ""
        lines.append(_view(table, select))
    latest = manifests[max(manifests)]
    lines.append(_view("memory", _newest_layer_first(list(_layers(latest, start)))))
    return "\n".join(lines) + "\n"


def _view(table: str, select: str) -> str:
    return f"CREATE OR REPLACE VIEW {table} AS {select};" if select else f"-- no {table} yet"


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
