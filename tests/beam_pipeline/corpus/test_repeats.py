from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.formats.cue_blocks import Cue
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import read_bytes
from beam_pipeline.corpus.repeats import without_repeats


def shown(*cues: tuple[int, int, str]) -> list[Cue]:
    return [
        Cue(at, start, end, tuple(text.split("\n"))) for at, (start, end, text) in enumerate(cues)
    ]


def in_a_row(*texts: str, pause: int = 0) -> list[Cue]:
    return shown(*((at * 1000, at * 1000 + 1000 - pause, text) for at, text in enumerate(texts)))


def lines(cues: list[Cue]) -> list[str]:
    kept, dropped = without_repeats(cues)
    assert len(kept) + dropped == len(cues)
    return [line for cue in kept for line in cue.lines]


spoken = st.lists(st.sampled_from(["so we go", "no", "no no", "yes, we", "and so"]), min_size=1)
said = st.lists(spoken.map(" ".join), min_size=3, max_size=12, unique=True)


@given(said, st.integers(2, 4), st.sampled_from([0, 100, 600]))
def test_lines_that_roll_up_are_read_as_they_were(said: list[str], rows: int, pause: int) -> None:
    windows = ["\n".join(said[max(at - rows + 1, 0) : at + 1]) for at in range(len(said))]
    assert lines(in_a_row(*windows, pause=pause)) == said


@given(st.lists(spoken.map(" ".join), max_size=12).map(lambda said: ["we go", *said]))
def test_captions_of_youtube_are_read_as_they_were(said: list[str]) -> None:
    """Each line is shown as it is spoken, below the one before, then for 10 ms alone."""
    cues: list[tuple[int, int, str]] = []
    for at, line in enumerate(said):
        first, *others = line.split()
        timed = first + "".join(f"<00:00:{at:02d}.500><c> {word}</c>" for word in others)
        above = said[at - 1] if at else " "
        cues.append((at * 1000, at * 1000 + 990, f"{above}\n{timed}"))
        cues.append((at * 1000 + 990, at * 1000 + 1000, f"{line}\n "))
    kept, dropped = without_repeats(shown(*cues))
    assert dropped == len(said)
    found = [re.sub(r"<[^>]*>", "", line) for cue in kept for line in cue.lines]
    assert [line for line in found if line.strip()] == said


@given(st.lists(st.sampled_from(["so we go", "no", "No!", "yes, we"]), min_size=1, max_size=12))
def test_what_comes_again_is_said_again(said: list[str]) -> None:
    assert lines(in_a_row(*said)) == said


@pytest.mark.parametrize(
    "texts",
    [
        ["Go!\nGo!", "Go!\nGo!", "Go!\nGo!", "Go!\nGo!", "Go!\nGo!"],
        ["First vote...\nDebb.", "Debb.\nJeff.", "I see.", "So.", "No.", "Yes.", "Why?", "Oh."],
        ["No.", "No.\nI said no.", "Yes."],
        ["No.", "No.", "No."],
    ],
)
def test_few_repeats_or_a_chant_are_no_captions_that_roll_up(texts: list[str]) -> None:
    assert lines(in_a_row(*texts)) == [line for text in texts for line in text.split("\n")]


def test_a_line_that_is_written_bit_by_bit_is_said_once_from_its_first_word_on() -> None:
    cues = in_a_row(
        "THE", "THE FER", "THE FERRY", "THE FERRY\nIS", "THE FERRY\nIS LATE.", pause=100
    )
    kept, dropped = without_repeats(cues)
    assert [(cue.start_ms, cue.end_ms, cue.lines) for cue in kept] == [
        (0, 2900, ("THE FERRY",)),
        (3000, 4900, ("IS LATE.",)),
    ]
    assert dropped == 3


def test_a_line_whose_words_are_highlighted_in_turn_is_said_once() -> None:
    cues = in_a_row("<u>The</u> ferry", "The <u>ferry</u>", "<u>Is</u> late", "Is <u>late</u>")
    kept, dropped = without_repeats(cues)
    assert [(cue.start_ms, cue.end_ms) for cue in kept] == [(0, 2000), (2000, 4000)]
    assert dropped == 2


def test_lines_that_are_joined_roll_up_by_words() -> None:
    rolling = in_a_row(
        "we mend", "we mend the nets", "the nets before the tide", "before the tide ebbs"
    )
    assert lines(rolling) == ["we mend", "the nets", "before the tide", "ebbs"]
    assert lines(in_a_row("Oh no.", "no. I won't", "we will", "we did")) == [
        "Oh no.", "no. I won't", "we will", "we did",
    ]  # fmt: skip


def test_a_run_that_rolls_up_among_cues_that_do_not_is_found() -> None:
    ads = [f"Buy number {at}." for at in range(20)]
    assert lines(in_a_row(*ads, "a", "a\nb", "b\nc", "c\nd")) == [*ads, "a", "b", "c", "d"]


def test_what_a_converter_cut_as_it_was_on_for_long_is_said_once() -> None:
    held = shown(
        (0, 9_970, "I won.\n>> BO: How?"),
        (10_053, 60_000, "I won.\n>> BO: How?"),
        (61_000, 70_970, "So."),
        (71_053, 71_500, "So."),
    )
    kept, dropped = without_repeats(held)
    assert [(cue.start_ms, cue.end_ms, cue.lines) for cue in kept] == [
        (0, 60_000, ("I won.", ">> BO: How?")),
        (61_000, 71_500, ("So.",)),
    ]
    assert dropped == 2
    assert without_repeats(held[:2]) == (tuple(held[:2]), 0)


@pytest.mark.parametrize(
    "twice",
    [
        shown(*((at, at + 917, "Come on!\nGo!") for at in range(0, 4_000, 1_000))),
        shown(*((at, at + 9_800, "Come on!\nGo!") for at in range(0, 40_000, 10_000))),
    ],
)
def test_what_is_shown_as_long_as_it_is_said_is_said_twice(twice: list[Cue]) -> None:
    assert lines(twice) == ["Come on!", "Go!"] * 4


def test_what_is_shown_twice_at_the_same_time_is_said_once() -> None:
    twice = shown(
        (0, 1000, "Yes."), (0, 1000, "<b>Yes.</b>"), (200, 900, "Yes."), (950, 2000, "Yes.")
    )
    assert lines(twice) == ["Yes.", "Yes."]


def test_two_who_say_the_same_at_the_same_time_are_two() -> None:
    both = [Cue(0, 0, 1000, ("Yes.",), "Ann"), Cue(1, 0, 1000, ("Yes.",), "Bo")]
    assert lines(both) == ["Yes.", "Yes."]
    assert lines(shown((0, 1000, "<v Ann>Yes."), (0, 1000, "<v Bo>Yes."))) == [
        "<v Ann>Yes.", "<v Bo>Yes.",
    ]  # fmt: skip


def test_repeats_are_dropped_under_a_name_of_their_own() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nGood.\n\n"
    source = read_bytes("a.srt", (text * 3).encode(), ReadOptions("c")).source
    assert (source.found, source.used, source.dropped_kinds) == (3, 1, (("repeated", 2),))
