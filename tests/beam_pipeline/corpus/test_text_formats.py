"""Subtitles, meetings and screenplays in formats of lines: what is kept, dropped and refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, read_bytes
from beam_pipeline.records import Reason


class Said(NamedTuple):
    start_ms: Any
    end_ms: Any
    name: str | None
    text: str


def read(text: str, path: str = "a.txt") -> FileContent:
    content = read_bytes(path, text.encode(), ReadOptions("c"))
    source = content.source
    assert source.found == source.used + source.dropped + source.rejected
    return content


def said(content: FileContent) -> list[Said]:
    (episode,) = content.episodes
    table = episode.utterances.to_pydict()
    columns = (table[name] for name in ("start_ms", "end_ms", "speaker_name", "text"))
    return [Said(*row) for row in zip(*columns, strict=True)]


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


def clock(ms: int, fraction: str = ".", digits: int = 3) -> str:
    seconds, ms = divmod(ms, 1000)
    rest = f"{ms:03d}"[:digits]
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}{rest}"


def as_mpl2(episode: Sequence[Said]) -> str:
    return "".join(f"[{one.start_ms // 100}][{one.end_ms // 100}]{one.text}\n" for one in episode)


def as_tmplayer(episode: Sequence[Said]) -> str:
    return "".join(f"{clock(one.start_ms, ':', 0)}{one.text}\n" for one in episode)


def as_lrc(episode: Sequence[Said]) -> str:
    return "".join(
        f"[{one.start_ms // 60_000:02d}:{one.start_ms // 1000 % 60:02d}.{one.start_ms % 1000:03d}]"
        f"{one.text}\n"
        for one in episode
    )


def as_whisper_text(episode: Sequence[Said]) -> str:
    lines = (f"[{clock(one.start_ms)} --> {clock(one.end_ms)}]  {one.text}\n" for one in episode)
    return "".join(lines)


def as_whisper_tsv(episode: Sequence[Said]) -> str:
    rows = (f"{one.start_ms}\t{one.end_ms}\t{one.text}\n" for one in episode)
    return "start\tend\ttext\n" + "".join(rows)


def as_spruce_stl(episode: Sequence[Said]) -> str:
    def time(ms: int) -> str:
        return clock(ms, ":", 0) + f"{ms % 1000 // 40:02d}"

    rows = (f"{time(one.start_ms)} , {time(one.end_ms)} , {one.text}\n" for one in episode)
    return "$Bold = FALSE\n" + "".join(rows)


WORDS = ["well", "so", "they're", "co-op", "naïve", "мир", "今日は", "3", "it's", "😀", "a, b"]
sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(
    lambda words: f"I {' '.join(words)} go."
)
gaps = st.tuples(st.integers(1, 200), st.integers(1, 90))


@st.composite
def episodes(draw: st.DrawFn) -> list[Said]:
    """Utterances at whole seconds, which all of these formats can write; not at the very start."""
    episode: list[Said] = []
    now = 0
    for gap, length in draw(st.lists(gaps, min_size=2, max_size=9)):
        times = (now + gap) * 1000, (now + gap + length) * 1000
        episode.append(Said(*times, None, draw(sentences)))
        now += gap + length
    return episode


@pytest.mark.parametrize(
    ("render", "path", "ends"),
    [
        (as_mpl2, "a.sub", True),
        (as_tmplayer, "a.txt", False),
        (as_lrc, "a.lrc", False),
        (as_whisper_text, "a.txt", True),
        (as_whisper_tsv, "a.tsv", True),
        (as_spruce_stl, "a.stl", True),
    ],
)
@given(episode=episodes())
def test_what_is_written_and_read_again_is_the_same(
    render: Callable[[Sequence[Said]], str], path: str, ends: bool, episode: list[Said]
) -> None:
    content = read(render(episode), path)
    assert content.rejected == ()
    starts = [one.start_ms for one in episode]
    shown = [*starts[1:], starts[-1]]
    expected = [
        one if ends else one._replace(end_ms=until)
        for one, until in zip(episode, shown, strict=True)
    ]
    assert said(content) == expected


@pytest.mark.parametrize(("format", "path"), [("mpl2", "a.sub"), ("tmp", "a.txt")])
@given(episode=episodes())
def test_pysubs2_reads_the_same_from_what_it_wrote(
    format: str, path: str, episode: list[Said]
) -> None:
    events = [
        pysubs2.SSAEvent(start=one.start_ms, end=one.end_ms, text=one.text) for one in episode
    ]
    file = pysubs2.SSAFile()
    file.events = events
    text = file.to_string(format)
    theirs = pysubs2.SSAFile.from_string(text, format_=format)
    ours = said(read(text, path))
    assert [(one.start_ms, one.text) for one in ours] == [(one.start, one.text) for one in theirs]
