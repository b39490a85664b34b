"""Files -> episodes. The arithmetic is `corpus.reading`; here it only meets Beam."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from beam_pipeline.corpus.companions import companions_of, read_companions
from beam_pipeline.corpus.duplicates import only_once, resolve_claims
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import read_path
from beam_pipeline.output.manifest import Earlier, labelled_before
from beam_pipeline.output.run import Run
from beam_pipeline.records import Episode, Rejected, SourceFile
from beam_pipeline.stages.coders import Value

logger = logging.getLogger(__name__)

Claim = tuple[str, Episode]
"""A name for an episode's content: the sha256 of its file and its number there; the episode."""


class Read(NamedTuple):
    """What reading gives: episodes by their id, each once; refusals; a file record of each."""

    episodes: PCollection[tuple[str, Episode]]
    rejected: PCollection[Rejected]
    sources: PCollection[SourceFile]


class ReadEpisodes(beam.PTransform):  # type: ignore[misc]
    """Reads files, leaves out what was there before, and spreads episodes over the workers.

    The same file under two names is labelled once, also on two nights. Two files that claim one
    episode are never merged: the first by path is read, the others are refused, or counted as
    duplicates if they say the same; so is an episode that an earlier night labelled.
    """

    def __init__(self, options: ReadOptions, run: Run):
        super().__init__()
        self.options, self.run = options, run

    def expand(self, paths: PCollection[str]) -> Read:
        """Takes the path of each file, as often as it was asked for."""
        read = (
            paths
            | "Paths" >> beam.Map(_request).with_output_types(tuple[str, str])
            # spreads them over the workers; Beam's own reshuffle pickles the time of an element
            | "ByPath" >> beam.GroupByKey()
            | "Files"
            >> beam.FlatMap(_read, self.options)
            .with_output_types(tuple[str, Value], rejected=Rejected, sources=SourceFile)
            .with_outputs("rejected", "sources", main="e")
        )
        # first by id: of a file whose episode another has, a copy under another name is labelled
        unique = (
            read["e"]
            | "ByEpisode" >> beam.GroupByKey()
            | "ResolveClaims"
            >> beam.ParDo(_ResolveClaims(self.run))
            .with_output_types(tuple[str, Episode], rejected=Rejected)
            .with_outputs("rejected", main="e")
        )
        once = (
            unique["e"]
            | "ByContent" >> beam.GroupByKey()
            | "Once"
            >> beam.ParDo(_Once(self.run))
            .with_output_types(tuple[str, Episode], rejected=Rejected)
            .with_outputs("rejected", main="episodes")
        )
        refusals = [read["rejected"], unique["rejected"], once["rejected"]]
        sources = [read["sources"]]
        if self.options.companions:
            beside = (
                paths.pipeline
                | "Companions" >> beam.Create([""], reshuffle=False).with_output_types(str)
                | "ReadCompanions"
                >> beam.FlatMap(_read_companions, self.options)
                .with_output_types(SourceFile, rejected=Rejected)
                .with_outputs("rejected", main="sources")
            )
            refusals.append(beside["rejected"])
            sources.append(beside["sources"])
        return Read(
            once["episodes"],
            refusals | "Rejected" >> beam.Flatten(),
            sources | "Sources" >> beam.Flatten(),
        )


def _request(path: str) -> tuple[str, str]:
    return path, ""


def _read(
    element: tuple[str, Iterable[str]], options: ReadOptions
) -> Iterator[tuple[str, Claim] | TaggedOutput]:
    path, requests = element
    # a file that is named twice is read twice, and is a duplicate of itself
    companions = companions_of(options)
    for content in (one for _ in requests for one in read_path(path, options)):
        content = companions.joined(content, options)
        yield TaggedOutput("sources", content.source)
        for one in content.rejected:
            yield TaggedOutput("rejected", one)
        for number, episode in enumerate(content.episodes):
            beam.metrics.Metrics.counter("emonet", "episodes_read").inc()
            logger.info("read", extra={"utterances": episode.utterances.num_rows})
            yield episode.episode_id, (f"{content.source.sha256}/{number}", episode)


def _read_companions(_: str, options: ReadOptions) -> Iterator[SourceFile | TaggedOutput]:
    for content in read_companions(options):
        yield content.source
        yield from (TaggedOutput("rejected", one) for one in content.rejected)


@functools.lru_cache(maxsize=1)
def _earlier(run: Run) -> Earlier:
    """What the nights before a run's have labelled; read once a process."""
    return labelled_before(run.output, run.night)


class _Once(beam.DoFn):  # type: ignore[misc]
    def __init__(self, run: Run):
        self.run = run

    def setup(self) -> None:
        self.earlier = _earlier(self.run).copies

    def process(
        self, element: tuple[str, Iterable[Episode]]
    ) -> Iterator[tuple[str, Episode] | TaggedOutput]:
        content, copies = element
        sha256, _, _ = content.partition("/")
        episode, rejected = only_once(copies, self.earlier.get(sha256, {}))
        if episode:
            yield episode.episode_id, episode
        yield from (TaggedOutput("rejected", one) for one in rejected)


class _ResolveClaims(beam.DoFn):  # type: ignore[misc]
    def __init__(self, run: Run):
        self.run = run

    def setup(self) -> None:
        self.earlier = _earlier(self.run).episodes

    def process(
        self, element: tuple[str, Iterable[Claim]]
    ) -> Iterator[tuple[str, Episode] | TaggedOutput]:
        episode_id, claims = element
        contents = [(content, episode) for content, episode in claims]
        chosen, rejected = resolve_claims(
            (episode for _, episode in contents), self.earlier.get(episode_id)
        )
        for content, episode in contents:
            if episode is chosen:
                yield content, episode
        yield from (TaggedOutput("rejected", one) for one in rejected)
