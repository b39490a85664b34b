"""Encodings and recalls -> labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import PCollection, TaggedOutput

from beam_pipeline.memory import Recall, by_speaker, recall_faults
from beam_pipeline.output.commit import Fault
from beam_pipeline.records import Episode, Labelled, labels_schema
from beam_pipeline.stages.coders import Value
from beam_pipeline.stages.encode import Encoded
from beam_pipeline.stages.recall import Recalled
from beam_pipeline.stages.sharing import ModelSource
from model.evaluation.calibration import probabilities
from model.network.emonet import EmoNet
from model.network.speaker import recalled_windows


class LabelledOrNot(NamedTuple):
    """Labelled episodes, and why others are not."""

    labelled: PCollection[Labelled]
    faults: PCollection[Fault]


class LabelEpisodes(beam.PTransform):  # type: ignore[misc]
    """Adds the speaker's part to the context's, and labels.

    An episode is labelled only if each of its speakers was recalled once and in full; what is
    missing or doubled goes to the output `faults`. The arithmetic is `label_episode`.
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
        told = by_episode | typed.with_outputs("faults", main="labelled")
        return LabelledOrNot(told["labelled"], told["faults"])


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


def label_episode(
    model: EmoNet, encoded: Encoded, recalls: Iterable[Recall], model_id: str
) -> Labelled:
    """The rows of one episode.

    Args:
      model: prepared for inference.
      encoded: the episode and its encoding.
      recalls: of each of its speakers who is remembered, in any order.
      model_id: written to every row.
    """
    embeddings, windows = recalled_windows(
        encoded.speakers,
        encoded.embeddings,
        by_speaker(recalls),
        model.settings.history,
    )
    speaker = model.speaker_logits(embeddings, windows)
    logits = encoded.context_logits + speaker
    lengths = (windows >= 0).sum(axis=1).astype(np.int32)
    rows = _rows(encoded.episode, logits, speaker, lengths, model.settings.labels, model_id)
    return Labelled(encoded.episode.place, rows)


def _rows(
    episode: Episode,
    logits: np.ndarray,
    speaker: np.ndarray,
    lengths: np.ndarray,
    labels: Sequence[str],
    model_id: str,
) -> pa.Table:
    utterances = episode.utterances
    count = utterances.num_rows
    chosen = logits.argmax(axis=1)
    label = pa.DictionaryArray.from_arrays(pa.array(chosen, pa.int8()), pa.array(list(labels)))
    return pa.table(
        [
            *(
                pa.repeat(pa.scalar(value, type_), count)
                for value, type_ in (
                    (episode.corpus, pa.string()),
                    (episode.language, pa.string()),
                    (episode.show, pa.string()),
                    (episode.season, pa.int32()),
                    (episode.number, pa.int32()),
                    (episode.episode_id, pa.string()),
                )
            ),
            utterances["dialogue_id"],
            pa.array(np.arange(count, dtype=np.int32)),
            *(utterances[name] for name in utterances.column_names[1:-1]),
            label,
            *probabilities(logits).T,
            speaker[np.arange(count), chosen],
            lengths,
            pa.repeat(pa.scalar(model_id), count),
        ],
        schema=labels_schema(labels),
    )
