"""Whether every episode that was read is labelled once, in the earliest night that holds it.

Law of this module: it looks at what the nights hold, and not at what they say they were built on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from beam_pipeline.output.files import read_files
from beam_pipeline.output.index import own_copies
from beam_pipeline.output.manifest import Manifest
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


def breaches(storage: Storage, manifests: Mapping[str, Manifest]) -> Iterator[str]:
    """What is labelled twice or nowhere over all nights: a sentence a night for each of the two.

    Raises:
      EmonetError: a file that a manifest names is missing or damaged.
    """
    night_of: dict[str, str] = {}
    night_of_copy: dict[tuple[str, str], str] = {}
    labelled_bytes: set[str] = set()
    represented: set[str] = set()
    for night in sorted(manifests):
        doubled, lost = _Breach(), _Breach()
        copies = list(own_copies(storage, manifests[night]))
        for sha256, digest, episode_id in copies:
            earlier = night_of.get(episode_id, night_of_copy.get((sha256, digest)))
            if earlier is not None:
                doubled.add(episode_id, f"labelled in night {earlier} as well")
        for sha256, digest, episode_id in copies:
            night_of.setdefault(episode_id, night)
            night_of_copy.setdefault((sha256, digest), night)
            labelled_bytes.add(sha256)
        # labelled bytes of another name stand for an episode, and for other versions of it
        read = list(_read(storage, manifests[night]))
        represented.update(one for _, sha256, one in read if sha256 in labelled_bytes)
        for path, _, episode_id in read:
            if episode_id not in night_of and episode_id not in represented:
                lost.add(episode_id, path)
        if doubled.episodes:
            yield f"night {night}: labels {doubled}; run it again with --cascade"
        if lost.episodes:
            yield f"night {night}: read {lost}, labelled nowhere; run it again with --cascade"


def _read(storage: Storage, manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """The path and sha256 of a file, and the id of an episode in it."""
    for source in read_files(storage, manifest):
        for episode_id, _ in source["episodes"]:
            yield source["path"], source["sha256"], episode_id
