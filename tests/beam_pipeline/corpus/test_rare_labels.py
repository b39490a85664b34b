from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.dialogues import split_dialogues
from beam_pipeline.corpus.formats.cue_blocks import Cue
from beam_pipeline.corpus.notices import is_notice
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.speaker_kinds import is_described
from beam_pipeline.corpus.speakers import Cast
from beam_pipeline.records import SpeakerKind, SpeakerSource


def said(*texts: str) -> list[tuple[str | None, str]]:
    lines = [tuple(text.split("\n")) for text in texts]
    cues = [Cue(at, at * 1000, at * 1000 + 900, line) for at, line in enumerate(lines)]
    found = split_dialogues(cues, Cast("Show", "e", {}), ReadOptions("c"))
    return [(one.speaker.name, one.text) for one in found.utterances]


people = st.sampled_from(
    ["Ann Lee", "Bo", "Christina Vale", "Tobias Renner", "Zoë O'Hara", "Dr. Quill"]
)
sentences = st.sampled_from(["Shall we begin?", "Good.", "I am ready\nto go."])


@given(st.lists(st.tuples(people, sentences), min_size=2, max_size=8), st.booleans())
def test_where_every_cue_has_a_label_each_is_a_name(
    turns: list[tuple[str, str]], capitals: bool
) -> None:
    texts = [f"{name}: {text}" for name, text in turns]
    expected: list[tuple[str | None, str]] = [
        (name, " ".join(text.split())) for name, text in turns
    ]
    if capitals:
        texts = [text.upper() for text in texts]
        expected = [(name and name.upper(), text.upper()) for name, text in expected]
    assert said(*texts) == expected


def test_a_label_in_small_letters_of_common_words_is_a_name_where_a_sentence_begins() -> None:
    assert said("both: Sea!", "I came with one\nall: ruin.") == [
        ("both", "Sea!"),
        (None, "I came with one all: ruin."),
    ]


@pytest.mark.parametrize(
    "label", ["BREAKING NEWS", "WARNING", "CHAPTER TWO", "DAY 3", "CAUSE OF DEATH", "NEW YORK"]
)
def test_notices_in_capitals_name_nobody(label: str) -> None:
    news, good = "The ferry was lost at sea tonight.", "We never wanted to take it."
    assert said(f"{label}: {news}", f"ODA: {good}") == [(None, f"{label}: {news}"), ("ODA", good)]


@pytest.mark.parametrize("rest", [" Ten years later.", " 1944.", " Present day."])
def test_what_dates_a_scene_names_nobody(rest: str) -> None:
    assert is_notice("HARBOUR", rest)
    assert not is_notice("ODA", " Ten years ago I left.")


@pytest.mark.parametrize(
    "name",
    ["WOMAN ON TV", "MALE REPORTER", "Police Officer", "TAXI DRIVER", "Man with Hat", "TALL MAN",
     "VOICE ON RADIO", "DOCTOR ON PHONE", "SECURITY GUARD"],
)  # fmt: skip
def test_who_is_described_is_of_one_episode(name: str) -> None:
    assert is_described(name)
    speaker = Cast("Show", "e", {}).identify(name, SpeakerSource.LABEL)
    assert speaker.kind is SpeakerKind.GENERIC


@pytest.mark.parametrize(
    "name", ["Minnie Driver", "Judge Judy", "Doctor Green", "Ann", "Mike Judge"]
)
def test_names_that_hold_a_role_are_names(name: str) -> None:
    assert not is_described(name)


def test_a_last_name_before_a_comma_is_of_one_person() -> None:
    cast = Cast("Show", "e", {})
    for source in (SpeakerSource.LABEL, SpeakerSource.VOICE_TAG):
        assert cast.identify("Renner, Tobias", source).kind is SpeakerKind.NAMED
        assert cast.identify("ASH, MISTY", source).kind is SpeakerKind.SEVERAL
