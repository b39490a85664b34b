from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.names import canonical
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.speaker_kinds import speaker_kind
from beam_pipeline.corpus.speaker_labels import SpeakerLabel, Vocabulary, split_label
from beam_pipeline.corpus.speakers import (
    NOBODY,
    Cast,
    Speaker,
    episodic_id,
    remembered,
    speaker_id,
)
from beam_pipeline.records import EmonetError, SpeakerKind, SpeakerSource

NONE = Vocabulary()


def cast(*aliases: tuple[str, str, str, str], episode: str = "Show/s01e01") -> Cast:
    return Cast("Show", episode, ReadOptions("c", aliases=aliases).names)


def identify(name: str | None, *aliases: tuple[str, str, str, str]) -> Speaker:
    return cast(*aliases).identify(name, SpeakerSource.COLUMN)


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("MONICA: Hi.", SpeakerLabel("", "MONICA", "Hi.")),
        (">> JOHN: Hi.", SpeakerLabel(">>", "JOHN", "Hi.")),
        (">>> News.", SpeakerLabel(">>", None, "News.")),
        ("- JEFF PROBST: Hi.", SpeakerLabel("-", "JEFF PROBST", "Hi.")),
        ("- Hi there.", SpeakerLabel("-", None, "Hi there.")),
        ("WOMAN:: Joel.", SpeakerLabel("", "WOMAN", "Joel.")),
        ("McGEE:", SpeakerLabel("", "McGEE", "")),
        ("O'BRIEN: Hi.", SpeakerLabel("", "O'BRIEN", "Hi.")),
        ("B.B.: Hi.", SpeakerLabel("", "B.B.", "Hi.")),
        ("JEFF V.: Hi.", SpeakerLabel("", "JEFF V.", "Hi.")),
        ("ÉLOÏSE : Oui.", SpeakerLabel("", "ÉLOÏSE", "Oui.")),
        ("MEDIC #2: Hi.", SpeakerLabel("", "MEDIC #2", "Hi.")),
        ("- (Probst) Come in.", SpeakerLabel("-", "Probst", "Come in.")),
        ("ANN/BO: Hi.", SpeakerLabel("", "ANN/BO", "Hi.")),
        ("S1: Hi.", SpeakerLabel("", "S1", "Hi.")),
        ("SPEAKER_04 - Hi.", SpeakerLabel("", "SPEAKER_04", "Hi.")),
        ("SPEAKER_04 Hi.", SpeakerLabel("", "SPEAKER_04", "Hi.")),
        ("[inaudible 00:01:02] Hi.", SpeakerLabel("", None, "Hi.")),
        ("TO: Oda", SpeakerLabel("", None, "TO: Oda")),
    ],
)
def test_marks_and_labels_are_taken_off_a_line(line: str, label: SpeakerLabel) -> None:
    assert split_label(line, NONE) == label


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
        ": alone",
        "",
    ],
)
def test_what_only_resembles_a_label_is_speech(line: str) -> None:
    assert split_label(line, NONE) == SpeakerLabel("", None, line)


@pytest.mark.parametrize("slip", [">> COLBY Big bucks.", ">> COLBY; Big bucks."])
def test_a_name_that_a_file_uses_is_a_label_where_its_colon_slipped(slip: str) -> None:
    known = Vocabulary(frozenset({canonical("COLBY")}))
    assert split_label(slip, known) == SpeakerLabel(">>", "COLBY", "Big bucks.")
    assert split_label(slip, NONE).name is None
    assert split_label(slip.removeprefix(">> "), known).name is None


@pytest.mark.parametrize("sound", ["Laughs", "Cheering", "Applause", "door slams", "JOHN"])
def test_a_sound_in_parentheses_is_no_name(sound: str) -> None:
    assert split_label(f"- ({sound}) Hi.", NONE).name is None


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
        ("ASH, MISTY", SpeakerKind.SEVERAL),
        ("MAN", SpeakerKind.UNKNOWN),
        ("an unknown name?", SpeakerKind.NAMED),
        ("???", SpeakerKind.UNKNOWN),
        ("Default", SpeakerKind.UNKNOWN),
        ("Woman 2", SpeakerKind.GENERIC),
        ("Nurse #2", SpeakerKind.GENERIC),
        ("NARRATOR", SpeakerKind.GENERIC),
        ("The Old Doctor", SpeakerKind.GENERIC),
        ("Doctor Green", SpeakerKind.NAMED),
        ("CROWD", SpeakerKind.GROUP),
        ("GUARDS", SpeakerKind.GROUP),
        ("ANN/BO", SpeakerKind.SEVERAL),
        ("Correct answer was C", SpeakerKind.NAMED),
        ("ALLE", SpeakerKind.SEVERAL),
        ("FRAU", SpeakerKind.UNKNOWN),
        ("SPRECHERIN", SpeakerKind.GENERIC),
        ("young women", SpeakerKind.GROUP),
        ("SPEAKER_00", SpeakerKind.DIARISED),
        ("Speaker 3", SpeakerKind.DIARISED),
        ("Sign", SpeakerKind.NO_SPEECH),
        ("TITLE 2", SpeakerKind.NO_SPEECH),
    ],
)
def test_names_stand_for_one_for_several_or_for_anybody(name: str, kind: SpeakerKind) -> None:
    speaker = identify(name)
    assert speaker_kind(name) is speaker.kind is kind
    assert speaker.name == name
    with_id = (SpeakerKind.NAMED, SpeakerKind.GENERIC, SpeakerKind.DIARISED)
    assert (speaker.id is not None) == (kind in with_id)


def test_generic_and_diarised_speakers_are_one_within_an_episode_alone() -> None:
    for name in ("Man 1", "SPEAKER_00"):
        here, there = cast(), cast(episode="Show/s01e02")
        one = here.identify(name, SpeakerSource.LABEL).id
        assert one == here.identify(name.upper(), SpeakerSource.COLUMN).id
        assert one != there.identify(name, SpeakerSource.LABEL).id
        assert one == episodic_id("Show", "Show/s01e01", name) != speaker_id("Show", name)


def test_only_named_speakers_are_remembered() -> None:
    kinds = ["named", "generic", "diarised", "unknown"]
    assert remembered(["a", "b", "c", None], kinds) == ["a", None, None, None]


def test_a_missing_name_is_nobody() -> None:
    assert identify(None) == NOBODY
    assert identify("  ") == NOBODY
    assert cast().identify_together([], SpeakerSource.COLUMN) == NOBODY


def test_several_names_are_joined_and_have_no_id() -> None:
    speaker = cast().identify_together(["Ann", "Bo  Lee"], SpeakerSource.COLUMN)
    assert (speaker.id, speaker.name, speaker.kind) == (None, "Ann, Bo Lee", SpeakerKind.SEVERAL)
    one = cast().identify_together(["Ann"], SpeakerSource.COLUMN)
    assert one.id == speaker_id("Show", "ann")


def test_an_alias_gives_a_name_the_id_of_another_and_stays_as_written() -> None:
    prost = identify("PROST", ("show", "", "Prost", "Probst"))
    assert (prost.id, prost.name) == (speaker_id("Show", "Probst"), "PROST")
    assert identify("PROST", ("Other", "", "Prost", "Probst")).id == speaker_id("Show", "Prost")


def test_an_alias_may_hold_for_one_episode_and_goes_before_the_others() -> None:
    aliases = (("Show", "", "SPEAKER_00", "Bo"), ("Show", "Show/s01e01", "SPEAKER_00", "Ann"))
    assert identify("speaker_00", *aliases).id == speaker_id("Show", "Ann")
    elsewhere = cast(*aliases, episode="Show/s01e02")
    assert elsewhere.identify("SPEAKER_00", SpeakerSource.COLUMN).id == speaker_id("Show", "Bo")


def test_an_alias_of_two_speakers_is_an_error() -> None:
    with pytest.raises(EmonetError, match="two speakers"):
        cast(("Show", "", "JEFF", "Jeff P."), ("show", "", "Jeff", "Jeff V."))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("JEFF V", "Jeff V."),
        ("B.B.", "BB"),
        ("Doctor Green", "DR. GREEN"),
        ("Dr.Green", "Dr Green"),
        ("MONICA [OC]", "Monica"),
        ("Ross (on the phone)", "ROSS"),
        ("O’Brien", "O'BRIEN"),
        ("Frank Buffay, Jr.", "frank buffay, jr"),
    ],
)
def test_one_name_in_several_forms_is_one(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Mr. Geller", "Mrs. Geller"), ("Jeff", "Jeff V."), ("Elisabeth", "Elisabaeth"),
     ("Doctor", "Dr")],
)  # fmt: skip
def test_names_that_are_only_alike_stay_two(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


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
    label = split_label(line, NONE)
    assert len(label.rest) <= len(line)
    assert len(speaker_id(line, name)) == 16
    assert speaker_id(line, name) == speaker_id(line, f" {name} ")
