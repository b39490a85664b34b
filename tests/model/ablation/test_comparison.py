from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.ablation.comparison import dialogue_confusions, difference
from model.evaluation.scores import macro_f1, score, weighted_f1

LABELS = ("joy", "neutral", "sadness")


@st.composite
def labelled(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[str]]:
    length = draw(st.integers(1, 40))
    gold = draw(st.lists(st.integers(-1, 2), min_size=length, max_size=length))
    labels = draw(st.lists(st.integers(0, 2), min_size=length, max_size=length))
    dialogues = draw(st.lists(st.sampled_from("abcd"), min_size=length, max_size=length))
    return np.array(gold), np.array(labels), dialogues


@given(labelled())
def test_the_dialogues_confusions_add_up_to_that_of_the_set(
    one: tuple[np.ndarray, np.ndarray, list[str]],
) -> None:
    gold, labels, dialogues = one
    scores = score(gold, np.eye(3, dtype=np.float32)[labels], LABELS)
    total = dialogue_confusions(gold, labels, dialogues, 3).sum(axis=0)
    np.testing.assert_array_equal(total, scores.confusion)
    assert weighted_f1(total) == pytest.approx(scores.weighted_f1)
    assert macro_f1(total) == pytest.approx(scores.macro_f1)


def runs(right: float, seed: int, seeds: int = 4) -> np.ndarray:
    """Runs over 60 dialogues that are right this often."""
    random = np.random.default_rng(seed)
    gold = np.random.default_rng(0).integers(3, size=600)
    dialogues = [f"{turn // 10:02}" for turn in range(600)]
    guesses = np.where(random.random((seeds, 600)) < right, gold, random.integers(3, size=600))
    return np.stack([dialogue_confusions(gold, one, dialogues, 3) for one in guesses])


def test_what_is_better_is_told_apart_from_what_is_not() -> None:
    good, bad, as_good = runs(0.7, 1), runs(0.5, 2), runs(0.7, 3)
    better, same = difference(good, bad), difference(good, as_good)
    assert 0 < better.low < better.mean < better.high
    assert same.low < 0 < same.high


def test_a_side_does_not_differ_from_itself_and_the_other_way_round_is_the_opposite() -> None:
    good, bad = runs(0.7, 1), runs(0.5, 2)
    none = difference(good, good)
    assert (none.mean, none.low, none.high) == (0, 0, 0)
    there, back = difference(good, bad), difference(bad, good)
    assert (back.mean, back.low, back.high) == pytest.approx((-there.mean, -there.high, -there.low))


def test_one_seed_and_few_dialogues_leave_a_wide_interval() -> None:
    few = difference(runs(0.7, 1)[:1, :6], runs(0.6, 2)[:1, :6])
    many = difference(runs(0.7, 1), runs(0.6, 2))
    assert few.high - few.low > 2 * (many.high - many.low)
