from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.dialogues import split_dialogues
from beam_pipeline.corpus.formats.cue_blocks import Cue
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.speakers import Cast
from beam_pipeline.corpus.turn_marks import DASHES


def said(*texts: str) -> list[tuple[str | None, str]]:
    cues = [
        Cue(at, at * 1000, at * 1000 + 900, tuple(text.split("\n")))
        for at, text in enumerate(texts)
    ]
    found = split_dialogues(cues, Cast("Show", "e", {}), ReadOptions("c"))
    assert "".join("".join(texts).split()) == "".join(
        "".join(one.text_raw for one in found.utterances).split()
    )
    return [(one.speaker.name, one.text) for one in found.utterances]


sentences = st.sampled_from(
    [
        "Yes.",
        "no",
        "90 miles.",
        "...and then",
        "'Cause of it?",
        '"Quiet," she said.',
        "¿Qué?",
        "今日は。",
    ]
)


@given(st.lists(sentences, min_size=2, max_size=4), st.sampled_from(DASHES), st.booleans())
def test_lines_of_a_cue_that_begin_with_dashes_are_a_turn_each(
    lines: list[str], dash: str, spaced: bool
) -> None:
    cue = "\n".join(f"{dash}{' ' if spaced else ''}{line}" for line in lines)
    assert [text for _, text in said(cue)] == lines


@given(st.lists(st.sampled_from(["Yes.", "No!", "Why?"]), min_size=2), st.sampled_from("-‐−–—"))
def test_turns_may_share_a_line(turns: list[str], dash: str) -> None:
    assert [text for _, text in said(" ".join(f"{dash} {turn}" for turn in turns))] == turns


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("Ten-\n-year-old boys.", ["Ten- -year-old boys."]),
        ("It is cold:\n-90 degrees.", ["It is cold: -90 degrees."]),
        ("I said --\n--no, I meant", ["I said -- --no, I meant"]),
        ("He left\n—and so did she.", ["He left —and so did she."]),
        ("Ow - I'm sorry - please stop.", ["Ow - I'm sorry - please stop."]),
        ("Yes.\n-no.", ["Yes.", "no."]),
        ("- - Trust me.", ["Trust me."]),
        ("Are you there? - I am.", ["Are you there?", "I am."]),
    ],
)
def test_a_dash_that_may_join_or_subtract_marks_no_turn(text: str, turns: list[str]) -> None:
    assert [found for _, found in said(text)] == turns


def test_a_dash_with_a_sound_alone_parts_what_follows_from_what_was_said() -> None:
    assert said("- ANN: Give me\n- [door creaks]\nCome in.") == [
        ("ANN", "Give me"),
        (None, "Come in."),
    ]
    assert said("ANN: Stop! - (gasps)", "So.") == [("ANN", "Stop!"), (None, "So.")]


def test_a_label_behind_a_sentence_on_its_line_begins_a_turn() -> None:
    assert said("ANN: No. BO LEE: Yes.") == [("ANN", "No."), ("BO LEE", "Yes.")]
    assert said("I try! (MASTER): Row now.") == [(None, "I try!"), ("MASTER", "Row now.")]
    assert said("MRS. QUILL: No. DR. LEE: Yes.") == [("MRS. QUILL", "No."), ("DR. LEE", "Yes.")]


def test_what_somebody_does_is_no_name_before_a_colon() -> None:
    assert said("ANN: Really? LAUGHS: Yes.", "SIGHS DEEPLY: Well.") == [
        ("ANN", "Really? Yes."),
        (None, "Well."),
    ]
    assert said("(LAUGHING): No.", "- (softly): Come.", ">> (ON TV): So.") == [
        (None, "No."),
        (None, "Come."),
        (None, "So."),
    ]
