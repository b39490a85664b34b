from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.network.windows import Window, head_slopes, local_tags, split_windows, tag_turns

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


@pytest.mark.parametrize("heads", [4, 12, 16])
def test_heads_see_back_to_every_distance(heads: int) -> None:
    slopes = head_slopes(heads)
    assert slopes[0] == 4
    assert slopes[-1] == 1 / 16
    assert (np.diff(slopes) < 0).all()


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
