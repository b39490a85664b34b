"""`labels/_delta_log`: the labels as a Delta table of just the files that manifests name.

It is derived. A commit of a night appends to the log what makes it name the manifests' files again,
so what an earlier commit did not get to write, or what another program wrote, is mended as well.

Written here, by the protocol that every reader knows (reader version 1, writer version 2;
https://github.com/delta-io/delta/blob/master/PROTOCOL.md), because a version of the log is one file
that must not be there yet, which is what `Storage.replace` promises for folders and buckets.
"""

from __future__ import annotations

import dataclasses
import json
import re
import uuid
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from beam_pipeline.output.delta_checkpoint import (
    read_checkpoint,
    version_of_checkpoint,
    write_checkpoint,
)
from beam_pipeline.output.manifest import (
    Manifest,
    Part,
    manifest_times,
    parts_of,
    read_manifest,
)
from beam_pipeline.records import labels_schema
from beam_pipeline.storage import ConflictError, Storage, StoredFile, storage_of

TABLE = "labels"
LOG = f"{TABLE}/_delta_log"

CHECKPOINT_EVERY = 100
"""Versions after which the state of the log is one file, so that readers open few."""

PROTOCOL = {"minReaderVersion": 1, "minWriterVersion": 2}

_ATTEMPTS = 20
_OURS = "emonet night="
_PARTITIONS = ("night", "run")
_TYPES = {
    pa.string(): "string",
    pa.int32(): "integer",
    pa.int64(): "long",
    pa.float32(): "float",
}

Action = dict[str, Any]


class _DamagedError(Exception):
    """The log is none, as another program or a hand left it."""


@dataclasses.dataclass(frozen=True)
class _Log:
    """What a log says after its last version.

    Attributes:
      version: of its last commit; -1 without one.
      metadata: the action `metaData`; None without one.
      files: the actions `add`, by path relative to the table.
      times: of the manifests that it was made from, by night; none after another program's commit.
    """

    version: int
    metadata: Action | None
    files: Mapping[str, Action]
    times: Mapping[str, int]


_NONE = _Log(-1, None, {}, {})


def write_delta_log(output: str) -> None:
    """Appends what makes the log name just the files of labels that the manifests name.

    The manifests are listed; those that were replaced since the log has them are read.

    Raises:
      EmonetError: the storage failed, a manifest is damaged, or other runs appended all the time.
    """
    storage = storage_of(output)
    for attempt in range(1, _ATTEMPTS + 1):
        # first the log: who commits after that appends first, and this append is refused
        log = _mended(storage)
        times = manifest_times(storage)
        replaced = [night for night, time in times.items() if log.times.get(night) != time]
        manifests = {night: one[0] for night in replaced if (one := read_manifest(storage, night))}
        actions = [
            *_missing(storage, log, manifests, times),
            *(_transaction(night, times[night]) for night in manifests),
        ]
        if not actions:
            return
        version = log.version + 1
        try:
            storage.replace(_path(version), _lines(actions), None)
        except ConflictError:
            if attempt == _ATTEMPTS:
                raise
        else:
            if version and version % CHECKPOINT_EVERY == 0:
                write_checkpoint(storage, LOG, version, _state(_after(log, version, actions)))
            return


def delta_log_is_current(storage: Storage, manifests: Mapping[str, Manifest]) -> bool:
    """Whether the log names just the files of labels that these manifests name, of all nights.

    Raises:
      EmonetError: the storage failed, or a list of files is damaged.
    """
    try:
        log = _read(storage)
    except _DamagedError:
        return False
    return next(_missing(storage, log, manifests, manifests), None) is None


def _missing(
    storage: Storage, log: _Log, manifests: Mapping[str, Manifest], nights: Container[str]
) -> Iterator[Action]:
    """What the log is to say beyond what it says.

    Args:
      storage: of OUT.
      log: as it is.
      manifests: of nights that the log may have as they were.
      nights: all that are committed.
    """
    if log.version < 0:
        yield {"protocol": PROTOCOL}
    schema = _schema(log.metadata, manifests.values())
    if log.metadata is None or log.metadata["schemaString"] != schema:
        yield {"metaData": _metadata(schema, log.metadata)}
    named = {
        str(PurePosixPath(part.path).relative_to(TABLE)): part
        for manifest in manifests.values()
        for part in parts_of(storage, manifest, TABLE)
    }
    for path, file in sorted(log.files.items()):
        night = file["partitionValues"]["night"]
        if path not in named and (night in manifests or night not in nights):
            yield {"remove": {"path": path, "dataChange": True}}
    new = sorted(named.keys() - log.files)
    folders = {str(PurePosixPath(named[path].path).parent) for path in new}
    stored = {file.path: file for folder in folders for file in storage.files(folder)}
    for path in new:
        part = named[path]
        # one that is gone is verify's to tell
        if part.path in stored:
            yield {"add": _added(path, part, stored[part.path])}


def _added(path: str, part: Part, file: StoredFile) -> Action:
    # names of nights and runs have no sign that a path would have to escape
    return {
        "path": path,
        "partitionValues": dict(name.split("=", 1) for name in PurePosixPath(path).parts[:-1]),
        "size": file.size,
        "modificationTime": int(file.modified.timestamp() * 1000),
        "dataChange": True,
        "stats": json.dumps({"numRecords": part.rows}),
    }


def _schema(before: Action | None, manifests: Iterable[Manifest]) -> str:
    """The columns of all nights, as Delta has them; all may be null, as nights may lack some."""
    classes = {label.lower() for one in manifests for label in one["counts"]["labels"]}
    if before:
        fields = json.loads(before["schemaString"])["fields"]
        names = (field["name"] for field in fields)
        classes |= {name[len("prob_") :] for name in names if name.startswith("prob_")}
    columns = [(field.name, _type(field.type)) for field in labels_schema(sorted(classes))]
    columns += [(name, "string") for name in _PARTITIONS]
    fields = [
        {"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in columns
    ]
    return json.dumps({"type": "struct", "fields": fields})


def _type(type: pa.DataType) -> str:
    return _TYPES[type.value_type if pa.types.is_dictionary(type) else type]


def _metadata(schema: str, before: Action | None) -> Action:
    return {
        "id": before["id"] if before else str(uuid.uuid4()),
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema,
        "partitionColumns": list(_PARTITIONS),
        "configuration": {},
    }


def _mended(storage: Storage) -> _Log:
    """The log; one that is damaged is removed, the newest version first."""
    try:
        return _read(storage)
    except _DamagedError:
        for file in sorted(storage.files(LOG), key=lambda file: file.path, reverse=True):
            storage.delete(file.path)
        return _NONE


def _read(storage: Storage) -> _Log:
    names = [PurePosixPath(file.path).name for file in storage.files(LOG)]
    versions = (int(name[:-5]) for name in names if re.fullmatch(r"\d{20}\.json", name))
    last = max(versions, default=-1)
    checkpoints = [version for version in map(version_of_checkpoint, names) if version is not None]
    begin = max((one for one in checkpoints if one <= last), default=-1)
    try:
        actions = read_checkpoint(storage, LOG, begin) if begin >= 0 else []
        log = _after(_NONE, begin, actions)
        for version in range(begin + 1, last + 1):
            # not by the listing, which may lack what was written while it was made
            found = storage.version(_path(version))
            if found is None:
                raise _DamagedError
            log = _after(log, version, [json.loads(line) for line in found[0].splitlines()])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _DamagedError from error
    return log


def _state(log: _Log) -> list[Action]:
    """The actions that a log comes to."""
    return [
        {"protocol": PROTOCOL},
        {"metaData": log.metadata},
        *(_transaction(night, time) for night, time in log.times.items()),
        *({"add": {**file, "dataChange": False}} for file in log.files.values()),
    ]


def _transaction(night: str, time: int) -> Action:
    """What a log keeps for a writer of its own: that it has the manifest of this time."""
    return {"txn": {"appId": f"{_OURS}{night}", "version": time}}


def _after(log: _Log, version: int, actions: Sequence[Action]) -> _Log:
    metadata, files = log.metadata, dict(log.files)
    ours = [one["txn"] for one in actions if one.get("txn", {}).get("appId", "").startswith(_OURS)]
    times = {one["appId"][len(_OURS) :]: one["version"] for one in ours}
    for action in actions:
        metadata = action.get("metaData", metadata)
        if "add" in action:
            files[action["add"]["path"]] = action["add"]
        if "remove" in action:
            files.pop(action["remove"]["path"], None)
    return _Log(version, metadata, files, {**log.times, **times} if times else {})


def _path(version: int) -> str:
    return f"{LOG}/{version:020d}.json"


def _lines(actions: Iterable[Action]) -> bytes:
    return b"".join(json.dumps(action).encode() + b"\n" for action in actions)
