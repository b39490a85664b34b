"""The commit: everything is counted, then the night's manifest is replaced in one step."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from beam_pipeline.output.acceptance import check_worth, first_of_each_reason
from beam_pipeline.output.manifest import (
    VERSION,
    Manifest,
    Part,
    manifest_path,
    named_paths,
    opened,
    past_of,
    read_manifests,
    sealed,
    superseded_manifest,
)
from beam_pipeline.output.memories import MemoryShard
from beam_pipeline.output.run import Run
from beam_pipeline.output.tables import SHARDS
from beam_pipeline.output.views import write_views
from beam_pipeline.records import EmonetError, Reason, Rejected, SourceFile
from beam_pipeline.storage import ConflictError, Storage, storage_of

DUPLICATES = (Reason.DUPLICATE, Reason.DUPLICATE_EPISODE)
"""Refusals of whole episodes that were read: their position is the episode's id."""


@dataclasses.dataclass(frozen=True)
class Requested:
    """The input that a run was given.

    Attributes:
      paths: the files.
      reading: how, as flags of the command line.
    """

    paths: tuple[str, ...]
    reading: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class LabelCount:
    """What was labelled of one episode: the digest of its content, its utterances by label."""

    episode_id: str
    digest: str
    labels: tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True)
class SpeakerCount:
    """How many speakers the memory is to hold, counted apart from the memory itself."""

    speakers: int


@dataclasses.dataclass(frozen=True)
class Fault:
    """A reason not to commit: an episode, a file or the whole run, and what is wrong with it."""

    where: str
    message: str


Entry = Requested | Part | MemoryShard | LabelCount | SpeakerCount | SourceFile | Rejected | Fault
"""What a run reports to the commit."""


def commit(run: Run, entries: Iterable[Entry]) -> Manifest:
    """Replaces the night's manifest, if nothing is missing and nobody was faster.

    The views are of the new manifests then, unless the storage fails in that very moment: the
    night is committed all the same, and the next commit makes them anew.

    Raises:
      EmonetError: something was lost or doubled, named by episode and count; the run is not worth
        its commit (`acceptance.check_worth`); or another run committed this night, or the night
        that it builds on, in the meantime.
    """
    by_kind = _entries_by_kind(entries)
    faults = sorted(
        [*by_kind[Fault], *count_faults(by_kind)], key=lambda fault: (fault.where, fault.message)
    )
    if faults:
        raise EmonetError(refusal(run, faults))
    manifest = _manifest(run, by_kind)
    storage = storage_of(run.output)
    check_worth(manifest, run.acceptance, _to_keep(run, storage))
    if not _is_committed(run, storage):
        _refuse_other_past(run)
        _refuse_missing_files(run, storage, manifest)
        _replace(run, storage, manifest)
    with contextlib.suppress(EmonetError):
        write_views(run.output)
    return manifest


def count_faults(by_kind: Mapping[type, list[Any]]) -> Iterator[Fault]:
    """Holds input = labelled + rejected + duplicates, all of it read, written and remembered."""
    yield from _file_faults(by_kind)
    yield from _episode_faults(by_kind)
    yield from _table_faults(by_kind)


def _file_faults(by_kind: Mapping[type, list[Any]]) -> Iterator[Fault]:
    requested = Counter(path for one in by_kind[Requested] for path in one.paths)
    came = Counter(source.path for source in by_kind[SourceFile])
    # an archive names what is in it, each of which is to be read as if it had been requested
    expected = requested + Counter(path for one in by_kind[SourceFile] for path in one.members)
    for path in sorted(expected.keys() | came.keys()):
        if expected[path] != came[path]:
            yield Fault(path, f"read {came[path]} times, expected {expected[path]}")
    refused: Counter[str] = Counter()
    for one in by_kind[Rejected]:
        if one.reason not in DUPLICATES:
            refused[one.source] += one.items
    for source in by_kind[SourceFile]:
        if source.rejected != refused[source.path]:
            message = f"{source.rejected} refusals counted, {refused[source.path]} came"
            yield Fault(source.path, message)


def _episode_faults(by_kind: Mapping[type, list[Any]]) -> Iterator[Fault]:
    read: Counter[str] = Counter()
    for source in by_kind[SourceFile]:
        read.update(dict(source.episodes))
    done: Counter[str] = Counter()
    for count in by_kind[LabelCount]:
        done[count.episode_id] += sum(dict(count.labels).values())
    for one in by_kind[Rejected]:
        if one.reason in DUPLICATES:
            done[one.position] += one.items
    for episode in sorted(read.keys() | done.keys()):
        if read[episode] != done[episode]:
            message = f"{read[episode]} utterances read, {done[episode]} labelled or rejected"
            yield Fault(episode, message)


def _table_faults(by_kind: Mapping[type, list[Any]]) -> Iterator[Fault]:
    written: Counter[str] = Counter()
    for part in by_kind[Part]:
        written[part.table] += part.rows
    labelled = sum(sum(dict(count.labels).values()) for count in by_kind[LabelCount])
    if written["labels"] != labelled:
        yield Fault("", f"{labelled} utterances labelled, {written['labels']} written")
    if written["rejected"] != len(by_kind[Rejected]):
        yield Fault("", f"{len(by_kind[Rejected])} refusals, {written['rejected']} written")
    speakers = sum(count.speakers for count in by_kind[SpeakerCount])
    remembered = sum(shard.speakers for shard in by_kind[MemoryShard])
    if remembered != speakers:
        yield Fault("", f"{speakers} speakers to remember, {remembered} written")


def _entries_by_kind(entries: Iterable[Entry]) -> dict[type, list[Any]]:
    by_kind: dict[type, list[Any]] = {kind: [] for kind in Entry.__args__}
    for entry in entries:
        by_kind[type(entry)].append(entry)
    return by_kind


def refusal(run: Run, faults: Sequence[Fault]) -> str:
    """Why a run is not committed that has faults, in order, in one sentence."""
    shown = "; ".join(f"{fault.where or 'the run'}: {fault.message}" for fault in faults[:5])
    more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
    return (
        f"night {run.night} is not committed, the engine lost or doubled something of "
        f"{len({fault.where for fault in faults})} episodes or files ({len(faults)} faults): "
        f"{shown}{more}; run it again, on another engine if it repeats"
    )


def _manifest(run: Run, by_kind: Mapping[type, list[Any]]) -> Manifest:
    sources = sorted(by_kind[SourceFile], key=lambda source: source.path)
    requested: list[Requested] = by_kind[Requested]
    counts: list[LabelCount] = by_kind[LabelCount]
    return {
        "version": VERSION,
        "night": run.night,
        "run": run.name,
        "supersedes": run.supersedes,
        "model_id": run.model_id,
        "origin": dataclasses.asdict(run.origin),
        "memory_from": {"night": run.memory_night, "sha256": run.memory_sha256},
        "episodes_before": run.episodes_before,
        "labels": _files(by_kind[Part], "labels"),
        "rejected": _files(by_kind[Part], "rejected"),
        "memory": [dataclasses.asdict(part) for part in _memory_after(run, by_kind[MemoryShard])],
        "reading": dict(requested[0].reading),
        "inputs": [_input(source, requested[0].reading.get("folder", "")) for source in sources],
        "episodes": {
            count.episode_id: [sum(dict(count.labels).values()), count.digest] for count in counts
        },
        "counts": _counts(run, by_kind),
        "first_rejected": list(map(dataclasses.asdict, first_of_each_reason(by_kind[Rejected]))),
    }


def _files(parts: Iterable[Part], table: str) -> list[dict[str, Any]]:
    named = sorted((part for part in parts if part.table == table), key=lambda part: part.path)
    return [dataclasses.asdict(part) for part in named]


def _memory_after(run: Run, written: Iterable[MemoryShard]) -> Iterator[Part]:
    """Shard by shard, newest layer first; where nobody spoke, memory stays as it was."""
    layers = {shard.layers[0].shard: shard.layers for shard in written}
    for shard in range(SHARDS):
        yield from layers.get(shard, [part for part in run.memory if part.shard == shard])


def _input(source: SourceFile, folder: str) -> dict[str, Any]:
    """A file's record, with `source` for its path as it was given and as `rejected` has it."""
    fields = dataclasses.asdict(source)
    pairs = {name: list(map(list, fields[name])) for name in ("episodes", "dropped_kinds")}
    members = [_absolute(member, folder) for member in source.members]
    path = _absolute(source.path, folder)
    lists = {**pairs, "members": members, "assumed": list(source.assumed)}
    return {**fields, **lists, "path": path, "source": source.path}


def _absolute(path: str, folder: str) -> str:
    return path if path.startswith("gs://") else os.path.join(folder, path)


def _counts(run: Run, by_kind: Mapping[type, list[Any]]) -> dict[str, Any]:
    labels: Counter[str] = Counter(dict.fromkeys(run.labels, 0))
    for count in by_kind[LabelCount]:
        labels.update(dict(count.labels))
    rejected: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for one in by_kind[Rejected]:
        (files if one.is_file else rejected)[str(one.reason)] += one.items
    sources: list[SourceFile] = by_kind[SourceFile]
    return {
        "files": len(sources),
        # a file that was refused whole is one found, of cues that nobody counted
        "found": sum(source.found for source in sources) - files.total(),
        "dropped": sum(source.dropped for source in sources),
        "read": sum(count for source in sources for _, count in source.episodes),
        "episodes": len(by_kind[LabelCount]),
        "utterances": labels.total(),
        "labels": dict(sorted(labels.items())),
        "duplicates": rejected.pop(Reason.DUPLICATE, 0),
        "rejected": dict(sorted(rejected.items())),
        "rejected_files": dict(sorted(files.items())),
        "speakers": sum(count.speakers for count in by_kind[SpeakerCount]),
        "repaired": sum(source.repaired for source in sources),
        "assumed": dict(sorted(Counter(one for file in sources for one in file.assumed).items())),
    }


def _to_keep(run: Run, storage: Storage) -> Manifest | None:
    """The manifest whose files the run must keep; None if it may lose them, or is in conflict."""
    if run.version is None or run.acceptance.replace:
        return None
    held, version = superseded_manifest(storage, run.night, replace=False)
    return held if version == run.version else None


def _is_committed(run: Run, storage: Storage) -> bool:
    """Whether this very run is committed: an engine may do a step twice."""
    path = manifest_path(run.night)
    now = storage.version(path)
    # what it was when the run began is not of this run, and may be damaged
    if now is None or now[1] == run.version:
        return False
    return bool(opened(now[0], f"{storage.root}/{path}")["run"] == run.name)


def _refuse_other_past(run: Run) -> None:
    now = past_of(run.night, read_manifests(run.output, except_night=run.night))
    built_on = (run.memory_sha256, run.episodes_before)
    if (now.memory, now.episodes) != built_on:
        what = "memory" if now.memory != run.memory_sha256 else "nights"
        raise EmonetError(
            f"the {what} before night {run.night} changed while run {run.name} was at work, the "
            f"latest is night {now.night} now; nothing was changed, run it again"
        )


def _refuse_missing_files(run: Run, storage: Storage, manifest: Manifest) -> None:
    named = set(named_paths([manifest]))
    folders = {str(PurePosixPath(path).parent) for path in named}
    there = {file.path for folder in folders for file in storage.files(folder)}
    if named - there:
        raise EmonetError(
            f"{storage.root}/{min(named - there)}: is gone before night {run.night} could name it "
            f"({len(named - there)} files in all); nothing was changed, run it again"
        )


def _replace(run: Run, storage: Storage, manifest: Manifest) -> None:
    try:
        storage.replace(manifest_path(run.night), sealed(manifest), run.version)
    except ConflictError as error:
        raise EmonetError(
            f"night {run.night} was committed by another run while run {run.name} was at work; "
            "nothing was changed, run it again if its inputs differ"
        ) from error
