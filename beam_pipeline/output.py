"""What a run leaves: Parquet files under names of its own, and one manifest that names them.

    OUT/labels/night=D/run=R/part-00000-of-00008.parquet
    OUT/rejected/night=D/run=R/part-00000-of-00008.parquet
    OUT/memory/run=R/part-00000-of-00008.parquet
    OUT/_manifests/night=D.json                               the commit
    OUT/views.sql

Law of this module: readers trust manifests alone, and a manifest is replaced in one atomic step.
Nothing of Beam is here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipeline.memory import Tail
from beam_pipeline.records import (
    REJECTED,
    EmonetError,
    Labelled,
    Reason,
    Rejected,
    SourceFile,
    memory_schema,
)

SHARDS = 8
"""Files a table is spread over; a constant, so that bytes do not depend on the machine."""

_ROW_GROUP = 64 * 1024
_MANIFESTS = "_manifests"
_NIGHT = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")


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
class Run:
    """One execution of the job, before it begins.

    Attributes:
      output: OUT.
      night: the name of the batch.
      name: R, unique.
      model_id: of the checkpoint.
      labels: the classes.
      origin: of its memory.
      supersedes: the run that the night's manifest names now, None where there is no manifest.
      memory_night: the night whose memory it builds on, None for the first.
      memory_run: that night's run.
      memory_files: its memory, as the manifest names it.
    """

    output: str
    night: str
    name: str
    model_id: str
    labels: tuple[str, ...]
    origin: Origin
    supersedes: str | None
    memory_night: str | None
    memory_run: str | None
    memory_files: tuple[Part, ...]


@dataclasses.dataclass(frozen=True)
class Part:
    """A file that was written.

    Attributes:
      table: `labels`, `rejected` or `memory`.
      path: relative to OUT.
      rows: how many.
      sha256: hex digest of its bytes.
    """

    table: str
    path: str
    rows: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Asked:
    """The files that a run has to read."""

    paths: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class LabelCount:
    """What was labelled of one episode: its utterances by label."""

    episode_id: str
    labels: tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True)
class SpeakerCount:
    """How many speakers there are to be remembered, counted beside the memory itself."""

    speakers: int


@dataclasses.dataclass(frozen=True)
class Fault:
    """A reason not to commit: an episode, a file or the whole run, and what is wrong with it."""

    where: str
    message: str


Entry = Asked | Part | LabelCount | SpeakerCount | SourceFile | Rejected | Fault
"""What the commit hears of."""


def begin_run(output: str, night: str, model_id: str, labels: Sequence[str], origin: Origin) -> Run:
    """Looks up what the night builds on and makes sure that OUT can be written.

    Raises:
      EmonetError: the night's name has other than letters, digits and `._-`; OUT cannot be
        written; a manifest is damaged; or the memory is of another origin.
    """
    if not _NIGHT.fullmatch(night):
        raise EmonetError(f"--night {night!r}: use letters, digits, '.', '_' and '-' alone")
    try:
        (Path(output) / _MANIFESTS).mkdir(parents=True, exist_ok=True)
        with _locked(output):
            pass
    except OSError as error:
        raise EmonetError(
            f"--output {output}: cannot be written ({error.strerror}); give another folder"
        ) from error
    manifests = read_manifests(output)
    before = _night_before(night, manifests)
    memory = manifests[before] if before else None
    if memory and memory["origin"] != dataclasses.asdict(origin):
        raise EmonetError(
            f"night {before} left a memory of {memory['origin']}, this run makes {origin}; "
            "use the model and N of that night, or another --output"
        )
    return Run(
        output=output,
        night=night,
        name=uuid.uuid4().hex[:12],
        model_id=model_id,
        labels=tuple(labels),
        origin=origin,
        supersedes=manifests[night]["run"] if night in manifests else None,
        memory_night=before,
        memory_run=memory["run"] if memory else None,
        memory_files=tuple(Part(**part) for part in memory["memory"]) if memory else (),
    )


def read_manifests(output: str) -> dict[str, dict[str, Any]]:
    """The manifests of all committed nights, by night, in order.

    Raises:
      EmonetError: one is damaged.
    """
    manifests = {}
    for path in sorted((Path(output) / _MANIFESTS).glob("night=*.json")):
        try:
            manifest = json.loads(path.read_bytes())
            sealed = manifest.pop("sha256")
        except (ValueError, KeyError) as error:
            raise EmonetError(f"{path}: damaged; restore it from a copy") from error
        if sealed != _seal(manifest):
            raise EmonetError(f"{path}: does not have the sha256 it names; restore it from a copy")
        manifests[manifest["night"]] = manifest
    return manifests


def shard_of(key: str) -> int:
    """The number of the file that something lies in, stable over runs and machines."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % SHARDS


def write_labels(run: Run, shard: int, episodes: Iterable[Labelled]) -> Part:
    """Writes whole episodes, in timeline order."""
    ordered = sorted(episodes, key=lambda episode: episode.place)
    rows = pa.concat_tables([episode.rows for episode in ordered])
    return _write(run, "labels", f"labels/night={run.night}/run={run.name}", shard, rows)


def write_rejected(run: Run, shard: int, rejected: Iterable[Rejected]) -> Part:
    """Writes what was refused, by source and position."""
    rows = sorted((dataclasses.asdict(one) for one in rejected), key=lambda r: list(r.values()))
    table = pa.Table.from_pylist(rows, REJECTED)
    return _write(run, "rejected", f"rejected/night={run.night}/run={run.name}", shard, table)


def write_memory(run: Run, shard: int, memories: Iterable[tuple[str, np.ndarray]]) -> Part:
    """Writes what is remembered of some speakers, (m, d) float16 each, by speaker id."""
    ordered = sorted(memories, key=lambda memory: memory[0])
    speaker, times = Counter(speaker for speaker, _ in ordered).most_common(1)[0]
    if times > 1:
        raise EmonetError(f"speaker {speaker} is remembered {times} times; run it again")
    offsets = np.cumsum([0] + [len(embeddings) for _, embeddings in ordered], dtype=np.int32)
    flat = np.concatenate([embeddings for _, embeddings in ordered]).ravel()
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat), run.origin.width)
    columns = [
        pa.array([speaker for speaker, _ in ordered]),
        pa.ListArray.from_arrays(pa.array(offsets), vectors),
    ]
    table = pa.table(columns, schema=memory_schema(run.origin.width))
    return _write(run, "memory", f"memory/run={run.name}", shard, table)


def read_memory(output: str, part: Part) -> Iterator[tuple[str, Tail]]:
    """The speakers of a memory file, each with a tail that lies before all others.

    Raises:
      EmonetError: the file is missing or not the one that the manifest names.
    """
    content = _read_part(output, part)
    table = pq.read_table(pa.BufferReader(content))
    column = table["embeddings"].combine_chunks()
    offsets = column.offsets.to_numpy()
    vectors = column.values
    width = vectors.type.list_size
    flat = vectors.values.to_numpy(zero_copy_only=False).reshape(-1, width)
    for index, speaker in enumerate(table["speaker_id"].to_pylist()):
        yield speaker, Tail((), flat[offsets[index] : offsets[index + 1]].copy())


def commit(run: Run, entries: Iterable[Entry]) -> dict[str, Any]:
    """Replaces the night's manifest, if nothing is missing and nobody was faster.

    Returns:
      The manifest.

    Raises:
      EmonetError: something was lost or doubled, named by episode and count; or another run
        committed this night, or the night that it builds on, in the meantime.
    """
    heard = _sorted_entries(entries)
    faults = sorted(
        [*heard[Fault], *count_faults(heard)], key=lambda fault: (fault.where, fault.message)
    )
    if faults:
        raise EmonetError(_refusal(run, faults))
    manifest = _manifest(run, heard)
    with _locked(run.output):
        manifests = read_manifests(run.output)
        _refuse_conflict(run, manifests)
        _replace(_manifest_path(run), {**manifest, "sha256": _seal(manifest)})
        _write_views(run.output, {**manifests, run.night: manifest})
    return manifest


def count_faults(heard: Mapping[type, list[Any]]) -> Iterator[Fault]:
    """Holds input = labelled + rejected, and that all of it was read, written and remembered."""
    yield from _file_faults(heard)
    yield from _episode_faults(heard)
    yield from _table_faults(heard)


def _file_faults(heard: Mapping[type, list[Any]]) -> Iterator[Fault]:
    asked = Counter(path for one in heard[Asked] for path in one.paths)
    came = Counter(source.path for source in heard[SourceFile])
    for path in sorted(asked.keys() | came.keys()):
        if asked[path] != came[path]:
            yield Fault(path, f"read {came[path]} times, expected {asked[path]}")
    refused: Counter[str] = Counter()
    for one in heard[Rejected]:
        if one.reason is not Reason.DUPLICATE_EPISODE:
            refused[one.source] += one.items
    for source in heard[SourceFile]:
        if source.rejected != refused[source.path]:
            message = f"{source.rejected} refusals counted, {refused[source.path]} came"
            yield Fault(source.path, message)


def _episode_faults(heard: Mapping[type, list[Any]]) -> Iterator[Fault]:
    read: Counter[str] = Counter()
    for source in heard[SourceFile]:
        read.update(dict(source.episodes))
    done: Counter[str] = Counter()
    for count in heard[LabelCount]:
        done[count.episode_id] += sum(dict(count.labels).values())
    for one in heard[Rejected]:
        if one.reason is Reason.DUPLICATE_EPISODE:
            done[one.position] += one.items
    for episode in sorted(read.keys() | done.keys()):
        if read[episode] != done[episode]:
            message = f"{read[episode]} utterances read, {done[episode]} labelled or rejected"
            yield Fault(episode, message)


def _table_faults(heard: Mapping[type, list[Any]]) -> Iterator[Fault]:
    written: Counter[str] = Counter()
    for part in heard[Part]:
        written[part.table] += part.rows
    labelled = sum(sum(dict(count.labels).values()) for count in heard[LabelCount])
    if written["labels"] != labelled:
        yield Fault("", f"{labelled} utterances labelled, {written['labels']} written")
    if written["rejected"] != len(heard[Rejected]):
        yield Fault("", f"{len(heard[Rejected])} refusals, {written['rejected']} written")
    speakers = sum(count.speakers for count in heard[SpeakerCount])
    if written["memory"] != speakers:
        yield Fault("", f"{speakers} speakers to remember, {written['memory']} written")


def _sorted_entries(entries: Iterable[Entry]) -> dict[type, list[Any]]:
    heard: dict[type, list[Any]] = {kind: [] for kind in Entry.__args__}
    for entry in entries:
        heard[type(entry)].append(entry)
    return heard


def _refusal(run: Run, faults: Sequence[Fault]) -> str:
    shown = "; ".join(f"{fault.where or 'the run'}: {fault.message}" for fault in faults[:5])
    more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
    return (
        f"night {run.night} is not committed, the engine lost or doubled something of "
        f"{len({fault.where for fault in faults})} episodes or files ({len(faults)} faults): "
        f"{shown}{more}; run it again, on another engine if it repeats"
    )


def _manifest(run: Run, heard: Mapping[type, list[Any]]) -> dict[str, Any]:
    parts = sorted(heard[Part], key=lambda part: part.path)
    tables: dict[str, list[dict[str, Any]]] = {"labels": [], "rejected": [], "memory": []}
    for part in parts:
        tables[part.table].append(dataclasses.asdict(part))
    sources = sorted(heard[SourceFile], key=lambda source: source.path)
    return {
        "version": 1,
        "night": run.night,
        "run": run.name,
        "supersedes": run.supersedes,
        "model_id": run.model_id,
        "origin": dataclasses.asdict(run.origin),
        "memory_from": {"night": run.memory_night, "run": run.memory_run},
        **tables,
        "inputs": [_input(source) for source in sources],
        "counts": _counts(heard),
    }


def _input(source: SourceFile) -> dict[str, Any]:
    fields = dataclasses.asdict(source)
    return {**fields, "episodes": [list(episode) for episode in source.episodes]}


def _counts(heard: Mapping[type, list[Any]]) -> dict[str, Any]:
    labels: Counter[str] = Counter()
    for count in heard[LabelCount]:
        labels.update(dict(count.labels))
    rejected: Counter[str] = Counter()
    for one in heard[Rejected]:
        rejected[str(one.reason)] += one.items
    return {
        "files": len(heard[SourceFile]),
        "found": sum(source.found for source in heard[SourceFile]),
        "dropped": sum(source.dropped for source in heard[SourceFile]),
        "episodes": len(heard[LabelCount]),
        "utterances": labels.total(),
        "labels": dict(sorted(labels.items())),
        "rejected": dict(sorted(rejected.items())),
        "speakers": sum(part.rows for part in heard[Part] if part.table == "memory"),
    }


def _night_before(night: str, manifests: Iterable[str]) -> str | None:
    """The latest committed night before one: by name, never by the clock."""
    return max((name for name in manifests if name < night), default=None)


def _refuse_conflict(run: Run, manifests: Mapping[str, Mapping[str, Any]]) -> None:
    now = manifests[run.night]["run"] if run.night in manifests else None
    if now not in (run.supersedes, run.name):
        raise EmonetError(
            f"night {run.night} was committed by run {now} while run {run.name} was at work; "
            "nothing was changed, run it again if its inputs differ"
        )
    before = _night_before(run.night, manifests)
    memory = manifests[before]["run"] if before else None
    if memory != run.memory_run:
        raise EmonetError(
            f"the memory before night {run.night} changed from run {run.memory_run} to {memory} "
            "while it was at work; nothing was changed, run it again"
        )


def _write(run: Run, table: str, folder: str, shard: int, rows: pa.Table) -> Part:
    path = f"{folder}/part-{shard:05d}-of-{SHARDS:05d}.parquet"
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd", row_group_size=_ROW_GROUP)
    content = sink.getvalue()
    _replace_bytes(Path(run.output) / path, memoryview(content))
    return Part(table, path, rows.num_rows, hashlib.sha256(content).hexdigest())


def _read_part(output: str, part: Part) -> bytes:
    path = Path(output) / part.path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EmonetError(f"{path}: {error.strerror}, but a manifest names it") from error
    if hashlib.sha256(content).hexdigest() != part.sha256:
        raise EmonetError(f"{path}: does not have the sha256 that the manifest names; restore it")
    return content


def _manifest_path(run: Run) -> Path:
    return Path(run.output) / _MANIFESTS / f"night={run.night}.json"


def _seal(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _replace(path: Path, content: Mapping[str, Any]) -> None:
    _replace_bytes(path, json.dumps(content, indent=1, sort_keys=True).encode() + b"\n")


def _replace_bytes(path: Path, content: bytes | memoryview) -> None:
    """Readers see the old file or the new one, also after a crash of the machine."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise EmonetError(
            f"{path}: cannot be written ({error.strerror}); make room for it and run it again"
        ) from error


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def _locked(output: str) -> Iterator[None]:
    with (Path(output) / _MANIFESTS / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write_views(output: str, manifests: Mapping[str, Mapping[str, Any]]) -> None:
    views = [
        "-- Views over what the manifests name; read this file from the folder it lies in:",
        "-- duckdb -init views.sql",
    ]
    for table in ("labels", "rejected"):
        paths = [part["path"] for name in sorted(manifests) for part in manifests[name][table]]
        views.append(_view(table, paths))
    latest = manifests[max(manifests)]
    views.append(_view("memory", [part["path"] for part in latest["memory"]]))
    _replace_bytes(Path(output) / "views.sql", "\n".join(views).encode() + b"\n")


def _view(table: str, paths: Sequence[str]) -> str:
    if not paths:
        return f"-- no {table} yet"
    listed = ",\n  ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return (
        f"CREATE OR REPLACE VIEW {table} AS SELECT * FROM read_parquet([\n  {listed}\n], "
        "hive_partitioning = true, hive_types_autocast = false, union_by_name = true);"
    )


Write = Callable[[Run, int, Iterable[Any]], Part]
"""One of `write_labels`, `write_rejected` and `write_memory`."""
