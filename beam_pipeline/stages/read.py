"""Files -> episodes. The arithmetic is `corpus.reading`; here it only meets Beam."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from beam_pipeline.corpus.companions import companions_of, read_companions
from beam_pipeline.corpus.duplicates import file_of, only_once, resolve_claims
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import read_path
from beam_pipeline.output.index import Known, earlier_copies, earlier_episodes
from beam_pipeline.output.run import Run
from beam_pipeline.output.tables import shard_of
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
            (read["e"], read["e"] | "EarlierEpisodes" >> _Earlier(self.run, _held_before, str))
            | "WithEarlierEpisodes" >> beam.Flatten()
            | "ByEpisode" >> beam.GroupByKey()
            | "ResolveClaims"
            >> beam.FlatMapTuple(_resolve_claims)
            .with_output_types(tuple[str, Value], rejected=Rejected)
            .with_outputs("rejected", main="e")
        )
        once = (
            (unique["e"], unique["e"] | "Copies" >> _Earlier(self.run, _copied_before, file_of))
            | "WithEarlierCopies" >> beam.Flatten()
            | "ByContent" >> beam.GroupByKey()
            | "Once"
            >> beam.FlatMapTuple(_once)
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


class _Earlier(beam.PTransform):  # type: ignore[misc]
    """What the nights before a run have of the keys of a collection, looked up a shard at once."""

    def __init__(
        self,
        run: Run,
        look_up: Callable[[Run, list[str]], Iterator[tuple[str, Known]]],
        looked_for: Callable[[str], str],
    ):
        super().__init__()
        self.run, self.look_up, self.looked_for = run, look_up, looked_for

    def expand(self, keyed: PCollection[tuple[str, Any]]) -> PCollection[tuple[str, Known]]:
        """See the class."""
        return (
            keyed
            | beam.MapTuple(self._by_shard).with_output_types(tuple[int, str])
            | beam.GroupByKey()
            | beam.FlatMapTuple(self._looked_up).with_output_types(tuple[str, Value])
        )

    def _by_shard(self, key: str, _: Any) -> tuple[int, str]:
        return shard_of(self.looked_for(key), self.run.index_shards), key

    def _looked_up(self, _: int, keys: Iterable[str]) -> Iterator[tuple[str, Known]]:
        return self.look_up(self.run, sorted(set(keys)))


def _held_before(run: Run, ids: list[str]) -> Iterator[tuple[str, Known]]:
    for episode_id, held in earlier_episodes(run, ids).items():
        yield episode_id, Known((held,))


def _copied_before(run: Run, contents: list[str]) -> Iterator[tuple[str, Known]]:
    copies = earlier_copies(run, set(map(file_of, contents)))
    for content in contents:
        held = copies.get(file_of(content))
        if held:
            yield content, Known(tuple((night, digest) for digest, night in held.items()))


def _resolve_claims(
    episode_id: str, joined: Iterable[Claim | Known]
) -> Iterator[tuple[str, Claim] | TaggedOutput]:
    claims, known = _parted(joined)
    chosen, rejected = resolve_claims(
        (episode for _, episode in claims), known[0] if known else None
    )
    for content, episode in claims:
        if episode is chosen:
            yield content, (content, episode)
    yield from (TaggedOutput("rejected", one) for one in rejected)


def _once(_: str, joined: Iterable[Claim | Known]) -> Iterator[tuple[str, Episode] | TaggedOutput]:
    claims, known = _parted(joined)
    copies = {digest: night for night, digest in known}
    episode, rejected = only_once((episode for _, episode in claims), copies)
    if episode:
        yield episode.episode_id, episode
    yield from (TaggedOutput("rejected", one) for one in rejected)


def _parted(
    joined: Iterable[Claim | Known],
) -> tuple[list[Claim], list[tuple[str, str]]]:
    """The claims, and what is known of them: nights and digests."""
    claims: list[Claim] = []
    known: list[tuple[str, str]] = []
    for one in joined:
        if isinstance(one, Known):
            known += one.labelled
        else:
            claims.append(one)
    return claims, known
