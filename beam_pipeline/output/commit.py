"""The commit: everything is counted, then the night's manifest is replaced in one step."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from beam_pipeline.output.acceptance import check_worth
from beam_pipeline.output.accounting import Fault, Tally, tally_faults, total
from beam_pipeline.output.delta import write_delta_log
from beam_pipeline.output.files import files_spoken, name_reading, read_files
from beam_pipeline.output.layers import LayeredShard, layers_after
from beam_pipeline.output.manifest import (
    LAYERED,
    TABLES,
    VERSION,
    Manifest,
    Part,
    manifest_path,
    name_parts,
    named_paths,
    opened,
    sealed,
    superseded_manifest,
)
from beam_pipeline.output.past import left_digests, past_of
from beam_pipeline.output.run import Run
from beam_pipeline.output.views import write_views
from beam_pipeline.records import EmonetError, Reason
from beam_pipeline.storage import ConflictError, Storage, storage_of


@dataclasses.dataclass(frozen=True)
class Reading:
    """How a run reads its input, as flags of the command line."""

    options: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class SpeakerCount:
    """How many speakers the memory is to hold, counted apart from the memory itself."""

    speakers: int


Entry = Reading | Part | LayeredShard | SpeakerCount | Tally
"""What a run reports to the commit: small, and few, whatever the night."""


def commit(run: Run, entries: Iterable[Entry]) -> Manifest:
    """Replaces the night's manifest, if nothing is missing and nobody was faster.

    Raises:
      EmonetError: something was lost or doubled, named by episode and count; the run is not worth
        its commit (`acceptance.check_worth`); or another run committed this night, or a night
        that it builds on, in the meantime.
    """
    by_kind = _entries_by_kind(entries)
    sums = total(by_kind[Tally])
    unwritten = tuple(table_faults(sums, by_kind))
    sums += tally_faults(unwritten)
    if sums.faults:
        raise EmonetError(refusal(run, sums))
    storage = storage_of(run.output)
    manifest = _manifest(run, storage, sums, by_kind)
    check_worth(manifest, run.acceptance, _lost_files(run, storage, manifest))
    if not _is_committed(run, storage):
        _refuse_other_past(run, storage)
        _refuse_missing_files(run, storage, manifest)
        _replace(run, storage, manifest)
    with contextlib.suppress(EmonetError):
        write_views(run.output)
        write_delta_log(run.output)
    return manifest


def table_faults(sums: Tally, by_kind: Mapping[type, list[Any]]) -> Iterator[Fault]:
    """Holds that what was counted where it arose was written, in every table."""
    written: Counter[str] = Counter()
    for part in by_kind[Part]:
        written[part.table] += part.rows
    for shard in by_kind[LayeredShard]:
        written[shard.layers[0].table] += shard.rows
    for table, counted, what in (
        ("labels", sum(dict(sums.labels).values()), "utterances labelled"),
        ("rejected", sums.refusals, "refusals"),
        ("files", sums.files, "files read"),
        ("episodes", sums.episodes, "episodes labelled"),
        ("copies", sums.copies, "files of labelled episodes"),
        ("memory", sum(one.speakers for one in by_kind[SpeakerCount]), "speakers to remember"),
    ):
        if written[table] != counted:
            yield Fault("", f"{counted} {what}, {written[table]} written")


def _entries_by_kind(entries: Iterable[Entry]) -> dict[type, list[Any]]:
    by_kind: dict[type, list[Any]] = {kind: [] for kind in Entry.__args__}
    for entry in entries:
        by_kind[type(entry)].append(entry)
    return by_kind


def refusal(run: Run, sums: Tally) -> str:
    """Why a run is not committed in whose sums there are faults, in one sentence."""
    shown = "; ".join(f"{one.where or 'the run'}: {one.message}" for one in sums.first_faults)
    more = sums.faults - len(sums.first_faults)
    return (
        f"night {run.night} is not committed, the engine lost or doubled something of "
        f"{sums.faulty} episodes or files ({sums.faults} faults): {shown}"
        f"{f'; and {more} more' if more > 0 else ''}; run it again, on another engine if it repeats"
    )


def _manifest(
    run: Run, storage: Storage, sums: Tally, by_kind: Mapping[type, list[Any]]
) -> Manifest:
    parts = _parts_after(run, by_kind)
    return {
        "version": VERSION,
        "night": run.night,
        "run": run.name,
        "supersedes": run.supersedes,
        "model_id": run.model_id,
        "precision": run.precision,
        "calibration": run.calibration and dict(run.calibration),
        "origin": dataclasses.asdict(run.origin),
        "memory_from": {"night": run.memory_night, "sha256": run.memory_sha256},
        "episodes_before": run.episodes_before,
        "left": left_digests(parts),
        **name_parts(storage, run.night, run.name, parts),
        "reading": name_reading(storage, run.night, run.name, by_kind[Reading][0].options),
        "counts": _counts(run, sums, by_kind[SpeakerCount]),
        "first_rejected": list(map(dataclasses.asdict, sums.first_rejected)),
    }


def _parts_after(run: Run, by_kind: Mapping[type, list[Any]]) -> dict[str, list[Part]]:
    """The files of each table by path; layers shard by shard, newest first."""
    parts: dict[str, list[Part]] = {table: [] for table in TABLES}
    for part in sorted(by_kind[Part], key=lambda part: part.path):
        parts[part.table].append(part)
    for table in LAYERED:
        written = (one for one in by_kind[LayeredShard] if one.layers[0].table == table)
        parts[table] += layers_after((*run.memory, *run.index), table, written)
    return parts


def _counts(run: Run, sums: Tally, speakers: Sequence[SpeakerCount]) -> dict[str, Any]:
    labels = dict.fromkeys(run.labels, 0) | dict(sums.labels)
    rejected = dict(sums.rejected)
    return {
        "files": sums.files,
        "archives": sums.archives,
        "found": sums.found,
        "dropped": sums.dropped,
        "read": sums.read,
        "episodes": sums.episodes,
        "utterances": sum(labels.values()),
        "labels": dict(sorted(labels.items())),
        "duplicates": rejected.pop(Reason.DUPLICATE, 0),
        "rejected": rejected,
        "rejected_files": dict(sums.rejected_files),
        "speakers": sum(one.speakers for one in speakers),
        "repaired": sums.repaired,
        "assumed": dict(sums.assumed),
    }


def _lost_files(run: Run, storage: Storage, manifest: Manifest) -> list[str]:
    """The files that the night has utterances of now and would have none of; none if it may."""
    if run.version is None or run.acceptance.replace:
        return []
    held, version = superseded_manifest(storage, run.night, replace=False)
    if held is None or version != run.version:
        return []
    spoken = files_spoken(read_files(storage, manifest))
    return sorted(files_spoken(read_files(storage, held)) - spoken)


def _is_committed(run: Run, storage: Storage) -> bool:
    """Whether this very run is committed: an engine may do a step twice."""
    path = manifest_path(run.night)
    now = storage.version(path)
    # what it was when the run began is not of this run, and may be damaged
    if now is None or now[1] == run.version:
        return False
    return bool(opened(now[0], f"{storage.root}/{path}")["run"] == run.name)


def _refuse_other_past(run: Run, storage: Storage) -> None:
    now = past_of(storage, run.night)
    built_on = (run.memory_sha256, run.episodes_before)
    if (now.memory, now.episodes) != built_on:
        what = "memory" if now.memory != run.memory_sha256 else "nights"
        raise EmonetError(
            f"the {what} before night {run.night} changed while run {run.name} was at work, the "
            f"latest is night {now.night} now; nothing was changed, run it again"
        )


def _refuse_missing_files(run: Run, storage: Storage, manifest: Manifest) -> None:
    # those of earlier runs are named by the night before, and so never removed
    own = f"/run={run.name}"
    named = {path for path in named_paths(storage, [manifest]) if own in path}
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
