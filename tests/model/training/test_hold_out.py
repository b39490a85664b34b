from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_models import made_up

from model.dataset import Transcript
from model.errors import ModelError
from model.network.emonet import histories
from model.training.hold_out import FEW, PARTS, parts_of, split


def lines(transcripts: Sequence[Transcript]) -> list[tuple[str, str | None, str | None]]:
    return [
        line
        for t in sorted(transcripts, key=lambda t: t.place)
        for line in zip(t.texts, t.speakers, t.labels, strict=True)
    ]


@given(
    sizes=st.lists(st.tuples(st.integers(1, 60), st.integers(1, 5)), min_size=1, max_size=4),
    wanted=st.integers(1, 12),
)
def test_parts_are_all_of_a_set_in_its_order_and_keep_histories(
    sizes: list[tuple[int, int]], wanted: int
) -> None:
    episodes = [made_up(n, seed=seed, dialogues=d) for seed, (n, d) in enumerate(sizes)]
    parts, _ = parts_of(episodes[::-1], wanted)
    assert lines(parts) == lines(episodes)
    assert len({part.place for part in parts}) == len(parts)
    np.testing.assert_array_equal(histories(parts, 3), histories(episodes, 3))


def test_whole_episodes_are_held_out_where_there_are_enough() -> None:
    episodes = [made_up(5, seed=seed) for seed in range(2 * PARTS)]
    train, dev, notes = split(episodes, [], 4)
    assert dev == [episodes[PARTS - 1], episodes[-1]]
    assert len(train) + len(dev) == len(episodes)
    assert notes[0] == "no --dev: every tenth of the 20 episodes is held out, 10 utterances"


def test_dialogues_of_one_file_are_held_out_and_make_its_folds() -> None:
    train, dev, notes = split([made_up(120, dialogues=40)], [], 4)
    assert "every tenth of the 40 dialogues" in notes[0]
    assert sorted(lines([*train, *dev]), key=str) == sorted(
        lines([made_up(120, dialogues=40)]), key=str
    )
    assert {one.place for one in train}.isdisjoint(one.place for one in dev)
    assert len(train) == 36


def test_lines_without_dialogues_are_held_out_in_stretches() -> None:
    _, dev, notes = split([made_up(400)], [], 4)
    assert "stretches of 20 utterances" in notes[0]
    assert [len(one) for one in dev] == [20, 20]


def test_a_given_dev_is_used_and_an_only_file_is_cut_for_its_folds() -> None:
    dev = [made_up(9, seed=1)]
    train, chosen, notes = split([made_up(120, dialogues=40)], dev, 4)
    assert (len(train), chosen) == (40, dev)
    assert notes[0] == "4 folds of 40 dialogues"


def test_too_few_lines_are_refused_and_small_classes_are_told_of() -> None:
    with pytest.raises(ModelError, match="too few to hold some out; give --dev DATA"):
        split([made_up(30)], [], 4)
    (note,) = split([made_up(60, seed=1)], [made_up(9)], 0)[2]
    assert note.startswith(f"fewer than {FEW} utterances of joy ")
    assert split([made_up(4 * FEW, seed=1)], [made_up(9)], 0)[2] == []
