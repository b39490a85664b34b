from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.network.windows import (
    MASKED,
    Window,
    batch_by_length,
    head_slopes,
    local_tags,
    pad_rows,
    per_turn_positions,
    split_windows,
    tag_turns,
    turn_causal_mask,
    turns_between,
)

LIMIT = 32
NAMES = st.sampled_from(["Ann Lee", "bo", "CLEO", None])


@st.composite
def turns_in_dialogues(draw: st.DrawFn) -> tuple[list[int], list[str]]:
    """Lengths of turns and the dialogue of each."""
    dialogues = draw(st.lists(st.lists(st.integers(2, LIMIT), min_size=1, max_size=15), max_size=4))
    lengths = [length for dialogue in dialogues for length in dialogue]
    return lengths, [f"d{number}" for number, dialogue in enumerate(dialogues) for _ in dialogue]


@given(turns_in_dialogues())
def test_every_turn_is_scored_exactly_once_and_in_order(turns: tuple[list[int], list[str]]) -> None:
    windows = split_windows(*turns, LIMIT)
    scored = [turn for window in windows for turn in range(window.scored, window.end)]
    assert scored == list(range(len(turns[0])))
    assert all(window.start <= window.scored < window.end for window in windows)


@given(turns_in_dialogues())
def test_no_window_exceeds_the_limit(turns: tuple[list[int], list[str]]) -> None:
    for window in split_windows(*turns, LIMIT):
        assert sum(turns[0][window.start : window.end]) <= LIMIT


@given(turns_in_dialogues())
def test_windows_never_cross_dialogues(turns: tuple[list[int], list[str]]) -> None:
    for window in split_windows(*turns, LIMIT):
        assert len(set(turns[1][window.start : window.end])) == 1


@given(turns_in_dialogues())
def test_a_window_takes_all_the_left_context_that_fits_into_half_of_it(
    turns: tuple[list[int], list[str]],
) -> None:
    lengths, dialogues = turns
    for window in split_windows(lengths, dialogues, LIMIT):
        room = min(LIMIT // 2, LIMIT - lengths[window.scored])
        begins = window.scored == 0 or dialogues[window.scored - 1] != dialogues[window.scored]
        if begins:
            assert window.start == window.scored
            continue
        assert sum(lengths[window.start : window.scored]) <= room
        before = window.start - 1
        if before >= 0 and dialogues[before] == dialogues[window.start]:
            assert sum(lengths[before : window.scored]) > room


def test_a_continued_dialogue_has_left_context() -> None:
    assert split_windows([8] * 8, ["d"] * 8, 32) == [
        Window(0, 0, 4),
        Window(2, 4, 6),
        Window(4, 6, 8),
    ]
    assert split_windows([8, 8, 8], ["a", "b", "b"], 32) == [Window(0, 0, 1), Window(1, 1, 3)]
    assert split_windows([], [], 32) == []


@given(turns_in_dialogues(), st.data())
def test_what_a_window_holds_up_to_a_turn_depends_on_no_later_turn(
    turns: tuple[list[int], list[str]], data: st.DataObject
) -> None:
    lengths, dialogues = turns
    cut = data.draw(st.integers(0, len(lengths)))

    def seen(windows: list[Window]) -> list[tuple[int, int]]:
        return [(w.start, turn) for w in windows for turn in range(w.scored, w.end)][:cut]

    whole = split_windows(lengths, dialogues, LIMIT)
    prefix = split_windows(lengths[:cut], dialogues[:cut], LIMIT)
    assert seen(prefix) == seen(whole)


rows_to_fill = st.lists(st.integers(1, 70), max_size=30)


@given(rows_to_fill, st.sampled_from([8, 16, 64]), st.integers(1, 300))
def test_batches_hold_each_row_once(lengths: list[int], step: int, budget: int) -> None:
    rows = [row for _, batch in batch_by_length(lengths, step, budget) for row in batch]
    assert sorted(rows) == list(range(len(lengths)))


@given(rows_to_fill, st.sampled_from([8, 16, 64]), st.integers(1, 300))
def test_a_batch_has_one_length_that_its_rows_fill_but_for_less_than_a_step(
    lengths: list[int], step: int, budget: int
) -> None:
    for length, batch in batch_by_length(lengths, step, budget):
        assert length % step == 0
        assert all(0 <= length - lengths[row] < step for row in batch)


@given(rows_to_fill, st.sampled_from([8, 16, 64]), st.integers(1, 300))
def test_batches_keep_the_budget_and_come_longest_first(
    lengths: list[int], step: int, budget: int
) -> None:
    batches = list(batch_by_length(lengths, step, budget))
    assert all(len(batch) == 1 or length * len(batch) <= budget for length, batch in batches)
    padded = [length for length, _ in batches]
    assert padded == sorted(padded, reverse=True)


@given(rows_to_fill, st.sampled_from([8, 16]), st.integers(1, 300))
def test_batches_are_as_full_as_the_budget_allows(
    lengths: list[int], step: int, budget: int
) -> None:
    batches = list(batch_by_length(lengths, step, budget))
    for (length, batch), (next_length, _) in itertools.pairwise(batches):
        assert next_length != length or (len(batch) + 1) * length > budget


def test_rows_are_filled_on_the_right() -> None:
    assert pad_rows([[5, 6], [], [7]], 3, 9).tolist() == [[5, 6, 9], [9, 9, 9], [7, 9, 9]]


def sees(reader: int, read: int, own: bool, reach: int | None) -> bool:
    if own:
        return True
    if read < 0 or read > reader:
        return False
    return reach is None or reader - read < reach


@given(
    st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=4), min_size=1, max_size=3),
    st.none() | st.integers(1, 4),
)
def test_a_token_sees_its_own_turn_and_those_before_within_reach(
    rows: list[list[int]], reach: int | None
) -> None:
    turns = [[turn for turn, length in enumerate(row) for _ in range(length)] for row in rows]
    turn_of = pad_rows(turns, 13, -1)
    mask = turn_causal_mask(turn_of, reach)
    assert mask.shape == (len(rows), 1, 13, 13)
    assert mask.dtype == np.float32
    for row, of in enumerate(turn_of.tolist()):
        for reader in range(13):
            for read in range(13):
                open_ = sees(of[reader], of[read], reader == read, reach)
                assert mask[row, 0, reader, read] == (0.0 if open_ else MASKED)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(0, 3))
def test_a_turn_is_placed_as_if_it_stood_alone_and_lies_as_far_back_as_turns_came_since(
    lengths: list[int], padding: int
) -> None:
    of = [turn for turn, length in enumerate(lengths) for _ in range(length)]
    turn_of = pad_rows([of], len(of) + padding, -1)
    places = [place for length in lengths for place in range(length)]
    assert per_turn_positions(turn_of)[0, : len(of)].tolist() == places
    back = turns_between(turn_of)
    assert back.shape == (1, 1, len(of) + padding, len(of) + padding)
    for reader, own in enumerate(of):
        assert back[0, 0, reader, : reader + 1].tolist() == [
            own - other for other in of[: reader + 1]
        ]


@pytest.mark.parametrize("heads", [4, 12, 16])
def test_heads_see_back_to_every_distance(heads: int) -> None:
    slopes = head_slopes(heads)
    assert slopes[0] == 4
    assert slopes[-1] == 1 / 16
    assert (np.diff(slopes) < 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_masked_score_is_exactly_zero_after_softmax(dtype: torch.dtype) -> None:
    scores = torch.tensor([[50.0, -50.0, 80.0]]).to(dtype)
    mask = torch.tensor([[0.0, 0.0, MASKED]]).to(dtype)
    assert (scores + mask + mask).isfinite().all()
    assert (scores + mask).softmax(dim=1)[0, 2] == 0
    assert (scores + mask + mask).softmax(dim=1)[0, 2] == 0


def test_no_tag_leaves_the_words_alone() -> None:
    assert tag_turns(["Hi.", "Ho."], ["Ann", None], ["d", "d"], "none") == ["Hi.", "Ho."]


def test_a_global_tag_is_the_first_name() -> None:
    tagged = tag_turns(
        ["Hi.", "Ho.", "Hm."], ["ANN LEE", " bo ", "Jean-Luc P."], ["d"] * 3, "global"
    )
    assert tagged == ["Ann: Hi.", "Bo: Ho.", "Jean-Luc: Hm."]


def test_local_tags_number_the_speakers_of_each_dialogue_anew() -> None:
    names = ["Bo", "Ann", "Bo", "Ann", "Bo"]
    tags = local_tags(names, ["d1", "d1", "d1", "d2", "d2"])
    assert tags == ["speaker 1", "speaker 2", "speaker 1", "speaker 1", "speaker 2"]
    assert tag_turns(["Hi."], ["Ann"], ["d"], "local") == ["speaker 1: Hi."]


@pytest.mark.parametrize("tag", ["local", "global"])
@pytest.mark.parametrize("name", [None, "", "  "])
def test_an_unknown_speaker_has_no_tag_and_no_number(tag: str, name: str | None) -> None:
    tagged = tag_turns(["Hm.", "Hi."], [name, "Ann"], ["d", "d"], tag)
    assert tagged == ["Hm.", "speaker 1: Hi." if tag == "local" else "Ann: Hi."]


@given(st.lists(st.tuples(NAMES, st.sampled_from("ab")), max_size=12), st.integers(0, 12))
def test_later_turns_change_no_tag(turns: list[tuple[str | None, str]], cut: int) -> None:
    names, dialogues = [name for name, _ in turns], [dialogue for _, dialogue in turns]
    for tag in ("none", "local", "global"):
        whole = tag_turns(["Hi."] * len(turns), names, dialogues, tag)
        prefix = tag_turns(["Hi."] * len(turns[:cut]), names[:cut], dialogues[:cut], tag)
        assert prefix == whole[:cut]


@given(st.lists(st.tuples(NAMES, st.sampled_from("ab")), max_size=12))
def test_within_a_dialogue_local_tags_tell_speakers_apart_as_names_do(
    turns: list[tuple[str | None, str]],
) -> None:
    tags = local_tags([name for name, _ in turns], [dialogue for _, dialogue in turns])
    for dialogue in "ab":
        pairs = {(name, tag) for (name, d), tag in zip(turns, tags, strict=True) if d == dialogue}
        assert len({name for name, _ in pairs}) == len({tag for _, tag in pairs}) == len(pairs)
