"""Files beside those that are labelled: transcripts, diarisation, subtitles -> speakers and times.

Law of this module: what an episode becomes depends on it and on the companions with its id, never
on their order; without any it is what it was.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from beam_pipeline.corpus.archives import read_packed
from beam_pipeline.corpus.diarisation import read_diarisation
from beam_pipeline.corpus.naming import Match, match_tokens, name_by_transcript, time_by_subtitles
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import Reader, read_path
from beam_pipeline.corpus.reading import FileContent
from beam_pipeline.corpus.speakers import Cast
from beam_pipeline.corpus.utterances import Utterance, utterance_table, utterances_of
from beam_pipeline.corpus.voices import hear_voices, name_voices
from beam_pipeline.records import Episode

ById = Mapping[str, Sequence[Episode]]
"""Episodes by their id, those of one id in order of their files' paths."""


@dataclasses.dataclass(frozen=True)
class Companions:
    """What stands beside the episodes of a night, by their ids.

    Attributes:
      transcripts, diarisation, timed_by: as `ReadOptions` names their files.
    """

    transcripts: ById
    diarisation: ById
    timed_by: ById

    def joined(self, content: FileContent, options: ReadOptions) -> FileContent:
        """A file's content with the speakers and times of its companions."""
        episodes = tuple(self.join(episode, options) for episode in content.episodes)
        counts = tuple((episode.episode_id, episode.rows) for episode in episodes)
        source = dataclasses.replace(content.source, episodes=counts)
        return dataclasses.replace(content, source=source, episodes=episodes)

    def join(self, episode: Episode, options: ReadOptions) -> Episode:
        """An episode with the speakers and times of its companions."""
        voices, transcripts, subtitles = (
            [utterances_of(one.utterances) for one in found.get(episode.episode_id, ())]
            for found in (self.diarisation, self.transcripts, self.timed_by)
        )
        if not (voices or transcripts or subtitles):
            return episode
        cast = Cast(episode.show, episode.episode_id, options.names)
        utterances = utterances_of(episode.utterances)
        for turns in voices:
            utterances = hear_voices(utterances, turns, cast)
        if transcripts:
            transcript, matches = _nearest(utterances, transcripts)
            named = name_by_transcript(utterances, transcript, matches, cast)
            utterances = [*name_voices(named.utterances, named.pairs, cast)]
        if subtitles:
            utterances = time_by_subtitles(utterances, *_nearest(utterances, subtitles))
        return dataclasses.replace(episode, utterances=utterance_table(utterances))

    def meetings(self, episode: Episode) -> Mapping[tuple[str, str], int]:
        """How often a name of an episode stands on the same words as one of its transcript."""
        transcripts = self.transcripts.get(episode.episode_id, ())
        texts = [utterances_of(one.utterances) for one in transcripts]
        utterances = utterances_of(episode.utterances)
        transcript, matches = _nearest(utterances, texts)
        cast = Cast(episode.show, episode.episode_id, {})
        return name_by_transcript(utterances, transcript, matches, cast).pairs


@functools.lru_cache(maxsize=1)
def companions_of(options: ReadOptions) -> Companions:
    """Reads the companions of a run; once a process, which holds them all."""
    return Companions(
        *(
            _by_id(content for path in paths for content in read_path(path, options, read))
            for paths, read in _readers(options)
        )
    )


def read_companions(options: ReadOptions) -> Iterator[FileContent]:
    """What is accounted for of each companion: its refusals, and its record without episodes."""
    for paths, read in _readers(options):
        for content in (one for path in paths for one in read_path(path, options, read)):
            source = dataclasses.replace(content.source, episodes=())
            yield FileContent(source, (), content.rejected)


def _readers(options: ReadOptions) -> Iterator[tuple[Sequence[str], Reader]]:
    yield options.transcripts, read_packed
    yield options.diarisation, read_diarisation
    yield options.timed_by, read_packed


def _by_id(contents: Iterable[FileContent]) -> ById:
    found: dict[str, list[Episode]] = {}
    for content in contents:
        for episode in content.episodes:
            found.setdefault(episode.episode_id, []).append(episode)
    return {key: sorted(some, key=lambda one: one.source) for key, some in found.items()}


def _nearest(
    utterances: Sequence[Utterance], texts: Iterable[Sequence[Utterance]]
) -> tuple[Sequence[Utterance], list[Match]]:
    """The text that most words are found in, the first of equals, and the words."""
    found = [(text, match_tokens(utterances, text)) for text in texts]
    return max(found, key=lambda pair: sum(match.sure for match in pair[1]))
