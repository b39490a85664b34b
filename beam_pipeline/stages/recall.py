"""What was said before each episode, speaker by speaker: the stateful stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import GlobalWindow

from beam_pipeline.labelling import Encoded
from beam_pipeline.memory import Recall, Tail, expected_recalls, recall, tails
from beam_pipeline.output.memories import read_memory
from beam_pipeline.output.run import Run
from beam_pipeline.output.tables import shard_of
from beam_pipeline.records import Place
from beam_pipeline.stages.coders import RecordCoder, Value


class Recalled(NamedTuple):
    """What recalling gives.

    Attributes:
      recalls: by episode.
      expected: by episode, speaker and the number of tails that a recall must be built from;
        counted apart from the state, by a grouping, so that a loss of state is found.
      memory: the last N embeddings of each speaker who spoke, (m, d) float16, after this run.
      speakers: whose memory there must be, counted as `expected` is.
    """

    recalls: PCollection[tuple[str, Recall]]
    expected: PCollection[tuple[str, tuple[str, int]]]
    memory: PCollection[tuple[str, Any]]
    speakers: PCollection[str]


class RecallSpeakers(beam.PTransform):  # type: ignore[misc]
    """Gives every episode what its speakers said before it.

    The arithmetic is `memory.recall`; here it only meets Beam's state and timer.
    """

    def __init__(self, run: Run):
        super().__init__()
        self.run, self.history = run, run.origin.history

    def expand(self, encoded: PCollection[tuple[str, Encoded]]) -> Recalled:
        """Takes encoded episodes by id."""
        own = encoded | "Tails" >> beam.FlatMap(_tails, self.history).with_output_types(
            tuple[str, Tail]
        )
        remembered = (
            own
            | "Shards"
            >> beam.Map(_shard, self.run.memory_shards).with_output_types(tuple[int, str])
            | "ByShard" >> beam.GroupByKey()
            | "Remember" >> beam.FlatMap(_remember, self.run).with_output_types(tuple[str, Tail])
        )
        scattered = (own, remembered) | beam.Flatten()
        recalled = (
            scattered
            | "BySpeaker" >> beam.GroupByKey()
            | "Scan"
            >> beam.ParDo(_Recall(self.history))
            .with_output_types(tuple[str, Recall], memory=tuple[str, Value])
            .with_outputs("memory", main="recalls")
        )
        places = (
            scattered
            | "Places" >> beam.MapTuple(_place).with_output_types(tuple[str, Value])
            | "PlacesBySpeaker" >> beam.GroupByKey()
        )
        expected = places | "Expected" >> beam.FlatMapTuple(expected_recalls).with_output_types(
            tuple[str, Value]
        )
        return Recalled(
            recalled["recalls"], expected, recalled["memory"], places | "Speakers" >> beam.Keys()
        )


@beam.typehints.with_input_types(tuple[str, Iterable[Tail]])
class _Recall(beam.DoFn):  # type: ignore[misc]
    """Buffers a speaker's tails; scans them when no more can come.

    They come grouped, a speaker in one element, for an engine may split a bundle between any two
    elements. Prism 2.77 then gives up the keys of all elements that it takes back, and works on
    them in two bundles at once if others of the same key stay behind, each with its own copy of
    the bag; the last to end overwrites the other's (`splitBundle` and `PersistBundle` in
    `sdks/v2/go/pkg/beam/runners/prism/internal/engine/elementmanager.go`). No key has others here.
    """

    TAILS = beam.DoFn.StateParam(BagStateSpec("tails", RecordCoder()))
    TIMER = TimerSpec("end", TimeDomain.WATERMARK)
    END = beam.DoFn.TimerParam(TIMER)

    def __init__(self, history: int):
        self.history = history

    def process(
        self,
        element: tuple[str, Iterable[Tail]],
        buffered: Any = TAILS,
        end: Any = END,
    ) -> None:
        for tail in element[1]:
            buffered.add(tail)
        end.set(GlobalWindow().max_timestamp())

    @on_timer(TIMER)  # type: ignore[untyped-decorator]
    def scan(
        self,
        speaker_id: str = beam.DoFn.KeyParam,
        buffered: Any = TAILS,
    ) -> Iterator[tuple[str, Recall] | TaggedOutput]:
        for episode_id, one in recall(speaker_id, buffered.read(), self.history):
            if episode_id is None:
                yield TaggedOutput("memory", (speaker_id, one.embeddings))
            else:
                yield episode_id, one
        # an engine that fires twice must not tell everything twice
        buffered.clear()


def _tails(element: tuple[str, Encoded], history: int) -> Iterable[tuple[str, Tail]]:
    _, encoded = element
    embeddings = encoded.embeddings
    return tails(encoded.remembered, embeddings, encoded.episode.place, history)


def _shard(element: tuple[str, Tail], shards: int) -> tuple[int, str]:
    speaker_id, _ = element
    return shard_of(speaker_id, shards), speaker_id


def _remember(element: tuple[int, Iterable[str]], run: Run) -> Iterator[tuple[str, Tail]]:
    shard, speakers = element
    return read_memory(run, shard, speakers)


def _place(speaker_id: str, tail: Tail) -> tuple[str, Place | tuple[()]]:
    return speaker_id, tail.place
