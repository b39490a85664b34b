"""Manifests: what is committed, what a night builds on, and which nights must be run again."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from beam_pipeline.records import EmonetError
from beam_pipeline.storage import Storage, storage_of

VERSION = 1
MANIFESTS = "_manifests"
TABLES = ("labels", "rejected", "memory")

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
      table: `labels`, `rejected` or `memory`.
      shard: its number.
      path: relative to OUT.
      rows: how many.
      sha256: hex digest of its bytes.
    """

    table: str
    shard: int
    path: str
    rows: int
    sha256: str


def read_manifests(output: str, *, except_night: str | None = None) -> dict[str, Manifest]:
    """The manifests of all committed nights, or of all but one, by night, in order.

    Raises:
      EmonetError: one is damaged.
    """
    storage = storage_of(output)
    left_out = None if except_night is None else manifest_path(except_night)
    manifests = [
        opened(storage.read(path), f"{storage.root}/{path}")
        for path in manifest_paths(storage)
        if path != left_out
    ]
    return {manifest["night"]: manifest for manifest in sorted(manifests, key=_night)}


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
    files = storage.files(MANIFESTS)
    return [file.path for file in files if file.path.endswith(".json")]


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
    if manifest["version"] != VERSION:
        raise EmonetError(f"{name}: is of another version of emonet; read it with that one")
    return manifest


def parts_of(manifest: Manifest, table: str) -> tuple[Part, ...]:
    """The files of one table that a manifest names."""
    return tuple(Part(**part) for part in manifest[table])


def night_before(night: str, nights: Iterable[str]) -> str | None:
    """The latest committed night before one: by name, never by the clock."""
    return max((name for name in nights if name < night), default=None)


def memory_digest(manifest: Manifest | None) -> str:
    """Names the memory that a night left by its content; without a night, that of no memory."""
    parts = manifest["memory"] if manifest else []
    content = [[part["shard"], part["sha256"]] for part in parts]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class Past:
    """All that a night builds on.

    Attributes:
      night: the latest committed night before it, None for the first.
      memory: what the memory that this night left is called by its content.
      episodes: what the episodes that all nights before it hold are called by their content.
    """

    night: str | None
    memory: str
    episodes: str


def past_of(night: str, manifests: Mapping[str, Manifest]) -> Past:
    """What a night builds on now."""
    before = night_before(night, manifests)
    held = functools.reduce(
        _with_held, (manifests[name] for name in sorted(manifests) if name < night), ""
    )
    return Past(before, memory_digest(manifests[before] if before else None), held)


def outdated_nights(manifests: Mapping[str, Manifest]) -> dict[str, str]:
    """Nights that stand on superseded nights, and the night before each, `` where there is none.

    A night does if it was built on other memory than the night before it has now, on other episodes
    than the nights before it hold now, or on a night that does. A night that does not say on which
    episodes it was built is taken to do so after one that does, which was run later.
    """
    outdated: dict[str, str] = {}
    before, memory, held, told = "", memory_digest(None), "", False
    for night, manifest in sorted(manifests.items()):
        built_on = manifest.get("episodes_before")
        other_episodes = told if built_on is None else built_on != held
        if before in outdated or other_episodes or manifest["memory_from"]["sha256"] != memory:
            outdated[night] = before
        before, memory = night, memory_digest(manifest)
        held, told = _with_held(held, manifest), told or built_on is not None
    return outdated


def _with_held(before: str, manifest: Manifest) -> str:
    """Names the episodes that a night and those before it hold, and the files that they are of."""
    content = [before, manifest["episodes"], sorted(set(labelled_copies(manifest)))]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def same_bytes(one: Manifest, other: Manifest) -> bool:
    """Whether two runs wrote the same, name for name of shard and byte for byte."""
    return all(
        [(part.shard, part.sha256) for part in parts_of(one, table)]
        == [(part.shard, part.sha256) for part in parts_of(other, table)]
        for table in TABLES
    )


@dataclasses.dataclass(frozen=True)
class Earlier:
    """What the nights before one have labelled.

    Attributes:
      episodes: the night and the content's digest of each episode, by its id.
      copies: the night of each, by the content's digest, for each sha256 of a file.
    """

    episodes: Mapping[str, tuple[str, str]]
    copies: Mapping[str, Mapping[str, str]]


def labelled_before(output: str, night: str) -> Earlier:
    """What the nights before one have labelled.

    Raises:
      EmonetError: a manifest is damaged, other than that of the night itself.
    """
    episodes: dict[str, tuple[str, str]] = {}
    copies: dict[str, dict[str, str]] = {}
    for name, manifest in read_manifests(output, except_night=night).items():
        if name < night:
            for episode_id, (_, digest) in manifest["episodes"].items():
                episodes.setdefault(episode_id, (name, digest))
            for _, sha256, digest in labelled_copies(manifest):
                copies.setdefault(sha256, {}).setdefault(digest, name)
    return Earlier(episodes, copies)


def labelled_copies(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """An episode that was labelled, the sha256 of a file that it may be of, and its digest."""
    for source in manifest["inputs"]:
        for episode_id, _ in source["episodes"]:
            if episode_id in manifest["episodes"]:
                yield episode_id, source["sha256"], manifest["episodes"][episode_id][1]


def named_paths(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Every file that a manifest names."""
    for manifest in manifests:
        for table in TABLES:
            yield from (part["path"] for part in manifest[table])


def _seal(manifest: Manifest) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _night(manifest: Manifest) -> str:
    return str(manifest["night"])
