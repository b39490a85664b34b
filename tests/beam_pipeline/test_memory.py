from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.memory import (
    Recall,
    Tail,
    by_speaker,
    expected_recalls,
    last_n,
    recall,
    recall_faults,
    tails,
)
from beam_pipeline.records import Place

Speakers = Sequence[str | None]

LENGTHS = st.integers(0, 4)
EPISODES = st.lists(
    st.lists(st.sampled_from(["ann", "bo", None]), max_size=8), min_size=1, max_size=7
)


def place(number: int) -> Place:
    return ("show", 1, number, f"episode {number}")


def embedded(episodes: Sequence[Speakers]) -> list[np.ndarray]:
    """Of each episode (utterances, 2) float16, all rows of all episodes different."""
    rows = np.arange(2 * sum(map(len, episodes)), dtype=np.float16).reshape(-1, 2)
    ends = np.cumsum([len(speakers) for speakers in episodes])
    return np.split(rows, ends[:-1])


def scattered(episodes: Sequence[Speakers], n: int) -> dict[str, list[Tail]]:
    """The tails of each speaker over all episodes."""
    tails_of: dict[str, list[Tail]] = {}
    for number, (speakers, rows) in enumerate(zip(episodes, embedded(episodes), strict=True)):
        for speaker, tail in tails(speakers, rows, place(number), n):
            tails_of.setdefault(speaker, []).append(tail)
    return tails_of


def scanned(
    speaker: str, own: Iterable[Tail], n: int
) -> tuple[list[tuple[str | None, Recall]], np.ndarray]:
    """All recalls of a speaker, and the memory after them."""
    *recalls, (episode, last) = recall(speaker, own, n)
    assert episode is None
    return recalls, last.embeddings


def test_without_any_tail_nothing_is_recalled_and_nothing_remembered() -> None:
    assert list(recall("ann", [], 3)) == []


def said_before(episodes: Sequence[Speakers], speaker: str, end: int, n: int) -> np.ndarray:
    """The definition: the last n of all that a speaker says in the first `end` episodes."""
    rows = [
        row
        for speakers, rows in zip(episodes[:end], embedded(episodes)[:end], strict=True)
        for who, row in zip(speakers, rows, strict=True)
        if who == speaker
    ]
    kept = rows[max(0, len(rows) - n) :]
    return np.array(kept, np.float16).reshape(-1, 2)


def assert_same_bits(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == expected.dtype == np.float16
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


def assert_same_recalls(
    found: Sequence[tuple[str | None, Recall]],
    expected: Sequence[tuple[str | None, np.ndarray]],
) -> None:
    assert [episode for episode, _ in found] == [episode for episode, _ in expected]
    for (_, recalled), (_, rows) in zip(found, expected, strict=True):
        assert_same_bits(recalled.embeddings, rows)


@st.composite
def stretches(draw: st.DrawFn) -> np.ndarray:
    length = draw(st.integers(0, 6))
    bits = draw(st.binary(min_size=4 * length, max_size=4 * length))
    return np.frombuffer(bits, np.float16).reshape(length, 2)


@given(stretches(), stretches(), stretches(), LENGTHS)
def test_the_last_n_of_three_stretches_do_not_depend_on_their_grouping(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, n: int
) -> None:
    left = last_n(last_n(a, b, n), c, n)
    assert_same_bits(left, last_n(a, last_n(b, c, n), n))
    assert_same_bits(left, np.concatenate([a, b, c])[::-1][:n][::-1])


@given(stretches(), LENGTHS)
def test_the_empty_tail_is_the_unit_of_last_n(a: np.ndarray, n: int) -> None:
    tail, unit = last_n(a, a[:0], n), a[:0]
    assert_same_bits(last_n(tail, unit, n), tail)
    assert_same_bits(last_n(unit, tail, n), tail)


@given(st.lists(st.sampled_from(["ann", "bo", None]), max_size=12), LENGTHS)
def test_a_tail_holds_the_last_utterances_of_one_known_speaker(speakers: Speakers, n: int) -> None:
    (rows,) = embedded([speakers])
    found = dict(tails(speakers, rows, place(3), n))
    assert list(found) == list(dict.fromkeys(who for who in speakers if who is not None))
    for speaker, tail in found.items():
        assert tail.place == place(3)
        assert_same_bits(tail.embeddings, said_before([speakers], speaker, 1, n))


@given(EPISODES, LENGTHS, st.randoms(use_true_random=False))
def test_an_episode_recalls_the_last_n_utterances_before_it_whatever_the_order_of_tails(
    episodes: list[Speakers], n: int, random: Random
) -> None:
    for speaker, own in scattered(episodes, n).items():
        random.shuffle(own)
        recalls, memory = scanned(speaker, own, n)
        present = [number for number, who in enumerate(episodes) if speaker in who]
        assert_same_recalls(
            recalls,
            [(place(at)[3], said_before(episodes, speaker, at, n)) for at in present],
        )
        assert [(one.speaker_id, one.tails) for _, one in recalls] == [
            (speaker, before) for before in range(len(present))
        ]
        assert_same_bits(memory, said_before(episodes, speaker, len(episodes), n))


@given(EPISODES, LENGTHS, st.data())
def test_labelling_night_by_night_recalls_the_same_as_all_at_once(
    episodes: list[Speakers], n: int, data: st.DataObject
) -> None:
    nights = data.draw(st.lists(st.integers(1, 3), min_size=len(episodes), max_size=len(episodes)))
    night_of: dict[Place | tuple[()], int] = {
        place(number): night for number, night in enumerate(sorted(nights))
    }
    for speaker, own in scattered(episodes, n).items():
        recalls, memory = scanned(speaker, own, n)
        found = []
        remembered: list[Tail] = []
        for night in (1, 2, 3):
            tonight = [tail for tail in own if night_of[tail.place] == night]
            if remembered or tonight:
                some, left = scanned(speaker, [*tonight, *remembered], n)
                found += some
                remembered = [Tail((), left)]
        assert_same_recalls(found, [(episode, one.embeddings) for episode, one in recalls])
        assert_same_bits(remembered[0].embeddings, memory)


@given(EPISODES, LENGTHS, st.booleans(), st.randoms(use_true_random=False))
def test_the_places_of_tails_say_from_how_many_a_recall_is_built(
    episodes: list[Speakers], n: int, with_memory: bool, random: Random
) -> None:
    for speaker, own in scattered(episodes, n).items():
        if with_memory:
            own.append(Tail((), np.zeros((1, 2), np.float16)))
        random.shuffle(own)
        recalls, _ = scanned(speaker, own, n)
        expected = dict(expected_recalls(speaker, [tail.place for tail in own]))
        assert expected == {episode: (who.speaker_id, who.tails) for episode, who in recalls}


def recalled(speaker: str, tails: int = 1) -> Recall:
    return Recall(speaker, tails, np.zeros((1, 2), np.float16))


def faults(
    recalls: Sequence[Recall],
    speakers: Sequence[str] = ("ann", "bo"),
    expected: Sequence[tuple[str, int]] = (("ann", 1), ("bo", 3)),
) -> list[str]:
    return list(recall_faults(speakers, expected, recalls))


def test_a_whole_recall_has_no_faults() -> None:
    assert faults([recalled("bo", 3), recalled("ann", 1)]) == []
    assert faults([], [], []) == []


def test_a_lost_recall_is_found() -> None:
    assert faults([recalled("bo", 3)]) == ["ann: 0 recalls, expected 1"]


def test_a_doubled_recall_is_found() -> None:
    twice = [recalled("ann"), recalled("ann"), recalled("bo", 3)]
    assert faults(twice) == ["ann: 2 recalls, expected 1"]


def test_a_recall_from_fewer_tails_is_found_although_there_is_one_for_each_speaker() -> None:
    partial = [recalled("ann"), recalled("bo", 2)]
    assert faults(partial) == ["bo: recalled from 2 tails, expected 3"]


def test_a_recall_of_somebody_else_is_found() -> None:
    whole = [recalled("ann"), recalled("bo", 3)]
    stranger = "cleo: not known to both the episode and the count of tails"
    assert faults([*whole, recalled("cleo")]) == [stranger]
    assert faults(whole, speakers=("ann", "bo", "cleo")) == [stranger]
    assert faults(whole, expected=(("ann", 1), ("bo", 3), ("cleo", 1))) == [stranger]


def test_one_speaker_lost_and_another_doubled_are_both_found() -> None:
    twice = [recalled("ann"), recalled("ann")]
    assert faults(twice) == ["ann: 2 recalls, expected 1", "bo: 0 recalls, expected 1"]


def test_recalls_are_handed_on_in_the_order_of_speakers_not_of_arrival() -> None:
    arrived = [recalled("cleo"), recalled("ann"), recalled("bo")]
    assert list(by_speaker(arrived)) == ["ann", "bo", "cleo"]
