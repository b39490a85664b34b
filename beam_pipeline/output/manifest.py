"""Manifests: what is committed. They are small, for long lists of files are files themselves."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipeline.records import EmonetError
from beam_pipeline.storage import Storage, storage_of

VERSION = 2
MANIFESTS = "_manifests"
LAYERED = ("memory", "episodes", "copies")
"""Tables of which a night names the files of earlier nights as well: what it leaves to the next."""

TABLES = ("labels", "rejected", "files", *LAYERED)

_TABLES_OF_1 = ("labels", "rejected", "memory")
"""Tables of version 1, whose key `episodes` is none."""

NAMED_HERE = 100
"""Files that a manifest names itself; of more than that, the longest lists have files of their own,
so that it stays small whatever the night."""

_MENDED_BY = "restore it from a copy, or run its night again with --replace"

Manifest = dict[str, Any]
"""As docs/data-format.md has it."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """What memory is made of; memories of different origin do not mix.

    Attributes:
      embedder: sha256 of all that an embedding depends on but its text.
      width: d.
      history: N.
    """

    embedder: str
    width: int
    history: int


@dataclasses.dataclass(frozen=True)
class Part:
    """A file that was written.

    Attributes:
      table: one of `TABLES`.
      shard: its number.
      path: relative to OUT.
      rows: how many.
      sha256: hex digest of its bytes.
      shards: over how many files the table was spread when this one was written; 8 where manifests
        do not say, which are from before a table in layers could split.
      size: in bytes, 0 where manifests do not say.
      footer_sha256: hex digest of its Parquet footer, if its pages have checksums; else empty.
    """

    table: str
    shard: int
    path: str
    rows: int
    sha256: str
    shards: int = 8
    size: int = 0
    footer_sha256: str = ""


def read_manifests(output: str) -> dict[str, Manifest]:
    """The manifests of all committed nights by night, in order.

    Raises:
      EmonetError: one is damaged.
    """
    storage = storage_of(output)
    paths = manifest_paths(storage)
    read = (opened(storage.read(path), f"{storage.root}/{path}") for path in paths)
    return {manifest["night"]: manifest for manifest in sorted(read, key=_night)}


def committed_nights(storage: Storage) -> list[str]:
    """The names of all nights that have a manifest, in order, by a listing alone."""
    start, end = manifest_path("\0").removeprefix(f"{MANIFESTS}/").split("\0")
    names = storage.names(MANIFESTS)
    return sorted(
        name[len(start) : -len(end)]
        for name in names
        if name.startswith(start) and name.endswith(end)
    )


def manifest_times(storage: Storage) -> dict[str, int]:
    """When the manifest of each committed night was written, by a listing alone.

    Returns:
      By night, in microseconds since 1970, by the storage's clock.
    """
    start, end = manifest_path("\0").split("\0")
    return {
        file.path[len(start) : -len(end)]: int(file.modified.timestamp() * 1_000_000)
        for file in storage.files(MANIFESTS)
        if file.path.startswith(start) and file.path.endswith(end) and file.path.count("/") == 1
    }


def read_manifest(storage: Storage, night: str) -> tuple[Manifest, str] | None:
    """A night's manifest and what the storage calls this version of it; None without one.

    Raises:
      EmonetError: it is damaged.
    """
    path = manifest_path(night)
    now = storage.version(path)
    return now and (opened(now[0], f"{storage.root}/{path}"), now[1])


def superseded_manifest(
    storage: Storage, night: str, *, replace: bool
) -> tuple[Manifest | None, str | None]:
    """The manifest that a run of a night supersedes, and its version; None each without one.

    Args:
      storage: of OUT.
      night: its name.
      replace: whether a damaged manifest is superseded as well. It has a version and no content.

    Raises:
      EmonetError: it is damaged, and is not to be replaced.
    """
    path = manifest_path(night)
    now = storage.version(path)
    if now is None:
        return None, None
    content, version = now
    try:
        return opened(content, f"{storage.root}/{path}"), version
    except EmonetError:
        if not replace:
            raise
        return None, version


def manifest_paths(storage: Storage) -> list[str]:
    """Where the manifests of all nights are."""
    return [manifest_path(night) for night in committed_nights(storage)]


def manifest_path(night: str) -> str:
    """Where a night's manifest is."""
    return f"{MANIFESTS}/night={night}.json"


def sealed(manifest: Manifest) -> bytes:
    """A manifest as it is written, with the sha256 of all the rest in it."""
    whole = {**manifest, "sha256": _seal(manifest)}
    return json.dumps(whole, indent=1, sort_keys=True).encode() + b"\n"


def opened(content: bytes, name: str) -> Manifest:
    """The manifest that was sealed.

    Raises:
      EmonetError: it is damaged or of another version of emonet; `name` says where it is.
    """
    try:
        manifest: Manifest = json.loads(content)
        seal = manifest.pop("sha256")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EmonetError(f"{name}: damaged; {_MENDED_BY}") from error
    if seal != _seal(manifest):
        raise EmonetError(f"{name}: does not have the sha256 it names; {_MENDED_BY}")
    if manifest["version"] not in (1, VERSION):
        raise EmonetError(f"{name}: is of another version of emonet; read it with that one")
    return manifest


def parts_of(storage: Storage, manifest: Manifest, table: str) -> tuple[Part, ...]:
    """The files of one table that a manifest names; none of a table that its version has not.

    Raises:
      EmonetError: the list of them is a file of its own, and that is missing or damaged.
    """
    named = manifest.get(table, [])
    if manifest["version"] == 1 and table not in _TABLES_OF_1:
        named = []
    if isinstance(named, list):
        return tuple(Part(**part) for part in named)
    content = checked(storage, named["path"], named["sha256"])
    rows = pq.read_table(pa.BufferReader(content)).to_pylist()
    return tuple(Part(table, **row) for row in rows)


def name_parts(
    storage: Storage, night: str, run: str, parts: Mapping[str, Sequence[Part]]
) -> dict[str, Any]:
    """What a manifest says of the files of each table; the longest lists are written as files.

    Returns:
      For each table a list of its files, or `path`, `sha256`, `files` and `rows` of the Parquet
      file that has this list.
    """
    here = sum(map(len, parts.values()))
    named: dict[str, Any] = {}
    for table in sorted(parts, key=lambda table: -len(parts[table])):
        listed = [dataclasses.asdict(part) for part in parts[table]]
        if here > NAMED_HERE:
            here -= len(listed)
            rows = [{name: part[name] for name in _PARTS.names} for part in listed]
            sink = pa.BufferOutputStream()
            pq.write_table(pa.Table.from_pylist(rows, _PARTS), sink, compression="zstd")
            sha256 = hashlib.sha256(sink.getvalue()).hexdigest()
            path = f"{MANIFESTS}/night={night}/run={run}/{table}-{sha256}.parquet"
            storage.write(path, memoryview(sink.getvalue()))
            count = sum(part["rows"] for part in listed)
            named[table] = {"path": path, "sha256": sha256, "files": len(listed), "rows": count}
        else:
            named[table] = listed
    return named


def checked(storage: Storage, path: str, sha256: str) -> bytes:
    """The content of a file that a manifest names.

    Raises:
      EmonetError: it is missing, or not the one that the manifest names.
    """
    content = storage.read(path)
    check_sha256(storage, path, hashlib.sha256(content).hexdigest(), sha256)
    return content


def check_sha256(storage: Storage, path: str, found: str, expected: str) -> None:
    """Refuses a file whose content is not the one that the manifest names."""
    if found != expected:
        raise EmonetError(
            f"{storage.root}/{path}: does not have the sha256 that the manifest names; "
            "restore it from a copy, or run the night again"
        )


def written_bytes(storage: Storage, manifest: Manifest) -> dict[str, list[tuple[int, str]]]:
    """What a run wrote: number and sha256 of each file of labels, refusals and memory.

    Two runs wrote the same if this is equal, name for name of shard and byte for byte.
    """
    return {
        table: [(part.shard, part.sha256) for part in parts_of(storage, manifest, table)]
        for table in ("labels", "rejected", "memory")
    }


def named_paths(storage: Storage, manifests: Iterable[Manifest]) -> Iterator[str]:
    """Every file that a manifest names."""
    for manifest in manifests:
        for table in TABLES:
            yield from (part.path for part in parts_of(storage, manifest, table))
            if manifest["version"] != 1 and isinstance(manifest[table], dict):
                yield manifest[table]["path"]
        if "sha256" in manifest["reading"]:
            yield manifest["reading"]["path"]


_PARTS = pa.schema(
    [
        pa.field("shard", pa.int64(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("shards", pa.int64(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("footer_sha256", pa.string(), nullable=False),
    ]
)
"""A row a file, in the order that a manifest would name them in."""


def _seal(manifest: Manifest) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _night(manifest: Manifest) -> str:
    return str(manifest["night"])
