"""Where the speakers of a corpus come from, and what files and their transcripts call them.

Law of this module: it counts and proposes. No alias is applied unless a person says so.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator

from beam_pipeline.corpus.census import Census, OneSided, Proposal, Source
from beam_pipeline.corpus.companions import Companions
from beam_pipeline.corpus.names import canonical
from beam_pipeline.corpus.voices import MIN_AGREEMENT, MIN_MEETINGS
from beam_pipeline.records import Episode, SpeakerKind, SpeakerSource

_NAMED_ELSEWHERE = (SpeakerSource.TRANSCRIPT, SpeakerSource.DIARISATION)

Name = tuple[str, str]
"""A show and a name in it, as it is written."""


@dataclasses.dataclass
class Coverage:
    """What is known of where speakers come from, episode by episode.

    Attributes:
      sources: utterances by show and source of their speaker.
      files: how often files themselves have a name of a person, of the episodes with a transcript.
      transcripts: how often transcripts have one.
      meetings: how often a name of the files met one of a transcript, in the same words.
    """

    sources: collections.Counter[tuple[str, str]] = dataclasses.field(
        default_factory=collections.Counter
    )
    files: collections.Counter[Name] = dataclasses.field(default_factory=collections.Counter)
    transcripts: collections.Counter[Name] = dataclasses.field(default_factory=collections.Counter)
    meetings: collections.Counter[tuple[str, str, str]] = dataclasses.field(
        default_factory=collections.Counter
    )

    def add(self, joined: Episode, companions: Companions) -> None:
        """Takes in an episode that has the speakers of its companions."""
        show = joined.show
        self.sources.update((show, one) for one in joined.utterances["speaker_source"].to_pylist())
        beside = companions.transcripts.get(joined.episode_id, ())
        if not beside:
            return
        self.files.update(_own_names(joined))
        for transcript in beside:
            self.transcripts.update((show, name) for _, name in _own_names(transcript))
        met = companions.meetings(joined)
        self.meetings.update({(show, *pair): count for pair, count in met.items()})

    def one_sided(self) -> Iterator[OneSided]:
        """The names of persons that never met one of the other side, the most frequent first."""
        met = {(show, own) for show, own, _ in self.meetings}
        found = {(show, other) for show, _, other in self.meetings}
        for side, names, known in (
            ("files", self.files, met),
            ("transcripts", self.transcripts, found),
        ):
            others = self.transcripts if side == "files" else self.files
            theirs = {(show, canonical(name)) for show, name in others}
            for (show, name), count in sorted(names.items(), key=lambda one: (-one[1], one[0])):
                if (show, name) not in known and (show, canonical(name)) not in theirs:
                    yield OneSided(show, name, side, count)

    def proposals(self) -> Iterator[Proposal]:
        """Aliases: a name of the files that meets one name of a transcript again and again."""
        totals = collections.Counter[Name]()
        for (show, own, _), count in self.meetings.items():
            totals[show, own] += count
        for (show, own, other), count in sorted(self.meetings.items()):
            total = totals[show, own]
            often = count >= max(MIN_MEETINGS, MIN_AGREEMENT * total)
            if often and canonical(own) != canonical(other):
                why = f"{count} of {total} utterances that the transcript has"
                yield Proposal(show, own, other, why)

    def contradicted(self) -> int:
        """Utterances whose own label met another name than that label mostly meets."""
        most: dict[Name, int] = collections.defaultdict(int)
        for (show, own, _), count in self.meetings.items():
            most[show, own] = max(most[show, own], count)
        return self.meetings.total() - sum(most.values())


def _own_names(episode: Episode) -> Iterator[Name]:
    """The names of persons that stand in the file itself, one an utterance."""
    columns = ("speaker_name", "speaker_kind", "speaker_source")
    rows = zip(*(episode.utterances[name].to_pylist() for name in columns), strict=True)
    return (
        (episode.show, name)
        for name, kind, source in rows
        if kind == SpeakerKind.NAMED and source not in _NAMED_ELSEWHERE
    )


def with_coverage(census: Census, coverage: Coverage) -> Census:
    """A census with where names come from, and the aliases that transcripts propose."""
    proposed = [*coverage.proposals()]
    known = {(one.namespace, canonical(one.alias)) for one in proposed}
    others = (one for one in census.proposals if (one.namespace, canonical(one.alias)) not in known)
    sources = tuple(sorted(coverage.sources.items()))
    return dataclasses.replace(
        census,
        proposals=(*proposed, *others),
        sources=tuple(Source(show, source, count) for (show, source), count in sources),
        one_sided=tuple(coverage.one_sided()),
        contradicted=coverage.contradicted(),
    )
