"""A run before it begins: what it is called and what it builds on."""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Mapping, Sequence

from beam_pipeline.output.acceptance import Acceptance, check_requested
from beam_pipeline.output.manifest import (
    Manifest,
    Origin,
    Part,
    parts_of,
    past_of,
    read_manifests,
    superseded_manifest,
)
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
      acceptance: what it must come to for its commit.
      shards: over how many files its labels, and its refusals, are spread.
      folder: what all paths begin with that it writes to; empty, or ends in `/`.
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
    acceptance: Acceptance = dataclasses.field(default_factory=Acceptance)
    shards: int = 8
    folder: str = ""
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
        check_requested(held[0], paths, acceptance)
    manifests = read_manifests(output, except_night=night)
    run = dataclasses.replace(
        run_after(output, night, held, manifests, model_id, labels, origin), acceptance=acceptance
    )
    left = Origin(**manifests[run.memory_night]["origin"]) if run.memory_night else origin
    if left != origin:
        raise EmonetError(
            f"night {run.memory_night} left a memory of {_named(left)}, this run makes one of "
            f"{_named(origin)}; use the model of that night, make the memory anew with "
            "`emonet rebuild-memory`, or give another --output"
        )
    return run


def run_after(
    output: str,
    night: str,
    held: tuple[Manifest | None, str | None],
    manifests: Mapping[str, Manifest],
    model_id: str,
    labels: Sequence[str],
    origin: Origin,
) -> Run:
    """A run that replaces what the storage holds of a night, after the nights before it.

    Args:
      output: OUT.
      night: its name.
      held: what `superseded_manifest` gives of it.
      manifests: of the other nights.
      model_id: of the checkpoint.
      labels: the classes.
      origin: of the memory it makes.
    """
    manifest, version = held
    past = past_of(night, manifests)
    return Run(
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
        memory=parts_of(manifests[past.night], "memory") if past.night else (),
    )


def _named(origin: Origin) -> str:
    return f"embedder {origin.embedder[:12]}, width {origin.width}, N {origin.history}"
