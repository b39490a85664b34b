from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.network.padding import (
    MASKED,
    batch_by_length,
    pad_rows,
    per_turn_positions,
    turn_causal_mask,
    turns_between,
)

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


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_masked_score_is_exactly_zero_after_softmax(dtype: torch.dtype) -> None:
    scores = torch.tensor([[50.0, -50.0, 80.0]]).to(dtype)
    mask = torch.tensor([[0.0, 0.0, MASKED]]).to(dtype)
    assert (scores + mask + mask).isfinite().all()
    assert (scores + mask).softmax(dim=1)[0, 2] == 0
    assert (scores + mask + mask).softmax(dim=1)[0, 2] == 0
