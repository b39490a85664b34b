"""Completeness, checked where an episode or a file is: the commit hears sums and first faults.

Law of this module: pure. A `Tally` is a monoid, so that sums may be made in any grouping.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from beam_pipeline.records import Reason, Rejected, SourceFile

DUPLICATES = (Reason.DUPLICATE, Reason.DUPLICATE_EPISODE)
"""Refusals of whole episodes that were read: their position is the episode's id."""

FAULTS_SHOWN = 5

Counts = tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True)
class LabelCount:
    """What was labelled of one episode: the digest of its content, its utterances by label."""

    episode_id: str
    digest: str
    labels: Counts


@dataclasses.dataclass(frozen=True)
class Claim:
    """That a file has an episode: the file's path and sha256, and how many utterances it has."""

    path: str
    sha256: str
    utterances: int


@dataclasses.dataclass(frozen=True)
class Fault:
    """A reason not to commit: an episode, a file or the whole run, and what is wrong with it."""

    where: str
    message: str


@dataclasses.dataclass(frozen=True)
class IndexEntry:
    """A labelled episode, as later nights look it up.

    Attributes:
      episode_id: its id.
      utterances: how many.
      content: the digest of its words, speakers and times.
      files: the sha256 of each file that has this content for it.
    """

    episode_id: str
    utterances: int
    content: str
    files: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Tally:
    """Sums over files and episodes.

    Attributes:
      files: that came.
      archives: those of them that are archives, whose files are counted for themselves.
      found, dropped: cues or rows in files that were read.
      read: utterances that were read.
      episodes, copies: rows that the index of episodes and that of files must get.
      labels: utterances by label.
      refusals: how many.
      rejected, rejected_files: how many cues, and whole files, were refused for each reason.
      first_rejected: the first refusal of each reason.
      repaired: cues or rows that were kept although a time of theirs is none.
      assumed: files by what was assumed of them.
      faults: how many.
      faulty: how many episodes and files have any.
      first_faults: a few of them.
    """

    files: int = 0
    archives: int = 0
    found: int = 0
    dropped: int = 0
    read: int = 0
    episodes: int = 0
    copies: int = 0
    labels: Counts = ()
    refusals: int = 0
    rejected: Counts = ()
    rejected_files: Counts = ()
    first_rejected: tuple[Rejected, ...] = ()
    repaired: int = 0
    assumed: Counts = ()
    faults: int = 0
    faulty: int = 0
    first_faults: tuple[Fault, ...] = ()

    def __add__(self, other: Tally) -> Tally:
        """The sums over both."""
        mine, theirs = vars(self), vars(other)
        sums = {name: mine[name] + theirs[name] for name in mine}
        for name in ("labels", "rejected", "rejected_files", "assumed"):
            sums[name] = _added(sums[name])
        sums["first_rejected"] = first_of_each_reason(sums["first_rejected"])
        sums["first_faults"] = _first_faults(sums["first_faults"])
        return Tally(**sums)


def total(tallies: Iterable[Tally]) -> Tally:
    """The sums over all of them."""
    return functools.reduce(Tally.__add__, tallies, Tally())


def account_file(
    path: str, requested: int, sources: Sequence[SourceFile], refused: Sequence[Rejected]
) -> Tally:
    """Holds found = used + dropped + rejected, and that a file came as often as it should.

    Args:
      path: of the file.
      requested: how often it was asked for, or named by an archive that it is in.
      sources: its records.
      refused: what was refused in it, without whole episodes.
    """
    faults = []
    if requested != len(sources):
        faults.append(Fault(path, f"read {len(sources)} times, expected {requested}"))
    came = sum(one.items for one in refused)
    counted = sum(source.rejected for source in sources)
    if came != counted and sources:
        faults.append(Fault(path, f"{counted} refusals counted, {came} came"))
    whole = sum(one.items for one in refused if one.is_file)
    sums = Tally(
        files=len(sources),
        archives=sum(bool(source.members) for source in sources),
        # a file that was refused whole is one found, of cues that nobody counted
        found=sum(source.found for source in sources) - whole,
        dropped=sum(source.dropped for source in sources),
        read=sum(count for source in sources for _, count in source.episodes),
        repaired=sum(source.repaired for source in sources),
        assumed=_added((one, 1) for source in sources for one in source.assumed),
    )
    return sums + _refusals(refused) + tally_faults(faults)


def account_episode(
    episode_id: str,
    claims: Sequence[Claim],
    counts: Sequence[LabelCount],
    refused: Sequence[Rejected],
    faults: Sequence[Fault],
) -> tuple[Tally, IndexEntry | None]:
    """Holds read = labelled + duplicates for one episode.

    Args:
      episode_id: its id.
      claims: of the files that have it.
      counts: what was labelled of it.
      refused: what was refused of it as a duplicate or as another version.
      faults: what went wrong in its labelling.

    Returns:
      The sums, and what later nights must know of it; None if it is not labelled.
    """
    read = sum(claim.utterances for claim in claims)
    labelled = sum(number for count in counts for _, number in count.labels)
    done = labelled + sum(one.items for one in refused)
    found = list(faults)
    if read != done:
        message = f"{read} utterances read, {done} labelled or rejected"
        found.append(Fault(episode_id, message))
    entry = None
    if counts:
        others = {one.source for one in refused if one.reason is Reason.DUPLICATE_EPISODE}
        files = {claim.sha256 for claim in claims if claim.path not in others}
        entry = IndexEntry(episode_id, labelled, counts[0].digest, tuple(sorted(files)))
    sums = Tally(
        episodes=int(entry is not None),
        copies=len(entry.files) if entry else 0,
        labels=_added(pair for count in counts for pair in count.labels),
    )
    return sums + _refusals(refused) + tally_faults(found), entry


def first_of_each_reason(rejected: Iterable[Rejected]) -> tuple[Rejected, ...]:
    """The first refusal of each reason, by reason."""
    firsts: dict[Reason, Rejected] = {}
    for one in sorted(rejected, key=_natural_order, reverse=True):
        firsts[one.reason] = one
    return tuple(firsts[reason] for reason in sorted(firsts))


def _refusals(refused: Sequence[Rejected]) -> Tally:
    return Tally(
        refusals=len(refused),
        rejected=_added((str(one.reason), one.items) for one in refused if not one.is_file),
        rejected_files=_added((str(one.reason), one.items) for one in refused if one.is_file),
        first_rejected=first_of_each_reason(refused),
    )


def tally_faults(faults: Sequence[Fault]) -> Tally:
    """How many faults there are, of how many episodes and files, and the first of them."""
    places = {one.where for one in faults}
    return Tally(faults=len(faults), faulty=len(places), first_faults=_first_faults(faults))


def _first_faults(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda one: (one.where, one.message))[:FAULTS_SHOWN])


def _added(pairs: Iterable[tuple[str, int]]) -> Counts:
    counts: Counter[str] = Counter()
    for name, number in pairs:
        counts[name] += number
    return tuple(sorted(counts.items()))


def _natural_order(one: Rejected) -> tuple[str, int, str, str]:
    """By file and position, `line 6` before `line 12`."""
    number = re.search(r"\d+", one.position)
    return one.source, int(number[0]) if number else 0, one.position, one.detail
