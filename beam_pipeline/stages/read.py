"""Files -> episodes. The arithmetic is `corpus.reading`; here it only meets Beam."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PBegin, PCollection, TaggedOutput

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import read_file
from beam_pipeline.records import Episode, Reason, Rejected, SourceFile

logger = logging.getLogger(__name__)


class Read(NamedTuple):
    """What reading gives: episodes by their id, each once; refusals; a receipt of each file."""

    episodes: PCollection[tuple[str, Episode]]
    rejected: PCollection[Rejected]
    sources: PCollection[SourceFile]


class ReadEpisodes(beam.PTransform):  # type: ignore[misc]
    """Reads files, and spreads their episodes over the workers.

    Two files that claim one episode are never merged: the first by path is read, the others are
    refused.
    """

    def __init__(self, paths: list[str], options: ReadOptions):
        super().__init__()
        self.paths, self.options = paths, options

    def expand(self, begin: PBegin) -> Read:
        """See the class."""
        read = (
            begin
            | "Paths" >> beam.Create(self.paths, reshuffle=True)
            | "Files"
            >> beam.ParDo(_read, self.options).with_outputs("rejected", "sources", main="e")
        )
        told_apart = (
            read["e"]
            | "ByEpisode" >> beam.GroupByKey()
            | "TellApart" >> beam.FlatMapTuple(tell_apart).with_outputs("rejected", main="episodes")
        )
        rejected = (read["rejected"], told_apart["rejected"]) | "Rejected" >> beam.Flatten()
        return Read(told_apart["episodes"], rejected, read["sources"])


def _read(path: str, options: ReadOptions) -> Iterator[tuple[str, Episode] | TaggedOutput]:
    content = read_file(path, options)
    yield TaggedOutput("sources", content.source)
    for one in content.rejected:
        yield TaggedOutput("rejected", one)
    for episode in content.episodes:
        beam.metrics.Metrics.counter("emonet", "episodes_read").inc()
        logger.info("read", extra={"utterances": episode.utterances.num_rows})
        yield episode.episode_id, episode


def tell_apart(
    episode_id: str, episodes: Iterable[Episode]
) -> Iterator[tuple[str, Episode] | TaggedOutput]:
    """The first of the episodes that claim an id; the others refused."""
    first, *others = sorted(episodes, key=lambda episode: episode.source)
    yield episode_id, first
    for other in others:
        detail = f"the same episode is in {first.source}; rename one, or label them apart"
        rows = other.utterances.num_rows
        yield TaggedOutput(
            "rejected",
            Rejected(other.source, episode_id, Reason.DUPLICATE_EPISODE, detail, rows),
        )
