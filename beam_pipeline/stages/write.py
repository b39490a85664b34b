"""Labels, refusals and memory -> Parquet, then one commit. The arithmetic is `output`."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from beam_pipeline.corpus.options import ReadOptions
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
from beam_pipeline.output.commit import Entry, Reading, SpeakerCount, commit
from beam_pipeline.output.files import write_files
from beam_pipeline.output.index import copies_of, write_copies, write_episodes
from beam_pipeline.output.memories import write_memory
from beam_pipeline.output.run import Run
from beam_pipeline.output.tables import shard_of, write_labels, write_rejected
from beam_pipeline.records import Labelled, Rejected, SourceFile, content_digest
from beam_pipeline.stages.coders import Value


class Outcome(NamedTuple):
    """All that a run has to write and to account for."""

    labelled: PCollection[Labelled]
    rejected: PCollection[Rejected]
    memory: PCollection[tuple[str, Any]]
    speakers: PCollection[str]
    sources: PCollection[SourceFile]
    faults: PCollection[Fault]


class Written(NamedTuple):
    """What is left of a run to account for, once its labels and memory are written.

    Attributes:
      parts: the files of labels, `Part`, and of memory, `MemoryShard`.
      counts: of each labelled episode.
      speakers: who is remembered, as `Recalled.speakers`.
      rejected: what was refused, not yet written.
      sources: the record of each file.
      faults: of episodes that could not be labelled.
    """

    parts: PCollection[Any]
    counts: PCollection[LabelCount]
    speakers: PCollection[str]
    rejected: PCollection[Rejected]
    sources: PCollection[SourceFile]
    faults: PCollection[Fault]


class WriteTables(beam.PTransform):  # type: ignore[misc]
    """Writes labels and memory."""

    def __init__(self, run: Run):
        super().__init__()
        self.run = run

    def expand(self, outcome: Outcome) -> Written:
        """See the class."""
        parts = (
            outcome.labelled | "Labels" >> _WriteTable(self.run, write_labels, _episode_id),
            outcome.memory | "Memory" >> _WriteTable(self.run, write_memory, _speaker_id),
        )
        return Written(
            parts | beam.Flatten().with_output_types(Value),
            outcome.labelled | "Count" >> beam.Map(_label_count).with_output_types(LabelCount),
            outcome.speakers,
            outcome.rejected,
            outcome.sources,
            outcome.faults,
        )


class WriteRun(beam.PTransform):  # type: ignore[misc]
    """Writes refusals, files and the index of episodes, then commits if nothing is missing.

    Completeness is checked file by file and episode by episode; the commit hears sums.
    """

    def __init__(self, run: Run, paths: Sequence[str], options: ReadOptions):
        super().__init__()
        self.run, self.paths = run, paths
        self.reading = Reading(dataclasses.asdict(options))

    def expand(self, written: Written) -> PCollection[str]:
        """Returns the night that was committed."""
        begin = written.sources.pipeline
        requested = begin | "Requested" >> beam.Create(list(self.paths), reshuffle=False)
        tallies, index = _account(written, requested)
        copies = index | "Copies" >> beam.FlatMap(copies_of).with_output_types(Value)
        entries = (
            written.parts,
            written.rejected | "Refusals" >> _WriteTable(self.run, write_rejected, _source),
            written.sources | "FileRecords" >> _WriteTable(self.run, write_files, _path),
            index | "Episodes" >> _WriteTable(self.run, write_episodes, _indexed_id),
            copies | "CopiesByFile" >> _WriteTable(self.run, write_copies, _first),
            tallies | "Sums" >> _Sums(),
            written.speakers
            | "SpeakersByShard" >> beam.Map(_with_shard, str).with_output_types(tuple[int, str])
            | "Speakers" >> beam.GroupByKey()
            | "CountSpeakers" >> beam.MapTuple(_speaker_count).with_output_types(SpeakerCount),
            begin | "Reading" >> beam.Create([self.reading], reshuffle=False),
        )
        return (
            entries
            | beam.Flatten().with_output_types(Value)
            | "AllTogether" >> beam.WithKeys("")
            | beam.GroupByKey()
            | "Commit" >> beam.MapTuple(self._commit).with_output_types(str)
        )

    def _commit(self, _: str, entries: Iterable[Entry]) -> str:
        return str(commit(self.run, entries)["night"])


def _account(
    written: Written, requested: PCollection[str]
) -> tuple[PCollection[tuple[str, Tally]], PCollection[IndexEntry]]:
    """The sums of each file and each episode by its name, and the labelled episodes."""
    keyed = tuple[str, Value]
    of_files = (
        requested | "Asked" >> beam.Map(_asked).with_output_types(keyed),
        written.sources | "Sources" >> beam.FlatMap(_of_file).with_output_types(keyed),
        written.rejected | "InFiles" >> beam.FlatMap(_in_file).with_output_types(keyed),
    )
    of_episodes = (
        written.sources | "Claims" >> beam.FlatMap(_claims).with_output_types(keyed),
        written.counts | "Labelled" >> beam.Map(_labelled).with_output_types(keyed),
        written.rejected | "Twice" >> beam.FlatMap(_twice).with_output_types(keyed),
        written.faults | "Faulty" >> beam.Map(_faulty).with_output_types(keyed),
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
    return tallies, by_episode["index"]


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


class _WriteTable(beam.PTransform):  # type: ignore[misc]
    """Writes a table in shards that a stable hash of `key` chooses."""

    def __init__(
        self,
        run: Run,
        write: Callable[[Run, int, Iterable[Any]], Entry],
        key: Callable[[Any], str],
    ):
        super().__init__()
        self.run, self.write, self.key = run, write, key

    def expand(self, elements: PCollection[Any]) -> PCollection[Entry]:
        """See the class."""
        return (
            elements
            | beam.Map(_with_shard, self.key).with_output_types(tuple[int, Value])
            | beam.GroupByKey()
            | beam.MapTuple(self._write).with_output_types(Value)
        )

    def _write(self, shard: int, elements: Iterable[Any]) -> Entry:
        return self.write(self.run, shard, elements)


def _with_shard(element: Any, key: Callable[[Any], str]) -> tuple[int, Any]:
    return shard_of(key(element)), element


def _label_count(labelled: Labelled) -> LabelCount:
    counts = Counter(labelled.rows["label"].to_pylist())
    digest = content_digest(labelled.rows)
    return LabelCount(labelled.place[3], digest, tuple(sorted(counts.items())))


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
    return shard_of(name), tally


def _total(_: int, tallies: Iterable[Tally]) -> Tally:
    return total(tallies)


def _speaker_count(_: int, speakers: Iterable[str]) -> SpeakerCount:
    return SpeakerCount(sum(1 for _ in speakers))


def _episode_id(labelled: Labelled) -> str:
    return labelled.place[3]


def _indexed_id(entry: IndexEntry) -> str:
    return entry.episode_id


def _first(row: tuple[str, ...]) -> str:
    return row[0]


def _path(source: SourceFile) -> str:
    return source.path


def _source(rejected: Rejected) -> str:
    return rejected.source


def _speaker_id(memory: tuple[str, Any]) -> str:
    return memory[0]
