"""Completeness, file by file and episode by episode. The arithmetic is `output.accounting`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from beam_pipeline.output.accounting import (
    DUPLICATES,
    Claim,
    Fault,
    IndexEntry,
    LabelCount,
    Tally,
    account_episode,
    account_file,
    total,
)
from beam_pipeline.output.tables import SHARDS, shard_of
from beam_pipeline.records import Rejected, SourceFile
from beam_pipeline.stages.coders import Value


class ToAccount(NamedTuple):
    """What is held against each other.

    Attributes:
      requested: the files that were asked for, each as often.
      sources: the record of each file.
      rejected: what was refused.
      counts: what was labelled of each episode.
      faults: of episodes that could not be labelled.
    """

    requested: PCollection[str]
    sources: PCollection[SourceFile]
    rejected: PCollection[Rejected]
    counts: PCollection[LabelCount]
    faults: PCollection[Fault]


class Accounted(NamedTuple):
    """What the commit must hear, and the labelled episodes as later nights look them up."""

    sums: PCollection[Tally]
    index: PCollection[IndexEntry]


class Account(beam.PTransform):  # type: ignore[misc]
    """Brings together what is known of each file, and of each episode; sums go on."""

    def expand(self, given: ToAccount) -> Accounted:
        """See the class."""
        keyed = tuple[str, Value]
        of_files = (
            given.requested | "Asked" >> beam.Map(_asked).with_output_types(keyed),
            given.sources | "Sources" >> beam.FlatMap(_of_file).with_output_types(keyed),
            given.rejected | "InFiles" >> beam.FlatMap(_in_file).with_output_types(keyed),
        )
        of_episodes = (
            given.sources | "Claims" >> beam.FlatMap(_claims).with_output_types(keyed),
            given.counts | "Labelled" >> beam.Map(_labelled).with_output_types(keyed),
            given.rejected | "Twice" >> beam.FlatMap(_twice).with_output_types(keyed),
            given.faults | "Faulty" >> beam.Map(_faulty).with_output_types(keyed),
        )
        by_file = (
            of_files
            | "Files" >> beam.Flatten().with_output_types(keyed)
            | "ByFile" >> beam.GroupByKey()
            | "AccountFiles" >> beam.MapTuple(_account_file).with_output_types(tuple[str, Tally])
        )
        by_episode = (
            of_episodes
            | "EpisodeRecords" >> beam.Flatten().with_output_types(keyed)
            | "ByEpisodeId" >> beam.GroupByKey()
            | "AccountEpisodes"
            >> beam.FlatMapTuple(_account_episode)
            .with_output_types(tuple[str, Tally], index=IndexEntry)
            .with_outputs("index", main="tallies")
        )
        tallies = (by_file, by_episode["tallies"]) | "Tallies" >> beam.Flatten()
        return Accounted(tallies | "Sums" >> _Sums(), by_episode["index"])


class _Sums(beam.PTransform):  # type: ignore[misc]
    """Sums over tallies, a few of them: a shard each."""

    def expand(self, tallies: PCollection[tuple[str, Tally]]) -> PCollection[Tally]:
        """See the class."""
        return (
            tallies
            | beam.MapTuple(_tally_by_shard).with_output_types(tuple[int, Tally])
            | beam.GroupByKey()
            | beam.MapTuple(_total).with_output_types(Tally)
        )


def _asked(path: str) -> tuple[str, Any]:
    return path, 1


def _of_file(source: SourceFile) -> Iterator[tuple[str, Any]]:
    yield source.path, source
    # an archive names what is in it, each of which is to be read as if it had been asked for
    yield from map(_asked, source.members)


def _in_file(rejected: Rejected) -> Iterator[tuple[str, Any]]:
    if rejected.reason not in DUPLICATES:
        yield rejected.source, rejected


def _claims(source: SourceFile) -> Iterator[tuple[str, Any]]:
    for episode_id, utterances in source.episodes:
        yield episode_id, Claim(source.path, source.sha256, utterances)


def _labelled(count: LabelCount) -> tuple[str, Any]:
    return count.episode_id, count


def _twice(rejected: Rejected) -> Iterator[tuple[str, Any]]:
    if rejected.reason in DUPLICATES:
        yield rejected.position, rejected


def _faulty(fault: Fault) -> tuple[str, Any]:
    return fault.where, fault


def _account_file(path: str, joined: Iterable[Any]) -> tuple[str, Tally]:
    records = list(joined)
    sources = [one for one in records if isinstance(one, SourceFile)]
    refused = [one for one in records if isinstance(one, Rejected)]
    requested = sum(one for one in records if isinstance(one, int))
    return path, account_file(path, requested, sources, refused)


def _account_episode(
    episode_id: str, joined: Iterable[Any]
) -> Iterator[tuple[str, Tally] | TaggedOutput]:
    records = list(joined)
    tally, entry = account_episode(
        episode_id,
        [one for one in records if isinstance(one, Claim)],
        [one for one in records if isinstance(one, LabelCount)],
        [one for one in records if isinstance(one, Rejected)],
        [one for one in records if isinstance(one, Fault)],
    )
    yield episode_id, tally
    if entry:
        yield TaggedOutput("index", entry)


def _tally_by_shard(name: str, tally: Tally) -> tuple[int, Tally]:
    return shard_of(name, SHARDS), tally


def _total(_: int, tallies: Iterable[Tally]) -> Tally:
    return total(tallies)
