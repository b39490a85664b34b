from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.speakers import (
    NOBODY,
    Opening,
    identify,
    identify_together,
    speaker_id,
    speaker_kind,
    split_label,
)
from beam_pipeline.records import SpeakerKind, SpeakerSource


@pytest.mark.parametrize(
    ("line", "opening"),
    [
        ("MONICA: Hi.", Opening("", "MONICA", "Hi.")),
        (">> JOHN: Hi.", Opening(">>", "JOHN", "Hi.")),
        (">>> News.", Opening(">>", None, "News.")),
        ("- JEFF PROBST: Hi.", Opening("-", "JEFF PROBST", "Hi.")),
        ("-Hi there.", Opening("-", None, "Hi there.")),
        ("McGEE:", Opening("", "McGEE", "")),
        ("O'BRIEN: Hi.", Opening("", "O'BRIEN", "Hi.")),
        ("B.B.: Hi.", Opening("", "B.B.", "Hi.")),
        ("JEFF V.: Hi.", Opening("", "JEFF V.", "Hi.")),
        ("ÉLOÏSE : Oui.", Opening("", "ÉLOÏSE", "Oui.")),
        ("MEDIC #2: Hi.", Opening("", "MEDIC #2", "Hi.")),
        ("- (Probst) Come in.", Opening("-", "Probst", "Come in.")),
    ],
)
def test_marks_and_labels_are_taken_off_a_line(line: str, opening: Opening) -> None:
    assert split_label(line) == opening


@pytest.mark.parametrize(
    "line",
    [
        "a hot new look:",
        "Remember this: never again.",
        "yesterday at 3:30 it rained",
        "10:30",
        "D: none of them.",
        "MAKE THIS THE VERY LAST TIME: now",
        "http://example.org",
        "-5 degrees",
        "--and then",
        "(Probst) without a mark",
        ": alone",
        "",
    ],
)
def test_what_only_resembles_a_label_is_speech(line: str) -> None:
    assert split_label(line) == Opening("", None, line)


@pytest.mark.parametrize("sound", ["Laughs", "Cheering", "Applause", "door slams", "JOHN"])
def test_a_sound_in_parentheses_is_no_name(sound: str) -> None:
    assert split_label(f"- ({sound}) Hi.").name is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Monica Geller", SpeakerKind.NAMED),
        ("Frank Buffay, Jr.", SpeakerKind.NAMED),
        ("ALL", SpeakerKind.SEVERAL),
        ("#ALL#", SpeakerKind.SEVERAL),
        ("Both", SpeakerKind.SEVERAL),
        ("Ross and Rachel", SpeakerKind.SEVERAL),
        ("JERRI & TINA", SpeakerKind.SEVERAL),
        ("MAN", SpeakerKind.UNKNOWN),
        ("Woman 2", SpeakerKind.UNKNOWN),
        ("Nurse #2", SpeakerKind.UNKNOWN),
        ("NARRATOR", SpeakerKind.UNKNOWN),
    ],
)
def test_names_stand_for_one_for_several_or_for_anybody(name: str, kind: SpeakerKind) -> None:
    speaker = identify("Show", name, SpeakerSource.COLUMN)
    assert speaker_kind(name) is speaker.kind is kind
    assert speaker.name == name
    assert (speaker.id is not None) == (kind is SpeakerKind.NAMED)


def test_a_missing_name_is_nobody() -> None:
    assert identify("Show", None, SpeakerSource.LABEL) == NOBODY
    assert identify("Show", "  ", SpeakerSource.LABEL) == NOBODY
    assert identify_together("Show", [], SpeakerSource.COLUMN) == NOBODY


def test_several_names_are_joined_and_have_no_id() -> None:
    speaker = identify_together("Show", ["Ann", "Bo  Lee"], SpeakerSource.COLUMN)
    assert (speaker.id, speaker.name, speaker.kind) == (None, "Ann, Bo Lee", SpeakerKind.SEVERAL)
    assert identify_together("Show", ["Ann"], SpeakerSource.COLUMN).id == speaker_id("Show", "ann")


def test_ids_never_change_from_release_to_release() -> None:
    assert speaker_id("Friends", "Monica Geller") == "bbc1e8f968398bb9"


def test_case_width_and_space_make_no_other_speaker() -> None:
    assert speaker_id("friends", "MONICA\u00a0 geller ") == speaker_id("Friends", "Monica Geller")
    assert speaker_id("Friends", "Ｍonica Geller") == speaker_id("Friends", "Monica Geller")


def test_shows_keep_their_speakers_apart() -> None:
    assert speaker_id("A", "Monica") != speaker_id("B", "Monica")
    assert speaker_id("A B", "C") != speaker_id("A", "B C")


@given(st.text(), st.text())
def test_any_line_splits_and_any_name_has_an_id(line: str, name: str) -> None:
    opening = split_label(line)
    assert len(opening.rest) <= len(line)
    assert len(speaker_id(line, name)) == 16
    assert speaker_id(line, name) == speaker_id(line, f" {name} ")
