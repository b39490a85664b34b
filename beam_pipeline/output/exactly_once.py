"""Whether every episode that was read is labelled once, in the earliest night that holds it.

Law of this module: it looks at what the nights hold, and not at what they say they were built on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from beam_pipeline.output.files import read_files
from beam_pipeline.output.index import is_own, own_copies
from beam_pipeline.output.manifest import Manifest, Part
from beam_pipeline.storage import Storage


@dataclasses.dataclass
class _Breach:
    """How many episodes of a night break the law in one way, and the first of them by id."""

    episodes: int = 0
    first: tuple[str, str] = ("", "")

    def add(self, episode_id: str, where: str) -> None:
        self.first = min(self.first, (episode_id, where)) if self.episodes else (episode_id, where)
        self.episodes += 1

    def __str__(self) -> str:
        more = f" and {self.episodes - 1:,} more" if self.episodes > 1 else ""
        return f"{self.first[0]} ({self.first[1]}){more}".replace("\n", r"\n")


class ExactlyOnce:
    """Holds the nights of an output against each other, first to last."""

    def __init__(self) -> None:
        self._night_of: dict[str, str] = {}
        self._night_of_copy: dict[tuple[str, str], str] = {}
        self._labelled_bytes: set[str] = set()
        self._represented: set[str] = set()

    def breaches(self, storage: Storage, manifest: Manifest) -> list[str]:
        """What the next night labels twice, and what it read that is labelled nowhere.

        Raises:
          EmonetError: a file that its manifest names is missing or damaged.
        """
        night = manifest["night"]
        doubled, lost = _Breach(), _Breach()
        copies = list(own_copies(storage, manifest))
        for sha256, digest, episode_id in copies:
            earlier = self._night_of.get(episode_id, self._night_of_copy.get((sha256, digest)))
            if earlier is not None:
                doubled.add(episode_id, f"labelled in night {earlier} as well")
        for sha256, digest, episode_id in copies:
            self._night_of.setdefault(episode_id, night)
            self._night_of_copy.setdefault((sha256, digest), night)
            self._labelled_bytes.add(sha256)
        # labelled bytes of another name stand for an episode, and for other versions of it
        read = list(_read(storage, manifest))
        known = self._labelled_bytes
        self._represented.update(one for _, sha256, one in read if sha256 in known)
        for path, _, episode_id in read:
            if episode_id not in self._night_of and episode_id not in self._represented:
                lost.add(episode_id, path)
        told = ((doubled, f"labels {doubled}"), (lost, f"read {lost}, labelled nowhere"))
        return [
            f"night {night}: {what}; run it again with --cascade"
            for breach, what in told
            if breach.episodes
        ]


def is_read_for_breaches(part: Part, manifest: Manifest) -> bool:
    """Whether `ExactlyOnce.breaches` reads a file of a night."""
    return part.table == "files" or (part.table == "copies" and is_own(part, manifest))


def _read(storage: Storage, manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """The path and sha256 of a file, and the id of an episode in it."""
    for source in read_files(storage, manifest):
        for episode_id, _ in source["episodes"]:
            yield source["path"], source["sha256"], episode_id
