"""Encodings and recalls -> labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from beam_pipeline.labelling import Encoded, label_episode
from beam_pipeline.memory import Recall, recall_faults
from beam_pipeline.output.accounting import Fault
from beam_pipeline.records import Labelled
from beam_pipeline.stages.coders import Value
from beam_pipeline.stages.model_cache import ModelSource
from beam_pipeline.stages.recall import Recalled


class LabelledOrNot(NamedTuple):
    """Labelled episodes, and why others are not."""

    labelled: PCollection[Labelled]
    faults: PCollection[Fault]


class LabelEpisodes(beam.PTransform):  # type: ignore[misc]
    """Adds the speaker's part to the context's, and labels.

    An episode is labelled only if each of its speakers was recalled once and in full; what is
    missing or doubled goes to the output `faults`. The arithmetic is `labelling.label_episode`.
    """

    def __init__(self, source: ModelSource, model_id: str):
        super().__init__()
        self.source, self.model_id = source, model_id

    def expand(self, inputs: tuple[PCollection[tuple[str, Encoded]], Recalled]) -> LabelledOrNot:
        """Takes encoded episodes by id, and what was recalled for them."""
        encoded, recalled = inputs
        # not `CoGroupByKey`, which pickles what it brings together
        by_episode = (
            (encoded, recalled.recalls, recalled.expected)
            | beam.Flatten().with_output_types(tuple[str, Value])
            | beam.GroupByKey()
        )
        label = beam.ParDo(_Label(self.source, self.model_id))
        typed = label.with_output_types(Labelled, faults=Fault)
        outputs = by_episode | typed.with_outputs("faults", main="labelled")
        return LabelledOrNot(outputs["labelled"], outputs["faults"])


class _Label(beam.DoFn):  # type: ignore[misc]
    def __init__(self, source: ModelSource, model_id: str):
        self.source, self.model_id = source, model_id

    def setup(self) -> None:
        self.source.load()

    def process(self, element: tuple[str, Iterable[Any]]) -> Iterator[Labelled | TaggedOutput]:
        episode_id, joined = element[0], list(element[1])
        encoded = [one for one in joined if isinstance(one, Encoded)]
        recalls = [one for one in joined if isinstance(one, Recall)]
        expected = [one for one in joined if isinstance(one, tuple)]
        faults = [f"{len(encoded)} encodings, expected 1"] if len(encoded) != 1 else []
        speakers = {who for one in encoded for who in one.remembered if who is not None}
        faults += recall_faults(speakers, expected, recalls)
        for message in faults:
            yield TaggedOutput("faults", Fault(episode_id, message))
        if not faults:
            yield label_episode(self.source.load(), encoded[0], recalls, self.model_id)
