"""Who speaks in a corpus: counts, collisions of names, aliases to propose; files in conflict.

Law of this module: it proposes. What is one speaker is said by a person, in a table of aliases.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from beam_pipeline.corpus.names import canonical
from beam_pipeline.records import Episode, SpeakerKind, content_digest

_RARER = 5
"""A misspelling is that many times rarer than the name it is meant for, or more."""

_LETTERS_AN_EDIT = 4
"""A name of 5 letters may be misspelt in one place, of 9 in two."""

_Claim = tuple[tuple[str, ...], str | None, str]
"""What a file that claims an episode is: flags and language of the track, digest of its content."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A speaker of a show.

    Attributes:
      namespace: the show.
      kind: what the name stands for.
      names: as they are written, the most frequent first.
      utterances: how many are theirs.
      episodes: in how many they speak.
    """

    namespace: str
    kind: str
    names: tuple[str, ...]
    utterances: int
    episodes: int


@dataclasses.dataclass(frozen=True)
class Proposal:
    """An alias that a person may accept: a row of the table of aliases, and why."""

    namespace: str
    alias: str
    speaker: str
    why: str


@dataclasses.dataclass(frozen=True)
class Collision:
    """A name that may stand for any of several speakers."""

    namespace: str
    name: str
    others: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Conflict:
    """Files that claim one episode and say different things: only the first would be labelled."""

    episode_id: str
    sources: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class OneSided:
    """A name that only the files have, or only their transcripts.

    Attributes:
      namespace: the show.
      name: as it is written.
      side: `files` or `transcripts`.
      utterances: how many have it there.
    """

    namespace: str
    name: str
    side: str
    utterances: int


@dataclasses.dataclass(frozen=True)
class Source:
    """How many utterances of a show have their speaker from one source, `none` for no speaker."""

    namespace: str
    source: str
    utterances: int


@dataclasses.dataclass(frozen=True)
class Census:
    """All that is known of a corpus's speakers, the most frequent first.

    `contradicted` counts utterances of which a transcript says another name than their own label,
    which is kept.
    """

    entries: tuple[Entry, ...]
    nameless: int
    collisions: tuple[Collision, ...]
    proposals: tuple[Proposal, ...]
    conflicts: tuple[Conflict, ...] = ()
    repaired: int = 0
    assumed: tuple[tuple[str, int], ...] = ()
    sources: tuple[Source, ...] = ()
    one_sided: tuple[OneSided, ...] = ()
    contradicted: int = 0


def take_census(episodes: Iterable[Episode]) -> Census:
    """Counts speakers, by show and id; those without an id, or with one an episode, by name."""
    names: dict[tuple[str, str, str], collections.Counter[str]] = {}
    places: dict[tuple[str, str, str], set[str]] = {}
    claims: dict[str, dict[_Claim, str]] = {}
    nameless = 0
    for episode in episodes:
        claim = (episode.flags, episode.language, content_digest(episode.utterances))
        claims.setdefault(episode.episode_id, {}).setdefault(claim, episode.source)
        columns = ("speaker_id", "speaker_name", "speaker_kind")
        for speaker, name, kind in zip(*map(episode.utterances.column, columns), strict=True):
            if not name.is_valid:
                nameless += 1
                continue
            written = name.as_py()
            whose = speaker.as_py() if kind.as_py() == SpeakerKind.NAMED else canonical(written)
            key = (episode.show, kind.as_py(), whose)
            names.setdefault(key, collections.Counter())[written] += 1
            places.setdefault(key, set()).add(episode.episode_id)
    found = (
        Entry(show, kind, _by_count(written), written.total(), len(places[show, kind, whose]))
        for (show, kind, whose), written in names.items()
    )
    entries = sorted(found, key=lambda one: (-one.utterances, one.namespace, one.names))
    collisions, proposals = _compared(entries)
    conflicts = tuple(_conflicts(claims))
    return Census(tuple(entries), nameless, tuple(collisions), tuple(proposals), conflicts)


def _conflicts(claims: Mapping[str, Mapping[_Claim, str]]) -> Iterator[Conflict]:
    """The episodes that files claim which are no tracks of one another, nor say the same."""
    for episode_id, sources in sorted(claims.items()):
        tracks = collections.Counter((flags, language) for flags, language, _ in sources)
        rivals = [
            source
            for (flags, language, _), source in sources.items()
            if tracks[flags, language] > 1
        ]
        if rivals:
            yield Conflict(episode_id, tuple(sorted(rivals)))


def _by_count(written: collections.Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(written, key=lambda name: (-written[name], name)))


def _compared(entries: Sequence[Entry]) -> tuple[list[Collision], list[Proposal]]:
    """What the named speakers of each show have in common, name by name."""
    collisions, proposals = [], []
    named = sorted(
        (entry for entry in entries if entry.kind == SpeakerKind.NAMED),
        key=lambda entry: entry.namespace,
    )
    for _, group in itertools.groupby(named, key=lambda entry: entry.namespace):
        cast = [*group]
        for entry in cast:
            longer = [other.names[0] for other in cast if _is_part(entry, other)]
            meant = [other.names[0] for other in cast if _is_misspelt(entry, other)]
            if len(longer) > 1:
                collisions.append(_collision(entry, longer))
            elif longer:
                proposals.append(_proposal(entry, longer[0], "part of that name"))
            elif meant:
                proposals.append(_proposal(entry, meant[0], "spelt almost so"))
    return collisions, [*_followed(proposals)]


def _collision(entry: Entry, others: Sequence[str]) -> Collision:
    return Collision(entry.namespace, entry.names[0], tuple(sorted(others)))


def _proposal(entry: Entry, speaker: str, why: str) -> Proposal:
    return Proposal(entry.namespace, entry.names[0], speaker, why)


def _followed(proposals: Sequence[Proposal]) -> Iterator[Proposal]:
    """An alias of an alias stands for whom that one does, as aliases are looked up once."""
    speakers = {(one.namespace, one.alias): one.speaker for one in proposals}
    for one in proposals:
        target = speakers.get((one.namespace, one.speaker), one.speaker)
        yield dataclasses.replace(one, speaker=target)


def _is_part(entry: Entry, other: Entry) -> bool:
    """Whether a name is one word of the other name: `JEFF` of `JEFF PROBST`."""
    name, longer = canonical(entry.names[0]), canonical(other.names[0]).split()
    return len(longer) > 1 and name in longer


def _is_misspelt(entry: Entry, other: Entry) -> bool:
    if entry.utterances * _RARER > other.utterances:
        return False
    written, meant = (canonical(one.names[0]).split() for one in (entry, other))
    # Word by word, so that an initial is never taken for another one: `JEFF K`, `JEFF V`.
    return len(written) == len(meant) and all(
        _edits(*pair) <= (len(pair[1]) - 1) // _LETTERS_AN_EDIT
        for pair in zip(written, meant, strict=True)
    )


def _edits(one: str, other: str) -> int:
    """How many letters must be changed, left out or put in to make one name of the other."""
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        last, row = row, [at]
        for to, wanted in enumerate(other, 1):
            row.append(min(last[to] + 1, row[-1] + 1, last[to - 1] + (letter != wanted)))
    return row[-1]
