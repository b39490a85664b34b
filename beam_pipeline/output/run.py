"""A run before it begins: what it is called and what it builds on."""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Sequence

from beam_pipeline.output.manifest import (
    Origin,
    Part,
    manifest_path,
    memory_digest,
    night_before,
    parts_of,
    read_manifests,
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
      supersedes: the run that this manifest names.
      memory_night: the night whose memory it builds on, None for the first.
      memory_sha256: what that memory is called by its content.
      memory: its files, those of a shard newest first.
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
    memory: tuple[Part, ...]


def begin_run(output: str, night: str, model_id: str, labels: Sequence[str], origin: Origin) -> Run:
    """Looks up what the night builds on and makes sure that OUT can be written.

    Raises:
      EmonetError: the night's name has other than letters, digits and `._-`; OUT cannot be
        written; a manifest is damaged; or the memory is of another origin.
    """
    if not _NIGHT.fullmatch(night):
        raise EmonetError(f"--night {night!r}: use letters, digits, '.', '_' and '-' alone")
    storage = storage_of(output)
    storage.prepare()
    # first the version: what is read after it is at least as new
    version = storage.version(manifest_path(night))
    manifests = read_manifests(output)
    before = night_before(night, manifests)
    memory = manifests[before] if before else None
    if memory and memory["origin"] != dataclasses.asdict(origin):
        raise EmonetError(
            f"night {before} left a memory of {_named(Origin(**memory['origin']))}, this run makes "
            f"one of {_named(origin)}; use the model of that night, make the memory anew with "
            "`emonet rebuild-memory`, or give another --output"
        )
    return Run(
        output=output,
        night=night,
        name=uuid.uuid4().hex[:12],
        model_id=model_id,
        labels=tuple(labels),
        origin=origin,
        version=version and version[1],
        supersedes=manifests[night]["run"] if night in manifests else None,
        memory_night=before,
        memory_sha256=memory_digest(memory),
        memory=parts_of(memory, "memory") if memory else (),
    )


def _named(origin: Origin) -> str:
    return f"embedder {origin.embedder[:12]}, width {origin.width}, N {origin.history}"
