"""A night looked through before it is labelled: which episodes it has, each once, in what order.

Law of this module: nothing of Beam. It settles the same as `stages.read`, by the same functions;
of an episode that was read it keeps where it lies and not the episode.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from beam_pipeline.corpus.companions import companions_of, read_companions
from beam_pipeline.corpus.duplicates import file_of, only_once, resolve_claims
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import read_path
from beam_pipeline.output.index import earlier_copies, earlier_episodes
from beam_pipeline.output.run import Run
from beam_pipeline.records import Place, Rejected
from beam_pipeline.spill import Spill, Spilled

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Planned:
    """An episode that was read.

    Attributes:
      place: on the timeline.
      content: a name for its content, `SHA256/NUMBER` of its file and where it is in that.
      source, flags, rows, digest: as `Episode` has them.
      lies: where it was written to.
    """

    place: Place
    content: str
    source: str
    flags: tuple[str, ...]
    rows: int
    digest: str
    lies: Spilled

    @property
    def episode_id(self) -> str:
        """Its id."""
        return self.place[3]


@dataclasses.dataclass(frozen=True)
class LookedThrough:
    """What a night consists of.

    Attributes:
      episodes: those that are labelled, in timeline order.
      records: the file of all file records and refusals.
    """

    episodes: tuple[Planned, ...]
    records: str


def look_through(
    paths: Sequence[str], reading: ReadOptions, run: Run, folder: Path
) -> LookedThrough:
    """Reads all files, each once, and settles which of their episodes are labelled.

    Args:
      paths: the files.
      reading: how they are read.
      run: after the nights that have labelled some of it.
      folder: where episodes and records are written to.

    Raises:
      EmonetError: there is no room for them, or the index of earlier nights is damaged.
    """
    with Spill(folder / "episodes") as episodes, Spill(folder / "records") as records:
        found, rejected = settle(_read(paths, reading, episodes, records), run)
        for one in rejected:
            records.append(one)
    utterances = sum(planned.rows for planned in found)
    logger.info("planned", extra={"episodes": len(found), "utterances": utterances})
    return LookedThrough(tuple(found), str(folder / "records"))


def settle(episodes: Iterable[Planned], run: Run) -> tuple[list[Planned], list[Rejected]]:
    """The episodes that are labelled, in timeline order, and the refusal of all others.

    Args:
      episodes: all that were read, in any order.
      run: after the nights that have labelled some of them.
    """
    claims: dict[str, list[Planned]] = {}
    for episode in episodes:
        claims.setdefault(episode.episode_id, []).append(episode)
    labelled = earlier_episodes(run, claims)
    rejected: list[Rejected] = []
    copies: dict[str, list[Planned]] = {}
    # first by id: of a file whose episode another has, a copy under another name is labelled
    for episode_id, claiming in claims.items():
        chosen, refused = resolve_claims(claiming, labelled.get(episode_id))
        rejected += refused
        if chosen:
            copies.setdefault(chosen.content, []).append(chosen)
    copied = earlier_copies(run, {file_of(content) for content in copies})
    found = []
    for content, alike in copies.items():
        first, refused = only_once(alike, copied.get(file_of(content), {}))
        rejected += refused
        if first:
            found.append(first)
    return sorted(found, key=lambda planned: planned.place), rejected


def _read(
    paths: Sequence[str], reading: ReadOptions, episodes: Spill, records: Spill
) -> Iterator[Planned]:
    companions = companions_of(reading)
    for companion in read_companions(reading):
        records.append(companion.source)
        for refusal in companion.rejected:
            records.append(refusal)
    for content in (one for path in paths for one in read_path(path, reading)):
        content = companions.joined(content, reading)
        records.append(content.source)
        for refusal in content.rejected:
            records.append(refusal)
        for number, episode in enumerate(content.episodes):
            logger.info("read", extra={"utterances": episode.rows})
            yield Planned(
                episode.place,
                f"{content.source.sha256}/{number}",
                episode.source,
                episode.flags,
                episode.rows,
                episode.digest,
                episodes.append(episode),
            )
