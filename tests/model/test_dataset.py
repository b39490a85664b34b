from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from small_models import LABELS, made_up, transcript

from model.dataset import (
    class_weights,
    digest,
    gold_indices,
    known_speakers,
    label_counts,
    label_set,
    shuffle_speakers,
)
from model.errors import ModelError
from model.evaluation.scores import score

counts_of_classes = st.lists(st.integers(1, 50), min_size=2, max_size=6)


def gold_of(counts: list[int], unlabelled: int = 3) -> np.ndarray:
    return np.repeat(np.arange(-1, len(counts)), [unlabelled, *counts])


@given(counts_of_classes, st.floats(0, 2))
def test_class_weights_have_mean_one(counts: list[int], exponent: float) -> None:
    weights = class_weights(gold_of(counts), len(counts), exponent)
    assert weights.dtype == np.float32
    assert weights.mean() == pytest.approx(1)


@given(counts_of_classes)
def test_exponent_zero_weighs_all_classes_alike(counts: list[int]) -> None:
    assert class_weights(gold_of(counts), len(counts), 0).tolist() == [1.0] * len(counts)


@given(counts_of_classes)
def test_exponent_one_is_the_inverse_frequency(counts: list[int]) -> None:
    total = class_weights(gold_of(counts), len(counts), 1) * counts
    np.testing.assert_allclose(total, total[0], rtol=1e-6)


def test_a_class_that_does_not_occur_is_refused() -> None:
    with pytest.raises(ModelError, match="class number 1 does not occur"):
        class_weights(np.array([0, 2, -1]), 3, 0.5)


def test_labels_are_those_that_occur_in_order() -> None:
    data = [made_up(30, seed=1), transcript(["Hi."])]
    assert label_set(data) == LABELS
    assert label_counts(data).total() == 30
    with pytest.raises(ModelError, match="two labels or more, the data has 0"):
        label_set(data[1:])


def test_gold_is_counted_through_episodes_and_minus_one_where_there_is_none() -> None:
    one = transcript(["Hi.", "Ho."], labels=["joy", None])
    two = transcript(["Hm."], labels=["sadness"])
    assert gold_indices([one, two], LABELS).tolist() == [0, -1, 2]


def test_a_label_that_the_model_does_not_know_is_refused_with_both_sides() -> None:
    with pytest.raises(ModelError, match=r"has the labels anger; the model knows joy, neutral"):
        gold_indices([transcript(["Grr."], labels=["anger"])], LABELS)


@given(st.integers(0, 2**32 - 1), st.integers(0, 5))
def test_shuffled_speakers_are_dealt_out_anew_and_all_else_stays(seed: int, episodes: int) -> None:
    data = [made_up(7, seed=number) for number in range(episodes)]
    shuffled = shuffle_speakers(data, seed)
    dealt = Counter(who for t in shuffled for who in t.speakers)
    assert dealt == Counter(who for t in data for who in t.speakers)
    for before, after in zip(data, shuffled, strict=True):
        for field in ("episode", "place", "texts", "names", "dialogues", "labels"):
            assert getattr(after, field) == getattr(before, field)


def test_a_seed_shuffles_speakers_one_way() -> None:
    data = [made_up(50)]
    assert shuffle_speakers(data, 1) == shuffle_speakers(data, 1)
    assert shuffle_speakers(data, 1) != shuffle_speakers(data, 2)
    assert shuffle_speakers(data, 1)[0].speakers != data[0].speakers


@pytest.mark.parametrize("field", ["texts", "names", "speakers", "dialogues", "labels"])
def test_the_digest_is_of_all_that_a_model_sees(field: str) -> None:
    data = [made_up(5)]
    assert digest(data) == digest([made_up(5)])
    changed: dict[str, Any] = {field: [*getattr(data[0], field)[:-1], "something else"]}
    other = dataclasses.replace(data[0], **changed)
    assert digest([other]) != digest(data)


gold_and_predicted = st.lists(
    st.tuples(st.integers(-1, 3), st.integers(0, 3)), min_size=1, max_size=60
).filter(lambda pairs: any(gold >= 0 for gold, _ in pairs))


def one_hot(predicted: Sequence[int], classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[predicted]


@given(gold_and_predicted)
def test_scores_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    gold, predicted = np.array(pairs).T
    scores = score(gold, one_hot(predicted, 4), "abcd")
    kept, classes = gold >= 0, [0, 1, 2, 3]
    known = gold[kept], predicted[kept]
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        *known, labels=classes, zero_division=0
    )
    np.testing.assert_allclose(scores.precision, precision)
    np.testing.assert_allclose(scores.recall, recall)
    np.testing.assert_allclose(scores.f1, f1)
    np.testing.assert_array_equal(scores.support, support)
    np.testing.assert_array_equal(
        scores.confusion, metrics.confusion_matrix(*known, labels=classes)
    )
    for average in ("weighted", "macro"):
        expected = metrics.f1_score(*known, labels=classes, average=average, zero_division=0)
        assert getattr(scores, f"{average}_f1") == pytest.approx(expected)
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(*known))


def test_utterances_without_gold_are_left_out_of_scores() -> None:
    scores = score(np.array([0, -1, 1]), one_hot([0, 1, 1], 2), "ab")
    assert scores.as_json()["utterances"] == scores.reliability.counts.sum() == 2
    assert scores.weighted_f1 == 1


def test_scores_of_nothing_are_zero() -> None:
    scores = score(np.array([-1]), one_hot([1], 2), "ab")
    assert (scores.weighted_f1, scores.macro_f1, scores.accuracy) == (0, 0, 0)
    assert (scores.reliability.error, scores.reliability.as_json()) == (0, [])
    assert scores.as_json()["classes"]["a"] == {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
        "support": 0,
    }


@given(st.sampled_from(["episode", "dialogue"]), st.integers(0, 4))
def test_a_speaker_who_is_known_within_a_part_is_a_stranger_elsewhere(
    reach: str, episodes: int
) -> None:
    data = [
        dataclasses.replace(made_up(9, seed=number, dialogues=3), episode=f"e{number}")
        for number in range(episodes)
    ]
    places: dict[str, set[str]] = {}
    for before, after in zip(data, known_speakers(data, reach, 0), strict=True):
        assert dataclasses.replace(after, speakers=before.speakers) == before
        for who, known, part in zip(before.speakers, after.speakers, before.dialogues, strict=True):
            assert (who is None) == (known is None)
            if known:
                place = f"{who} {before.episode} {part if reach == 'dialogue' else ''}"
                places.setdefault(known, set()).add(place)
    assert all(len(own) == 1 for own in places.values())
