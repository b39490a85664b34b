"""Labels, refusals and memory -> Parquet, then one commit. The arithmetic is `output`."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.output.accounting import (
    Fault,
    IndexEntry,
    LabelCount,
)
from beam_pipeline.output.commit import Entry, Reading, SpeakerCount, commit
from beam_pipeline.output.files import write_files
from beam_pipeline.output.index import copies_of, write_copies, write_episodes
from beam_pipeline.output.manifest import Part
from beam_pipeline.output.memories import write_memory
from beam_pipeline.output.run import Run
from beam_pipeline.output.tables import SHARDS, shard_of, shards_of, write_rejected
from beam_pipeline.records import Labelled, Rejected, SourceFile, content_digest
from beam_pipeline.stages.account import Account, ToAccount
from beam_pipeline.stages.coders import Value
from beam_pipeline.stages.inputs import ListInputs


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
      parts: the files of labels, `Part`, and of memory, `LayeredShard`.
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


WriteLabels = Callable[[Run, int, Iterable[Labelled]], Part]
"""Writes a file of labels: `write_labels`, or `write_pieces` where others follow."""


class WriteTables(beam.PTransform):  # type: ignore[misc]
    """Writes labels and memory."""

    def __init__(self, run: Run, write_labels: WriteLabels):
        super().__init__()
        self.run, self.write_labels = run, write_labels

    def expand(self, outcome: Outcome) -> Written:
        """See the class."""
        parts = (
            outcome.labelled
            | "Labels" >> _WriteTable(self.run, "labels", self.write_labels, _episode_id),
            outcome.memory | "Memory" >> _WriteTable(self.run, "memory", write_memory, _speaker_id),
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

    def __init__(self, run: Run, inputs: str, options: ReadOptions):
        super().__init__()
        self.run, self.inputs = run, inputs
        self.companions = list(options.companions)
        self.reading = Reading(dataclasses.asdict(options))

    def expand(self, written: Written) -> PCollection[str]:
        """Returns the night that was committed."""
        begin = written.sources.pipeline
        listed = begin | "Inputs" >> ListInputs(self.run.output, self.inputs)
        companions = begin | "Companions" >> beam.Create(
            self.companions, reshuffle=False
        ).with_output_types(str)
        requested = (listed, companions) | "Requested" >> beam.Flatten()
        of_run = (written.sources, written.rejected, written.counts, written.faults)
        sums, index = ToAccount(requested, *of_run) | Account()
        copies = index | "Copies" >> beam.FlatMap(copies_of).with_output_types(Value)
        entries = (
            written.parts,
            written.rejected
            | "Refusals" >> _WriteTable(self.run, "rejected", write_rejected, _source),
            written.sources | "FileRecords" >> _WriteTable(self.run, "files", write_files, _path),
            index | "Episodes" >> _WriteTable(self.run, "episodes", write_episodes, _indexed_id),
            copies | "CopiesByFile" >> _WriteTable(self.run, "copies", write_copies, _first),
            sums,
            written.speakers
            | "SpeakersByShard"
            >> beam.Map(_with_shard, str, SHARDS).with_output_types(tuple[int, str])
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


class _WriteTable(beam.PTransform):  # type: ignore[misc]
    """Writes a table in shards that a stable hash of `key` chooses."""

    def __init__(
        self,
        run: Run,
        table: str,
        write: Callable[[Run, int, Iterable[Any]], Entry],
        key: Callable[[Any], str],
    ):
        super().__init__()
        self.run, self.write, self.key = run, write, key
        self.shards = shards_of(run, table)

    def expand(self, elements: PCollection[Any]) -> PCollection[Entry]:
        """See the class."""
        return (
            elements
            | beam.Map(_with_shard, self.key, self.shards).with_output_types(tuple[int, Value])
            | beam.GroupByKey()
            | beam.MapTuple(self._write).with_output_types(Value)
        )

    def _write(self, shard: int, elements: Iterable[Any]) -> Entry:
        return self.write(self.run, shard, elements)


def _with_shard(element: Any, key: Callable[[Any], str], shards: int) -> tuple[int, Any]:
    return shard_of(key(element), shards), element


def _label_count(labelled: Labelled) -> LabelCount:
    counts = Counter(labelled.rows["label"].to_pylist())
    digest = content_digest(labelled.rows)
    return LabelCount(labelled.place[3], digest, tuple(sorted(counts.items())))


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
