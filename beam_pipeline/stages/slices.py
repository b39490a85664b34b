"""A slice of a night: episodes that were read before, and what is kept of them until the commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PBegin, PCollection

from beam_pipeline.output.accounting import Fault, LabelCount
from beam_pipeline.output.layers import LayeredShard
from beam_pipeline.output.manifest import Part
from beam_pipeline.output.run import Run
from beam_pipeline.output.work import Kept, keep, kept
from beam_pipeline.records import EmonetError, Episode, Rejected, SourceFile
from beam_pipeline.spill import Spilled, read_all
from beam_pipeline.stages.coders import Value
from beam_pipeline.stages.read import Read
from beam_pipeline.stages.write import Written


class ReadSlice(beam.PTransform):  # type: ignore[misc]
    """The episodes of a slice, spread over the workers; what was refused is known before."""

    def __init__(self, episodes: Sequence[tuple[str, Spilled]]):
        super().__init__()
        self.episodes = list(episodes)

    def expand(self, begin: PBegin) -> Read:
        """See the class."""
        episodes = (
            begin
            | beam.Create(self.episodes, reshuffle=False).with_output_types(tuple[str, Spilled])
            | beam.GroupByKey()
            | beam.FlatMapTuple(_episodes).with_output_types(tuple[str, Episode])
        )
        return Read(
            episodes, _none(begin, "Rejected", Rejected), _none(begin, "Sources", SourceFile)
        )


class KeepSlice(beam.PTransform):  # type: ignore[misc]
    """Keeps what a slice wrote, if nothing is missing, or fails the job.

    Args:
      run: of the night.
      key: of the slice.
      expected: id and number of utterances of each episode.
    """

    def __init__(self, run: Run, key: str, expected: Sequence[tuple[str, int]]):
        super().__init__()
        self.run, self.key, self.expected = run, key, list(expected)

    def expand(self, written: Written) -> PCollection[str]:
        """Returns the key."""
        told = (written.parts, written.counts, written.speakers, written.faults)
        return (
            told
            | beam.Flatten().with_output_types(Value)
            | beam.WithKeys("")
            | beam.GroupByKey()
            | beam.MapTuple(self._keep).with_output_types(str)
        )

    def _keep(self, _: str, told: Iterable[Any]) -> str:
        keep(self.run, self.key, self.expected, told)
        return self.key


class ReadKept(beam.PTransform):  # type: ignore[misc]
    """What is left of a run to account for, once its slices are put together.

    Args:
      output: OUT.
      keys: of its slices.
      parts: the files of labels and memory.
      records: the file of all file records and refusals.
    """

    def __init__(
        self, output: str, keys: Sequence[str], parts: Sequence[Part | LayeredShard], records: str
    ):
        super().__init__()
        self.output, self.keys = output, list(keys)
        self.parts, self.records = list(parts), records

    def expand(self, begin: PBegin) -> Written:
        """See the class."""
        done = begin | "Slices" >> beam.Create(self.keys, reshuffle=False).with_output_types(str)
        records = begin | "Files" >> beam.Create([self.records], reshuffle=False).with_output_types(
            str
        )
        speakers = (
            done
            | "Speakers" >> beam.FlatMap(_speakers, self.output).with_output_types(tuple[str, str])
            | beam.GroupByKey()
            | beam.Keys()
        )
        return Written(
            begin | "Parts" >> beam.Create(self.parts, reshuffle=False).with_output_types(Value),
            done | "Counts" >> beam.FlatMap(_counts, self.output).with_output_types(LabelCount),
            speakers,
            records | "Rejected" >> beam.FlatMap(_rejected).with_output_types(Rejected),
            records | "Sources" >> beam.FlatMap(_sources).with_output_types(SourceFile),
            _none(begin, "Faults", Fault),
        )


def _none(begin: PBegin, name: str, kind: type) -> PCollection[Any]:
    return begin | name >> beam.Create([], reshuffle=False).with_output_types(kind)


def _episodes(episode_id: str, spilled: Iterable[Spilled]) -> Iterator[tuple[str, Episode]]:
    for one in spilled:
        episode = one.read()
        assert isinstance(episode, Episode)
        yield episode_id, episode


def _speakers(key: str, output: str) -> Iterator[tuple[str, str]]:
    return ((speaker, "") for speaker in _kept(output, key).speakers)


def _counts(key: str, output: str) -> Sequence[LabelCount]:
    return _kept(output, key).counts


def _kept(output: str, key: str) -> Kept:
    found = kept(output, key)
    if found is None:
        raise EmonetError(f"{output}: what a slice wrote is gone; run it again")
    return found


def _rejected(path: str) -> Iterator[Rejected]:
    return (one for one in read_all(path) if isinstance(one, Rejected))


def _sources(path: str) -> Iterator[SourceFile]:
    return (one for one in read_all(path) if isinstance(one, SourceFile))
