"""Subtitles, meetings and screenplays in formats of lines: what is kept, dropped and refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from said_in_files import Said, read, said

from beam_pipeline.corpus.reading import FileContent
from beam_pipeline.records import Reason


def refused(content: FileContent) -> list[tuple[str, Reason]]:
    return [(one.position, one.reason) for one in content.rejected]


FAULTY = [
    ("mpl2", "a.sub", "[10][25]/Hi|there.\n[30][20]Kept.\n[x]Kept.\n[4x]Lost.\n[50][]Bye.\n",
     [Said(1000, 2500, None, "Hi there."), Said(3000, 3000, None, "Kept. Kept."),
      Said(5000, 5000, None, "Bye.")],
     [("line 4", Reason.MALFORMED_CUE)]),
    ("tmplayer", "a.txt",
     "00:00:01:Hi|there.\n00:00:02,1=So\n00:00:02,2=what?\n00:00:04:\n00:99:05:Lost.\n00:00:06:Bye.",
     [Said(1000, 2000, None, "Hi there."), Said(2000, 4000, None, "So what?"),
      Said(6000, 6000, None, "Bye.")],
     [("line 5", Reason.MALFORMED_CUE)]),
    ("lrc", "a.lrc",
     "[ti:A]\n[offset:+500]\n[00:01.50][00:09.5]Hi.\n[00:02.5]<00:02.6>So <00:03.0>what?\n"
     "[00:04.50]\n[00:75.00]Lost.\n[00:05.00][x:y]Go.",
     [Said(1000, 2000, None, "Hi."), Said(2000, 4000, None, "So what?"),
      Said(4500, 9000, None, "Go."), Said(9000, 9000, None, "Hi.")],
     [("line 6", Reason.MALFORMED_CUE)]),
    ("spruce_stl", "a.stl",
     "$FontName = Arial\n//remark\n00:00:01:00 , 00:00:02:12 , ^IHi^I|there.\n\n"
     "00:00:03:00,00:00:02:00,Kept.\n00:00:04:00 , Lost.\n00:00:05:05,00:00:06:00,Bye, then.\n",
     [Said(1000, 2480, None, "Hi there."), Said(3000, 3000, None, "Kept."),
      Said(5200, 6000, None, "Bye, then.")],
     [("line 6", Reason.MALFORMED_CUE)]),
    ("whisper_text", "a.txt",
     "Detected language: English\n[00:00.500 --> 00:02.000]  Hi\nthere.\n[soon --> 00:04.000] Lost."
     "\n[00:00:04.000 --> 00:00:05.000]  Bye.\n",
     [Said(500, 2000, None, "Hi there."), Said(4000, 5000, None, "Bye.")],
     [("line 4", Reason.MALFORMED_CUE)]),
    ("whisper_table", "a.tsv",
     'start\tend\ttext\n500\t2000\tHi "there.\nsoon\t4000\tLost.\n9\t9\n9000\t9500\tBye.\n',
     [Said(500, 2000, None, 'Hi "there.'), Said(9000, 9500, None, "Bye.")],
     [("line 3", Reason.MALFORMED_CUE), ("line 4", Reason.MALFORMED_CUE)]),
    ("whisper_table", "a.csv",
     'start,end,speaker,text\n0.5,2.0,Ann,"Hi, \\"you\\"."\n1,2,Bo,"Lost\n9.0,9.5,,Bye.\n',
     [Said(500, 2000, "Ann", 'Hi, "you".'), Said(9000, 9500, None, "Bye.")],
     [("line 3", Reason.MALFORMED_CUE)]),
    ("meeting", "a.txt",
     "Weekly\n\nChristina Vale  0:03  \nShall we begin?\n\nSo?\n\nTom\t1:75\nLost.\n"
     "Tom  1:02:05\nYes.\n\nTranscribed by https://otter.ai\n",
     [Said(3000, 3_725_000, "Christina Vale", "Shall we begin? So?"),
      Said(3_725_000, 3_725_000, "Tom", "Yes.")],
     [("line 8", Reason.MALFORMED_CUE)]),
    ("teams", "a.txt",
     "0:0:0.500 --> 0:0:2.1234567\nChristina Vale\nShall we\nbegin?\n\n0:0:x --> 0:0:4.0\n"
     "Tom\nLost.\n0:1:4.0 --> 0:1:5.0\nTom\nYes.\n",
     [Said(500, 2123, "Christina Vale", "Shall we begin?"), Said(64_000, 65_000, "Tom", "Yes.")],
     [("line 6", Reason.MALFORMED_CUE)]),
]  # fmt: skip


@pytest.mark.parametrize(("format", "path", "text", "spoken", "lost"), FAULTY)
def test_what_cannot_be_read_loses_itself_alone(
    format: str, path: str, text: str, spoken: list[Said], lost: list[tuple[str, Reason]]
) -> None:
    for end in ("\n", "\r\n"):
        content = read(text.replace("\n", end), path)
        assert content.source.format == format
        assert said(content) == spoken
        assert refused(content) == lost


def test_a_time_within_a_line_of_tmplayer_is_said() -> None:
    content = read("00:00:01:So.\n00:00:02:So?\n00:00:03:Meet me\nat 00:00:09: sharp.\n")
    assert said(content)[2].text == "Meet me at 00:00:09: sharp."


def test_what_is_no_speech_in_these_formats_is_dropped_by_its_kind() -> None:
    kinds = {format: read(text, path).source.dropped_kinds for format, path, text, *_ in FAULTY}
    assert {name: dict(found) for name, found in kinds.items() if found} == {
        "tmplayer": {"blank": 1},
        "lrc": {"blank": 1, "metadata": 2},
        "spruce_stl": {"comment": 2},
        "whisper_text": {"metadata": 1},
        "meeting": {"metadata": 1},
    }


@pytest.mark.parametrize(
    "text",
    [
        "[Ann] 16:00:12\nHi.\n\n[Bo Low] 16:00:15\nYes.\n",
        "Ann (0:00):\nHi.\n\nBo Low (0:03):\nYes.\n",
        "Ann [00:00:00]: Hi.\nBo Low [00:00:03]: Yes.\n",
        "Ann   0:00\nHi.\nBo Low   0:03\nYes.\n",
    ],
)
def test_meetings_are_read_however_the_time_is_written(text: str) -> None:
    content = read(text)
    assert content.source.format == "meeting"
    assert said(content) == [Said(0, 3000, "Ann", "Hi."), Said(3000, 3000, "Bo Low", "Yes.")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.txt", "We met at  10:30\nand that was it.\n"),
        ("a.log", "12:30:15: started\n12:30:16: ended\n"),
        ("a.txt", "12:30:15: started\nand so on\nand on\n"),
        ("a.csv", "start,end,text,emotion\n0,1,Hi,joy\n"),
        ("a.txt", "[1] The first\n[2] The second\n"),
    ],
)
def test_no_format_of_lines_takes_what_is_none_of_them(path: str, text: str) -> None:
    assert read(text, path).source.format in ("", "csv")


SCREENPLAY = """Title: The Harbour
Author: Somebody

INT. HARBOUR - DAY

Oda looks out. /* TOM
struck out */

ODA (O.S.)
(quietly)
Shall *we* begin?
The **tide** is [[a note]] in.

@McGee
~La la la
Yes.

CUT TO:

.LATER

TOM ^
Good.

THE END
"""


def test_a_screenplay_gives_its_dialogue_alone() -> None:
    content = read(SCREENPLAY, "a.fountain")
    assert said(content) == [
        Said(None, None, "ODA", "Shall we begin? The tide is in."),
        Said(None, None, "McGee", "Yes."),
        Said(None, None, "TOM", "Good."),
    ]
    dialogues = content.episodes[0].utterances["dialogue_id"].to_pylist()
    assert dialogues == ["d001", "d001", "d002"]
    assert dict(content.source.dropped_kinds) == {"direction": 5, "metadata": 1}


def utterance(at: int, reply_to: int | None, **more: object) -> dict[str, object]:
    return {
        "id": f"u{at}",
        "conversation_id": "s01_e02_c03",
        "text": f"Line {at}.",
        "speaker": "Ann",
        "reply-to": None if reply_to is None else f"u{reply_to}",
        "timestamp": None,
        "meta": {"nested": {"deep": [1]}},
    } | more


def as_lines(rows: Sequence[object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize(
    "rows",
    [
        [utterance(3, 2), utterance(2, 1), utterance(1, None)],
        [utterance(at, None, timestamp=at) for at in (3, 1, 2)],
        [utterance(1, 9), utterance(2, 1), utterance(3, 2)],
    ],
    ids=["backwards", "timed", "cut"],
)
def test_a_conversation_of_convokit_is_in_the_order_in_which_it_was_held(rows: list[Any]) -> None:
    content = read(as_lines(rows), "utterances.jsonl")
    assert content.source.format == "convokit"
    assert [one.text for one in said(content)] == ["Line 1.", "Line 2.", "Line 3."]
    (episode,) = content.episodes
    assert (episode.season, episode.number) == (1, 2)


def test_replies_in_a_circle_are_read_as_they_come() -> None:
    content = read(as_lines([utterance(1, 2), utterance(2, 1), utterance(3, 3)]), "a.jsonl")
    assert len(said(content)) == 3
