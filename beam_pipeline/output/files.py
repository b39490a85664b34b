"""The table of files: what was read, and what became of each file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from beam_pipeline.output.manifest import MANIFESTS, Manifest, Part, checked, parts_of
from beam_pipeline.output.tables import read_part, write_stream
from beam_pipeline.records import SourceFile
from beam_pipeline.storage import Storage

if TYPE_CHECKING:  # a run begins with a look at the files of its night
    from beam_pipeline.output.run import Run

FILES = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("format", pa.string(), nullable=False),
        pa.field("encoding", pa.string(), nullable=False),
        pa.field("found", pa.int64(), nullable=False),
        pa.field("used", pa.int64(), nullable=False),
        pa.field("dropped", pa.int64(), nullable=False),
        pa.field("rejected", pa.int64(), nullable=False),
        pa.field("episodes", pa.map_(pa.string(), pa.int64()), nullable=False),
        pa.field("dropped_kinds", pa.map_(pa.string(), pa.int64()), nullable=False),
        pa.field("members", pa.list_(pa.string()), nullable=False),
        pa.field("repaired", pa.int64(), nullable=False),
        pa.field("assumed", pa.list_(pa.string()), nullable=False),
    ]
)
"""A row a file that was read, sorted by `source`, its path as it was given; see `SourceFile`."""

READING_HERE = 8 * 1024
"""Bytes: a longer JSON of the options of reading, as with aliases, lies in a file of its own."""


def write_files(run: Run, shard: int, sources: Iterable[SourceFile]) -> Part:
    """Writes the records of files, by their paths."""
    rows = [
        {**dataclasses.asdict(one), "source": one.path}
        for one in sorted(sources, key=lambda one: one.path)
    ]
    table = pa.Table.from_pylist(rows, FILES)
    return write_stream(run, "files", shard, [table])


def read_files(storage: Storage, manifest: Manifest) -> Iterator[dict[str, Any]]:
    """The files that a night read, as rows of `FILES`, and the absolute `path` of each.

    Raises:
      EmonetError: a file is missing or not the one that the manifest names.
    """
    if manifest["version"] == 1:
        yield from manifest["inputs"]
        return
    folder = read_reading(storage, manifest).get("folder", "")
    for part in parts_of(storage, manifest, "files"):
        for row in read_part(storage, part).to_pylist():
            members = [absolute(member, folder) for member in row["members"]]
            yield {**row, "path": absolute(row["source"], folder), "members": members}


def files_spoken(files: Iterable[Mapping[str, Any]]) -> set[str]:
    """The absolute paths that utterances were read from; an archive for the files in it."""
    spoken: set[str] = set()
    archives: dict[str, str] = {}
    for one in files:
        archives |= dict.fromkeys(one["members"], one["path"])
        if one["episodes"]:
            spoken.add(one["path"])
    held = (archives.get(path, path) for path in spoken)
    return {path if path.startswith("gs://") else os.path.abspath(path) for path in held}


def absolute(path: str, folder: str) -> str:
    """Where a file is that was given from a folder."""
    return path if path.startswith("gs://") else os.path.join(folder, path)


def name_reading(
    storage: Storage, night: str, run: str, reading: Mapping[str, Any]
) -> dict[str, Any]:
    """What a manifest says of how files were read: all of it, or `path` and `sha256` of a file."""
    content = json.dumps(reading, sort_keys=True).encode()
    if len(content) <= READING_HERE:
        return dict(reading)
    sha256 = hashlib.sha256(content).hexdigest()
    path = f"{MANIFESTS}/night={night}/run={run}/reading-{sha256}.json"
    storage.write(path, content)
    return {"path": path, "sha256": sha256}


def read_reading(storage: Storage, manifest: Manifest) -> dict[str, Any]:
    """How the files of a night were read, as options.

    Raises:
      EmonetError: it lies in a file, and that is missing or not the one that the manifest names.
    """
    reading: dict[str, Any] = manifest["reading"]
    if "sha256" not in reading:
        return reading
    options: dict[str, Any] = json.loads(checked(storage, reading["path"], reading["sha256"]))
    return options
