"""Episodes -> what the encoders say of them. The only stage that wants an accelerator."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator

import apache_beam as beam
import numpy as np
from apache_beam.pvalue import PCollection

from beam_pipeline.corpus.speakers import remembered
from beam_pipeline.records import Episode
from beam_pipeline.stages.sharing import ModelSource
from beam_pipeline.transcripts import transcript_of

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Encoded:
    """An episode and its encoding, as `model.network.emonet.Encoding` has it.

    Attributes:
      episode: the episode.
      context_logits: (utterances, classes) float32.
      embeddings: (utterances, d) float16.
    """

    episode: Episode
    context_logits: np.ndarray
    embeddings: np.ndarray

    @property
    def speakers(self) -> list[str | None]:
        """The speaker id of each utterance."""
        return self.episode.utterances["speaker_id"].to_pylist()  # type: ignore[no-any-return]

    @property
    def remembered(self) -> list[str | None]:
        """The same, without those whom no other episode can meet again."""
        return remembered(self.speakers, self.episode.utterances["speaker_kind"].to_pylist())


class EncodeEpisodes(beam.PTransform):  # type: ignore[misc]
    """Adds context logits and utterance embeddings. The arithmetic is `EmoNet.encode`.

    Args:
      source: the model.
      accelerator: what the engine is asked to run this stage on, as Beam writes it
        (`type:nvidia-l4;count:1;install-nvidia-driver`); None for nothing, as a stage that asks is
        kept on workers of its own.
    """

    def __init__(self, source: ModelSource, accelerator: str | None = None):
        super().__init__()
        self.source = source
        if accelerator:
            self.with_resource_hints(accelerator=accelerator)

    def expand(
        self, episodes: PCollection[tuple[str, Episode]]
    ) -> PCollection[tuple[str, Encoded]]:
        """See the class."""
        return episodes | beam.ParDo(_Encode(self.source)).with_output_types(tuple[str, Encoded])


class _Encode(beam.DoFn):  # type: ignore[misc]
    def __init__(self, source: ModelSource):
        self.source = source

    def setup(self) -> None:
        self.source.load()

    def process(self, element: tuple[str, Episode]) -> Iterator[tuple[str, Encoded]]:
        episode_id, episode = element
        encoding = self.source.load().encode(transcript_of(episode))
        beam.metrics.Metrics.counter("emonet", "episodes_encoded").inc()
        logger.info("encoded", extra={"utterances": episode.utterances.num_rows})
        yield episode_id, Encoded(episode, encoding.context_logits, encoding.embeddings)
