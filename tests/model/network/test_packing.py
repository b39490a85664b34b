from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.network.packing import View, fill_buffers, pack
from model.network.windows import split_windows

ROWS = 64
lengths_of_sequences = st.lists(st.integers(1, ROWS), max_size=60)


@given(lengths_of_sequences)
def test_buffers_hold_each_sequence_once_and_no_more_than_they_have_room_for(
    lengths: list[int],
) -> None:
    buffers = fill_buffers(lengths, ROWS)
    assert sorted(number for buffer in buffers for number in buffer) == list(range(len(lengths)))
    assert all(0 < sum(lengths[number] for number in buffer) <= ROWS for buffer in buffers)


@given(st.lists(st.integers(1, ROWS // 8), min_size=1, max_size=200))
def test_buffers_of_short_sequences_are_nearly_full_but_the_last(lengths: list[int]) -> None:
    *full, _ = fill_buffers(lengths, ROWS)
    assert all(sum(lengths[n] for n in buffer) > ROWS - ROWS // 8 for buffer in full)


def test_a_sequence_longer_than_a_buffer_is_refused_with_both_sides() -> None:
    with pytest.raises(ValueError, match="65 tokens, a buffer 64"):
        fill_buffers([3, 65], 64)


@given(
    st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=8), min_size=1, max_size=8),
    st.none() | st.integers(1, 3),
    st.booleans(),
)
def test_a_turn_reads_its_window_up_to_its_own_end(
    dialogues: list[list[int]], reach: int | None, anew: bool
) -> None:
    lengths = [length for dialogue in dialogues for length in dialogue]
    names = [f"d{n}" for n, dialogue in enumerate(dialogues) for _ in dialogue]
    turns = [[100 * turn + token for token in range(n)] for turn, n in enumerate(lengths)]
    windows = split_windows(lengths, names, 40)
    window_of = {turn: w for w in windows for turn in range(w.scored, w.end)}
    view = View(reach, np.array([2, 1], np.float32) if anew else None)
    seen = set()
    for batch in pack(turns, windows, ROWS, -7, view):
        tokens, starts = batch.tokens.tolist(), batch.starts.tolist()
        readers = {}
        for span in batch.spans:
            for number in range(span.count):
                end = span.end - (span.count - 1 - number) * span.keys
                readers[end - span.queries] = (end, tokens[end - span.keys : end], span.bias)
        assert len(tokens) == ROWS
        assert tokens[starts[-1] :] == [-7] * (ROWS - starts[-1])
        assert batch.turns[-1] == -1
        for start, turn in zip(starts, batch.turns, strict=True):
            if turn < 0:
                continue
            seen.add(int(turn))
            window = window_of[int(turn)]
            first = window.start if reach is None else max(window.start, turn + 1 - reach)
            read = [token for other in turns[first : turn + 1] for token in other]
            end, keys, bias = readers[start]
            assert (end - start, keys) == (lengths[turn], read)
            positions = batch.position_ids[start:end].tolist()
            behind = 0 if anew else sum(lengths[window.start : turn])
            assert positions == list(range(behind, behind + lengths[turn]))
            if bias is not None:
                distance = [turn - other for other in range(first, turn + 1) for _ in turns[other]]
                assert (-bias[0, :, 0]).tolist() == [[2.0 * d for d in distance], distance]
            assert (bias is not None) == (anew and turn > window.start)
    assert seen == set(range(len(turns)))
