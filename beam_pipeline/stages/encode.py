"""Episodes -> what the encoders say of them. The only stage that wants an accelerator."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import apache_beam as beam
from apache_beam.pvalue import PCollection

from beam_pipeline.labelling import Encoded, encode_episode
from beam_pipeline.records import Episode
from beam_pipeline.stages.model_cache import ModelSource

logger = logging.getLogger(__name__)


class EncodeEpisodes(beam.PTransform):  # type: ignore[misc]
    """Adds context logits and utterance embeddings. The arithmetic is `labelling.encode_episode`.

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
        encoded = encode_episode(self.source.load(), episode)
        beam.metrics.Metrics.counter("emonet", "episodes_encoded").inc()
        logger.info("encoded", extra={"utterances": episode.utterances.num_rows})
        yield episode_id, encoded
