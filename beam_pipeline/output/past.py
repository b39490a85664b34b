"""What a night builds on, and which nights stand on others that were superseded since."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from beam_pipeline.output.manifest import (
    LAYERED,
    Manifest,
    Origin,
    Part,
    committed_nights,
    parts_of,
    read_manifest,
)
from beam_pipeline.storage import Storage


@dataclasses.dataclass(frozen=True)
class Past:
    """All that a night builds on.

    Attributes:
      night: the latest committed night before it, None for the first.
      memory: what the memory that this night left is called by its content.
      episodes: what the episodes that all nights before it hold are called by their content.
      origin: of that memory; None where there is none.
      layers: the files of `memory`, `episodes` and `copies`, those of a shard newest first.
      unindexed: earlier nights whose manifests have their episodes in them (version 1), and which
        no files of `episodes` and `copies` speak of.
    """

    night: str | None
    memory: str
    episodes: str
    origin: Origin | None = None
    layers: tuple[Part, ...] = ()
    unindexed: tuple[str, ...] = ()


def past_of(storage: Storage, night: str) -> Past:
    """What a night builds on now: the latest night before it by name, never by the clock.

    One manifest is read, or, where that one is of version 1, those of all nights before it.

    Raises:
      EmonetError: a manifest is damaged.
    """
    names = [name for name in committed_nights(storage) if name < night]
    latest = _manifest_of(storage, names[-1]) if names else None
    if latest is None:
        return Past(None, memory_digest(None), "")
    layers = tuple(part for table in LAYERED for part in parts_of(storage, latest, table))
    past = Past(names[-1], memory_digest(latest), "", Origin(**latest["origin"]), layers)
    if "left" in latest:
        return dataclasses.replace(past, episodes=latest["left"]["episodes"])
    manifests = [*(_manifest_of(storage, name) for name in names[:-1]), latest]
    held = functools.reduce(held_digest, (one for one in manifests if one), "")
    return dataclasses.replace(past, episodes=held, unindexed=tuple(names))


def manifests_around(storage: Storage, night: str) -> dict[str, Manifest]:
    """The manifests of the latest night before one, and of all after it, by night, in order.

    Before a night of version 1, which does not say what it left, they are those of all nights.

    Raises:
      EmonetError: one is damaged.
    """
    names = [name for name in committed_nights(storage) if name != night]
    earlier = [name for name in names if name < night]
    latest = _manifest_of(storage, earlier[-1]) if earlier else None
    unread = len(earlier) - 1 if latest and "left" in latest else 0
    manifests = ((name, _manifest_of(storage, name)) for name in names[max(0, unread) :])
    return {name: manifest for name, manifest in manifests if manifest}


def memory_digest(manifest: Manifest | None) -> str:
    """Names the memory that a night left by its content; without a night, that of no memory."""
    if manifest and "left" in manifest:
        return str(manifest["left"]["memory"])
    return digest_of([Part(**part) for part in manifest["memory"]] if manifest else [])


def left_digests(parts: Mapping[str, Sequence[Part]]) -> dict[str, str]:
    """Names what a night leaves to the next by its content: memory, and the index of episodes."""
    index = [digest_of(parts[table]) for table in ("episodes", "copies")]
    return {
        "memory": digest_of(parts["memory"]),
        "episodes": hashlib.sha256(json.dumps(index).encode()).hexdigest(),
    }


def digest_of(parts: Iterable[Part]) -> str:
    """Names the content of files by their shards and their bytes."""
    content = [[part.shard, part.sha256] for part in parts]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def held_digest(before: str, manifest: Manifest) -> str:
    """Names the episodes that a night and those before it hold, and the files that they are of."""
    if "left" in manifest:
        return str(manifest["left"]["episodes"])
    content = [before, manifest["episodes"], sorted(set(copies_of_version_1(manifest)))]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def copies_of_version_1(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """An episode that was labelled, the sha256 of a file that it may be of, and its digest."""
    for source in manifest["inputs"]:
        for episode_id, _ in source["episodes"]:
            if episode_id in manifest["episodes"]:
                yield episode_id, source["sha256"], manifest["episodes"][episode_id][1]


def outdated_nights(manifests: Mapping[str, Manifest], since: str = "") -> dict[str, str]:
    """Nights that stand on superseded nights, and the night before each, `` where there is none.

    A night does if it was built on other memory than the night before it has now, on other episodes
    than the nights before it hold now, or on a night that does. A night that does not say on which
    episodes it was built is taken to do so after one that does, which was run later.

    Args:
      manifests: of all nights by night; or those that `manifests_around` gives of `since`.
      since: the first night that may be told.
    """
    outdated: dict[str, str] = {}
    before, memory, held, told = "", memory_digest(None), "", False
    for night, manifest in sorted(manifests.items()):
        built_on = manifest.get("episodes_before")
        other_episodes = told if built_on is None else built_on != held
        other_memory = manifest["memory_from"]["sha256"] != memory
        if night >= since and (before in outdated or other_episodes or other_memory):
            outdated[night] = before
        before, memory = night, memory_digest(manifest)
        held, told = held_digest(held, manifest), told or built_on is not None
    return outdated


def _manifest_of(storage: Storage, night: str) -> Manifest | None:
    held = read_manifest(storage, night)
    return held[0] if held else None
