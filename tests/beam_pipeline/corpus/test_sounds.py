from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.dialogues import Dialogues, split_dialogues
from beam_pipeline.corpus.formats.cue_blocks import Cue
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.speakers import Cast


def read(*texts: str) -> Dialogues:
    cues = [
        Cue(at, at * 1000, at * 1000 + 900, tuple(text.split("\n")))
        for at, text in enumerate(texts)
    ]
    return split_dialogues(cues, Cast("Show", "e", {}), ReadOptions("c"))


def said(*texts: str) -> list[tuple[str | None, str]]:
    return [(one.speaker.name, one.text) for one in read(*texts).utterances]


@pytest.mark.parametrize(
    "text",
    [
        "¶ The river runs slow ¶",
        "# The river runs slow",
        "# The river\nruns slow #",
        "* The river runs slow *",
        "<i>The river runs slow</i> ♪",
        "*door creaks*",
        "*Door creaks*",
        "{door creaks}",
        "（ドアの音）",
        "【音乐】",
        "♬～",
        "♪♪ The river runs slow",
        "~ The river runs slow ~",
        "Laughter",
        "[[door creaks]]",
        "[inaudible 00:01:02]",
        "- [Inaudible]",
    ],
)
def test_what_is_sung_or_heard_is_not_said(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("*sighs* fine, then.", "fine, then."),
        ("*door creaks* Who is there?", "Who is there?"),
        ("I don't know *sighs*", "I don't know"),
        ("I *did* say so.", "I did say so."),
        ("*You* did this.", "You did this."),
        ("That is *mine*.", "That is mine."),
        ("What the f***, 2 * 3 * 4?", "What the f***, 2 * 3 * 4?"),
        ("We are #1 and #2.", "We are #1 and #2."),
        ("{laughs} Yes.", "Yes."),
    ],
)
def test_asterisks_and_braces_hold_sounds_or_emphasis(text: str, spoken: str) -> None:
    assert said(text) == [(None, spoken)]


lyrics = st.lists(st.sampled_from(["the fishes they know,", "and so", "oh yes"]), max_size=6)


@given(lyrics, st.sampled_from(["♪", "♫", "¶", "#"]))
def test_a_song_that_goes_over_several_cues_is_sung_whole(between: list[str], note: str) -> None:
    found = read("Good.", f"{note} The river runs", *between, f"and nobody goes {note}", "Yes.")
    assert [one.text for one in found.utterances] == ["Good.", "Yes."]
    assert found.silent == (("song", len(between) + 2),)


@pytest.mark.parametrize("between", [["He sings well."], ["- Stop"], [">> Stop"], ["so"] * 9])
def test_what_is_said_between_two_songs_is_said(between: list[str]) -> None:
    words = " ".join(text for _, text in said("♪ The river runs", *between, "goes ♪"))
    assert words == " ".join(between).lstrip("->").strip()


def test_names_in_wide_brackets_speak() -> None:
    assert said("（小田）おはよう。", "（小田）元気？", "（笑い声）はい。", "（笑い声）はい。") == [
        ("小田", "おはよう。"),
        ("小田", "元気？"),
        (None, "はい。"),
        (None, "はい。"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Subtitles by Oda Vale",
        "Sync & corrections by Brannoch\nwww.subharbour.example",
        "Resync: Tom",
        "Encoded by -- Oda",
        "Translation: Oda Vale",
        "Captioned by\nMedia Access\naccess.harbour.org",
        "-= www.addic7ed.com =-",
        "Advertise your product or brand here\ncontact www.OpenSubtitles.org today",
        "Support us and become VIP member \nto remove all ads from www.OpenSubtitles.org",
        "Untertitel: Oda",
        "Sous-titrage : Oda Vale",
        "Subtítulos por Oda",
        "Traducción: Oda",
        "字幕：小田",
        "Субтитры: Ода",
        "Directed by Oda Vale",
        "© 2004 Harbour Films",
        "Subtitles by the Amara.org community",
        "Created and encoded by -- Oda",
        "Provided by explosive\nhttps://harbour.example/oda",
        "Copyright (C) 2019 Harbour Films",
    ],
)
def test_credits_and_advertisements_are_not_said(text: str) -> None:
    found = read(f"<i>{text}</i>", "Yes.")
    assert [one.text for one in found.utterances] == ["Yes."]
    assert found.silent == (("credit", 1),)


@pytest.mark.parametrize(
    "text",
    [
        "Translation: he is late.",
        "Correction: she's here.",
        "Timing: everything.",
        "Captions are by far the best.",
        "It was directed by nobody I know.",
        "Look it up at Harbour.com.",
        "Win at Harbour.com or lose.",
        "Story by the sea.",
        "He was corrected by Tom.",
        "It is provided by the state.",
    ],
)
def test_what_is_said_of_such_work_is_said(text: str) -> None:
    assert [one.text for one in read(text).utterances] == [text]


def test_the_names_that_a_credit_wants_may_come_in_the_next_cue() -> None:
    found = read("Yes.", "Subtitles by", "Oda Vale & Tom", "No.", "Corrected by", "nobody I know")
    assert [one.text for one in found.utterances] == ["Yes.", "No.", "nobody I know"]
    assert found.silent == (("credit", 3),)


@pytest.mark.parametrize("text", ["STOP LAUGHING!", "NO!", "GET IN THE CAR!", "WHO SINGS?"])
def test_what_is_shouted_is_said(text: str) -> None:
    assert ("Yes.", text) == tuple(one.text for one in read("Yes.", text, "So.").utterances)[:2]


@pytest.mark.parametrize("text", ["HE LAUGHS", "APPLAUSE", "PHONE RINGING"])
def test_what_is_heard_is_in_capitals_where_speech_is_not(text: str) -> None:
    assert said("I am here, Tom.", text, "Good.") == [(None, "I am here, Tom."), (None, "Good.")]
    assert len(said("I AM HERE, TOM.", text, "GOOD.")) == 2, "in a file in capitals it may be said"


def test_a_description_leaves_no_space_before_the_full_stop() -> None:
    assert said("Yes (laughs). No, Tom [sighs], no.") == [(None, "Yes. No, Tom, no.")]
