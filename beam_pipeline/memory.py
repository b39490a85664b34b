"""Speaker memory: what a speaker said last, as a monoid, and the scan that recalls it.

Law of this module: pure arithmetic on numpy arrays. State, timers and counters are Beam's.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np

from beam_pipeline.records import Place


@dataclasses.dataclass(frozen=True)
class Tail:
    """The last utterances of one speaker in one episode, or in all nights before.

    Attributes:
      place: the episode's place on the timeline; empty, and so before all others, for the
        memory of earlier nights.
      embeddings: (m, d) float16, oldest first, m at most N.
    """

    place: Place | tuple[()]
    embeddings: np.ndarray


@dataclasses.dataclass(frozen=True)
class Recall:
    """What a speaker said before one episode.

    Attributes:
      speaker_id: who.
      tails: from how many tails it was built; what tells a whole memory from a part of it.
      embeddings: (m, d) float16, oldest first, m at most N.
    """

    speaker_id: str
    tails: int
    embeddings: np.ndarray


def last_n(earlier: np.ndarray, later: np.ndarray, n: int) -> np.ndarray:
    """The last `n` utterances of two stretches of one speaker's timeline.

    Args:
      earlier: embeddings, (m, d) float16, oldest first.
      later: the same of utterances that were all said after those.
      n: how many are kept.

    Returns:
      (min(n, m1 + m2), d) float16, oldest first. Associative, with the empty tail as unit,
      which is what lets any split of a timeline be recalled in any grouping.
    """
    before = max(0, n - len(later))
    kept = earlier[max(0, len(earlier) - before) :]
    return np.concatenate([kept, later[max(0, len(later) - n) :]])


def tails(
    speakers: Sequence[str | None], embeddings: np.ndarray, place: Place, n: int
) -> Iterator[tuple[str, Tail]]:
    """The tail of each known speaker of an episode.

    Args:
      speakers: who spoke, in order; None for the unknown, who have no history.
      embeddings: (utterances, d) float16.
      place: the episode's place on the timeline.
      n: how many utterances a tail holds at most.
    """
    latest: dict[str, deque[int]] = {}
    for index, speaker in enumerate(speakers):
        if speaker is not None:
            latest.setdefault(speaker, deque(maxlen=n)).append(index)
    for speaker, indices in latest.items():
        yield speaker, Tail(place, embeddings[list(indices)])


def recall(
    speaker_id: str, scattered: Iterable[Tail], n: int
) -> Iterator[tuple[str | None, Recall]]:
    """Scans a speaker's tails in timeline order, and lets go of each as it is passed.

    Args:
      speaker_id: whose.
      scattered: tails in any order; nothing is yielded without any.
      n: how many utterances a memory holds at most.

    Yields:
      A recall for each episode by its id; then one for None, the memory after all of them.
    """
    timeline = deque(sorted(scattered, key=lambda tail: tail.place))
    if not timeline:
        return
    memory, tails = timeline[0].embeddings[:0], len(timeline)
    for count in range(tails):
        tail = timeline.popleft()
        if tail.place:
            yield tail.place[3], Recall(speaker_id, count, memory)
        memory = last_n(memory, tail.embeddings, n)
    yield None, Recall(speaker_id, tails, memory)


def expected_recalls(
    speaker_id: str, places: Iterable[Place | tuple[()]]
) -> Iterator[tuple[str, tuple[str, int]]]:
    """For each episode of a speaker, by its id, from how many tails its recall must be built."""
    for count, place in enumerate(sorted(places)):
        if place:
            yield place[3], (speaker_id, count)


def recall_faults(
    speakers: Collection[str], expected: Sequence[tuple[str, int]], recalls: Sequence[Recall]
) -> Iterator[str]:
    """What is wrong with the recalls of one episode; nothing if the engine lost nothing.

    Args:
      speakers: the known speakers of the episode.
      expected: what `expected_recalls` says of it.
      recalls: what came.

    Yields:
      `SPEAKER: ...`, a sentence each.
    """
    tails_of = dict(expected)
    came = Counter(recall.speaker_id for recall in recalls)
    for speaker in sorted(set(speakers) | set(tails_of) | set(came)):
        if speaker not in tails_of or speaker not in speakers:
            yield f"{speaker}: not known to both the episode and the count of tails"
        elif came[speaker] != 1:
            yield f"{speaker}: {came[speaker]} recalls, expected 1"
    for found in recalls:
        wanted = tails_of.get(found.speaker_id, found.tails)
        if found.tails != wanted:
            yield f"{found.speaker_id}: recalled from {found.tails} tails, expected {wanted}"


def by_speaker(recalls: Iterable[Recall]) -> Mapping[str, np.ndarray]:
    """The embeddings of recalls, in the order of speaker ids."""
    ordered = sorted(recalls, key=lambda recall: recall.speaker_id)
    return {recall.speaker_id: recall.embeddings for recall in ordered}
