"""A run before it begins: what it is called and what it builds on."""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from beam_pipeline.output.acceptance import Acceptance, check_requested
from beam_pipeline.output.files import files_spoken, read_files
from beam_pipeline.output.index import index_of
from beam_pipeline.output.manifest import (
    Manifest,
    Origin,
    Part,
    read_manifest,
    superseded_manifest,
)
from beam_pipeline.output.past import Past, past_of
from beam_pipeline.output.tables import shards_for, shards_grown
from beam_pipeline.records import EmonetError
from beam_pipeline.storage import storage_of

_NIGHT = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")


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
      version: what the storage calls the night's manifest of now, None where there is none.
      supersedes: the run that this manifest names, None where it names none.
      memory_night: the night whose memory it builds on, None for the first.
      memory_sha256: what that memory is called by its content.
      episodes_before: what the episodes that nights before it hold are called by their content.
      memory: the files of the memory, those of a shard newest first.
      index: the files of the index of episodes, those of a shard newest first.
      acceptance: what it must come to for its commit.
      shards: over how many files its labels, its refusals and its file records are spread.
      memory_shards: over how many its memory is.
      index_shards: over how many the files of the index of episodes are.
      folder: what all paths begin with that it writes to; empty, or ends in `/`.
      precision: in which its labels and embeddings are computed, None where that is not known.
      calibration: the numbers by which its labels are calibrated for the corpus, with their sha256;
        None for the checkpoint's own alone.
      memory_before: what else is remembered, before that: files that it never takes in.
    """

    output: str
    night: str
    name: str
    model_id: str
    labels: tuple[str, ...]
    origin: Origin
    version: str | None
    supersedes: str | None
    memory_night: str | None
    memory_sha256: str
    episodes_before: str
    memory: tuple[Part, ...]
    index: tuple[Part, ...] = ()
    acceptance: Acceptance = dataclasses.field(default_factory=Acceptance)
    shards: int = 1
    memory_shards: int = 1
    index_shards: int = 1
    folder: str = ""
    precision: str | None = None
    calibration: Mapping[str, Any] | None = None
    memory_before: tuple[Part, ...] = ()


def begin_run(
    output: str,
    night: str,
    model_id: str,
    labels: Sequence[str],
    origin: Origin,
    paths: Sequence[str],
    acceptance: Acceptance,
) -> Run:
    """Looks up what the night builds on and makes sure that OUT can be written.

    Args:
      output: OUT.
      night: its name.
      model_id: of the checkpoint.
      labels: the classes.
      origin: of the memory it makes.
      paths: what it is to read, as manifests have paths.
      acceptance: what it must come to for its commit.

    Raises:
      EmonetError: the night's name has other than letters, digits and `._-`; OUT cannot be
        written; a manifest is damaged, and is not that of the night to be replaced; the night was
        labelled from other files
        (`acceptance.check_requested`); or the memory is of another origin.
    """
    if not _NIGHT.fullmatch(night):
        raise EmonetError(f"--night {night!r}: use letters, digits, '.', '_' and '-' alone")
    storage = storage_of(output)
    storage.prepare()
    # first its version: what is read after it is at least as new
    held = superseded_manifest(storage, night, replace=acceptance.replace)
    if held[0]:
        spoken = files_spoken(read_files(storage, held[0]))
        check_requested(night, spoken, paths, acceptance)
    past = past_of(storage, night)
    left = past.origin or origin
    if left != origin:
        raise EmonetError(
            f"night {past.night} left a memory of {_named(left)}, this run makes one of "
            f"{_named(origin)}; use the model of that night, make the memory anew with "
            "`emonet rebuild-memory`, or give another --output"
        )
    run = run_after(output, night, held, past, model_id, labels, origin)
    if past.unindexed:
        earlier = (read_manifest(storage, name) for name in past.unindexed)
        run = dataclasses.replace(run, index=index_of(run, (one[0] for one in earlier if one)))
    return dataclasses.replace(run, acceptance=acceptance)


def run_after(
    output: str,
    night: str,
    held: tuple[Manifest | None, str | None],
    past: Past,
    model_id: str,
    labels: Sequence[str],
    origin: Origin,
) -> Run:
    """A run that replaces what the storage holds of a night, after the nights before it.

    Args:
      output: OUT.
      night: its name.
      held: what `superseded_manifest` gives of it.
      past: what the nights before it have left.
      model_id: of the checkpoint.
      labels: the classes.
      origin: of the memory it makes.
    """
    manifest, version = held
    run = Run(
        output=output,
        night=night,
        name=uuid.uuid4().hex[:12],
        model_id=model_id,
        labels=tuple(labels),
        origin=origin,
        version=version,
        supersedes=manifest["run"] if manifest else None,
        memory_night=past.night,
        memory_sha256=past.memory,
        episodes_before=past.episodes,
        memory=tuple(part for part in past.layers if part.table == "memory"),
        index=tuple(part for part in past.layers if part.table != "memory"),
    )
    return spread(run, 0)


def spread(run: Run, size: int) -> Run:
    """The run with its tables spread over as many files as their size asks for.

    Memory is taken to grow by as much as is read at most: of speakers with names an utterance of 80
    bytes leaves some 80 bytes of it. An episode of 256 bytes would be a small one.

    Args:
      run: after the nights before it.
      size: of all its inputs, in bytes; never anything of the machine, on which no byte depends.
    """
    return dataclasses.replace(
        run,
        shards=shards_for(size),
        memory_shards=shards_grown(run.memory, size),
        index_shards=shards_grown(run.index, size // 256),
    )


def _named(origin: Origin) -> str:
    return f"embedder {origin.embedder[:12]}, width {origin.width}, N {origin.history}"
