"""Means of probabilities, their intervals, and the order of the timeline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_labels import committed, labelled_lines, small_season

import emonet
from beam_pipeline.records import EmonetError
from emonet.emotions import MIN_DIALOGUES, Emotions, grouped_means, read_emotions
from emonet.palette import colours


def emotions_of(folder: Path) -> Emotions:
    return read_emotions(emonet.open_corpus(folder))


def test_rows_come_in_the_order_of_the_timeline_whatever_file_they_are_in(tmp_path: Path) -> None:
    episodes = [labelled_lines([("Ann", "No.", "joy")] * 3, number) for number in (10, 2, 1, 30)]
    emotions = emotions_of(committed(tmp_path, *episodes))
    places = zip(emotions.rows["episode"].to_pylist(), emotions.rows["utterance"].to_pylist(),
                 strict=True)  # fmt: skip
    assert list(places) == [(episode, line) for episode in (1, 2, 10, 30) for line in range(3)]


def test_a_label_and_its_probability_are_those_of_the_row(tmp_path: Path) -> None:
    emotions = emotions_of(small_season(tmp_path))
    assert [emotions.labels[at] for at in emotions.chosen] == emotions.rows["label"].to_pylist()
    assert emotions.confidence[:3] == pytest.approx([0.7, 0.9, 0.5])


def test_equal_cells_have_one_number_and_others_another(tmp_path: Path) -> None:
    emotions = emotions_of(small_season(tmp_path))
    codes, cells = emotions.codes("episode", "speaker_name")
    rows = zip(emotions.rows["episode"].to_pylist(), emotions.rows["speaker_name"].to_pylist(),
               strict=True)  # fmt: skip
    assert [cells[code] for code in codes] == list(rows)
    assert cells == [(1, "Ann"), (1, "Bo"), (1, None), (2, "Bo"), (2, "Ann")]


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40))
def test_means_weighted_by_counts_are_the_mean_of_all(groups: list[int]) -> None:
    lines = [("Ann", "No.", ("joy", "neutral", "sadness")[group]) for group in groups]
    rows = labelled_lines(lines).rows
    probabilities = np.stack([rows[name].to_numpy() for name in rows.column_names
                              if name.startswith("prob_")], axis=1)  # fmt: skip
    emotions = Emotions(rows, ("joy", "neutral", "sadness"), probabilities)
    means = grouped_means(emotions, np.array(groups), 3)
    together = (means.mean * means.counts[:, None]).sum(axis=0) / len(groups)
    assert together == pytest.approx(probabilities.mean(axis=0, dtype=float))


def test_an_interval_wants_dialogues_and_not_only_lines(tmp_path: Path) -> None:
    few, enough = 4 * (MIN_DIALOGUES - 1), 4 * MIN_DIALOGUES
    lines = [("Ann", "No.", "joy"), ("Bo", "Yes.", "sadness")] * enough
    emotions = emotions_of(committed(tmp_path, labelled_lines(lines[:enough])))
    groups = np.zeros(enough, np.int64)
    assert np.isfinite(grouped_means(emotions, groups, 1).margin).all()
    groups[few:] = -1
    assert np.isnan(grouped_means(emotions, groups, 1).margin).all()


def test_an_interval_holds_the_mean_of_many_corpora_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    kinds = ("joy", "neutral", "sadness")
    held = []
    for _ in range(300):
        # the lines of a dialogue are all alike: intervals over lines would be half as wide
        lines = [("Ann", "No.", kinds[at]) for at in random.integers(0, 3, 30).repeat(4)]
        rows = labelled_lines(lines).rows
        values = np.stack([rows[f"prob_{kind}"].to_numpy() for kind in kinds], axis=1)
        means = grouped_means(Emotions(rows, kinds, values), np.zeros(120, np.int64), 1)
        truth = (0.7 + 0.2 + 0.05) / 3
        held.append(abs(means.mean[0, 0] - truth) <= means.margin[0, 0])
    assert 0.90 <= np.mean(held) <= 0.98


def test_nothing_labelled_is_said(tmp_path: Path) -> None:
    committed(tmp_path)
    with pytest.raises(EmonetError, match="has no labelled utterance"):
        emotions_of(tmp_path)


@given(st.lists(st.sampled_from(["Joyful", "Mad", "Neutral", "Peaceful", "fear", "Zest", "Awe"]),
                unique=True, max_size=8))  # fmt: skip
def test_no_two_labels_share_a_colour_while_colours_last(labels: list[str]) -> None:
    chosen = colours(labels)
    assert list(chosen) == labels
    assert len(set(chosen.values())) == len(labels)
