"""Episodes -> what the encoders say of them. The only stage that wants an accelerator."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from beam_pipeline.labelling import Encoded, encode_episodes
from beam_pipeline.records import Episode
from beam_pipeline.stages.model_cache import ModelSource
from model.network.emonet import READ_AT_ONCE

logger = logging.getLogger(__name__)


class EncodeEpisodes(beam.PTransform):  # type: ignore[misc]
    """Adds context logits and utterance embeddings. The arithmetic is `labelling.encode_episodes`.

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
    """Reads many episodes at once, short ones most of all: see `READ_AT_ONCE`."""

    def __init__(self, source: ModelSource):
        self.source = source

    def setup(self) -> None:
        self.source.load()

    def start_bundle(self) -> None:
        self.waiting: list[Episode] = []

    def process(self, element: tuple[str, Episode]) -> Iterator[tuple[str, Encoded]]:
        self.waiting.append(element[1])
        if sum(episode.utterances.num_rows for episode in self.waiting) >= READ_AT_ONCE:
            yield from self._encoded()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for encoded in self._encoded() if self.waiting else ():
            yield GlobalWindows.windowed_value(encoded)

    def _encoded(self) -> Iterator[tuple[str, Encoded]]:
        episodes, self.waiting = self.waiting, []
        for encoded in encode_episodes(self.source.load(), episodes):
            beam.metrics.Metrics.counter("emonet", "episodes_encoded").inc()
            logger.info("encoded", extra={"utterances": encoded.episode.utterances.num_rows})
            yield encoded.episode.episode_id, encoded
