"""`WriteRun` in a plain loop: what stages of a job tell -> the other tables, and one commit."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from beam_pipeline.output.accounting import (
    DUPLICATES,
    Claim,
    Fault,
    IndexEntry,
    LabelCount,
    Tally,
    account_episode,
    account_file,
)
from beam_pipeline.output.commit import Entry, Reading, SpeakerCount
from beam_pipeline.output.commit import commit as commit_entries
from beam_pipeline.output.files import write_files
from beam_pipeline.output.index import copies_of, write_copies, write_episodes
from beam_pipeline.output.layers import LayeredShard
from beam_pipeline.output.manifest import Manifest, Part
from beam_pipeline.output.run import Run
from beam_pipeline.output.tables import shard_of, shards_of, write_rejected
from beam_pipeline.records import Rejected, SourceFile

Shard = Part | LayeredShard


@dataclasses.dataclass(frozen=True)
class Requested:
    """The files that a run was given."""

    paths: tuple[str, ...]


Reported = Requested | Shard | LabelCount | SpeakerCount | SourceFile | Rejected | Fault
"""What the stages of a job hand to `WriteRun`, in any order."""


def commit(run: Run, reported: Iterable[Reported]) -> Manifest:
    """As `WriteRun` does, in a plain loop: accounts, writes the other tables, commits."""
    return commit_entries(run, accounted(run, list(reported)))


def accounted(run: Run, reported: Sequence[Reported]) -> list[Entry]:
    """What the commit hears of what stages tell; writes refusals, files and the index."""
    rejected = [one for one in reported if isinstance(one, Rejected)]
    sources = [one for one in reported if isinstance(one, SourceFile)]
    tallies, index = [*_file_tallies(reported)], []
    for tally, entry in _episode_tallies(reported):
        tallies.append(tally)
        index += [entry] if entry else []
    copies = [copy for entry in index for copy in copies_of(entry)]
    return [
        *(one for one in reported if isinstance(one, Part | LayeredShard | SpeakerCount)),
        *parts(run, "rejected", write_rejected, rejected, lambda one: one.source),
        *parts(run, "files", write_files, sources, lambda one: one.path),
        *parts(run, "episodes", write_episodes, index, lambda one: one.episode_id),
        *parts(run, "copies", write_copies, copies, lambda one: one[0]),
        *tallies,
        Reading({"corpus": "made up"}),
    ]


def _file_tallies(reported: Iterable[Reported]) -> Iterator[Tally]:
    asked: Counter[str] = Counter()
    sources, refused = defaultdict(list), defaultdict(list)
    for one in reported:
        match one:
            case Requested(paths):
                asked.update(paths)
            case SourceFile(path, members=members):
                sources[path].append(one)
                asked.update(members)
            case Rejected(source) if one.reason not in DUPLICATES:
                refused[source].append(one)
    for path in asked.keys() | sources.keys() | refused.keys():
        yield account_file(path, asked[path], sources[path], refused[path])


def _episode_tallies(reported: Iterable[Reported]) -> Iterator[tuple[Tally, IndexEntry | None]]:
    joined: dict[str, tuple[list[Any], ...]] = defaultdict(lambda: ([], [], [], []))
    for one in reported:
        match one:
            case SourceFile(path, sha256):
                for episode_id, utterances in one.episodes:
                    joined[episode_id][0].append(Claim(path, sha256, utterances))
            case LabelCount(episode_id):
                joined[episode_id][1].append(one)
            case Rejected(position=episode_id) if one.reason in DUPLICATES:
                joined[episode_id][2].append(one)
            case Fault(where):
                joined[where][3].append(one)
    for episode_id, records in joined.items():
        yield account_episode(episode_id, *records)


def parts(
    run: Run,
    table: str,
    write: Callable[..., Shard],
    rows: Iterable[Any],
    key: Callable[[Any], str],
) -> Iterator[Shard]:
    """Writes rows as a table, each in the shard of its key."""

    def shard(row: Any) -> int:
        return shard_of(key(row), shards_of(run, table))

    for number, group in itertools.groupby(sorted(rows, key=shard), shard):
        yield write(run, number, list(group))
