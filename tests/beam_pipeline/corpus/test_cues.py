from __future__ import annotations

import pytest

from beam_pipeline.corpus.formats.cue_blocks import Cue, lines_of
from beam_pipeline.corpus.formats.srt import read_srt
from beam_pipeline.corpus.formats.webvtt import read_webvtt
from beam_pipeline.corpus.repeats import without_repeats
from beam_pipeline.records import Reason

SRT = """1
00:00:01,000 --> 00:00:02,500
Good evening.

2
00:00:03,000 --> 00:00:04,000
Sit down,
please.
"""


def texts(cues: tuple[Cue, ...]) -> list[tuple[str, ...]]:
    return [cue.lines for cue in cues]


def test_an_srt_cue_has_its_line_its_times_and_its_lines() -> None:
    parsed = read_srt(SRT)
    assert parsed.refused == ()
    assert parsed.cues == (
        Cue(2, 1000, 2500, ("Good evening.",)),
        Cue(6, 3000, 4000, ("Sit down,", "please.")),
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_do_not_matter(end: str) -> None:
    assert read_srt(SRT.replace("\n", end)) == read_srt(SRT)


def test_line_separators_within_a_line_end_no_line() -> None:
    assert list(lines_of("a\u2028b\x0bc\x1cd\ne")) == ["a\u2028b\x0bc\x1cd", "e"]


def test_counters_and_empty_lines_between_cues_may_be_missing() -> None:
    without_counters = "00:00:01,0 --> 00:00:02,0\nA\n\n00:00:02,0 --> 00:00:03,0\nB\n"
    without_gaps = "1\n00:00:01,0 --> 00:00:02,0\nA\n2\n00:00:02,0 --> 00:00:03,0\nB\n"
    assert texts(read_srt(without_counters).cues) == [("A",), ("B",)]
    assert texts(read_srt(without_gaps).cues) == [("A",), ("B",)]


def test_a_number_that_is_said_is_no_counter() -> None:
    parsed = read_srt("1\n00:00:01,0 --> 00:00:02,0\n42\n\n2\n00:00:02,0 --> 00:00:03,0\nB\n")
    assert texts(parsed.cues) == [("42",), ("B",)]


def test_an_empty_line_within_an_srt_cue_loses_no_text() -> None:
    parsed = read_srt("1\n00:00:01,0 --> 00:00:02,0\nA\n\nB\n\n2\n00:00:02,0 --> 00:00:03,0\nC\n")
    assert texts(parsed.cues) == [("A", "B"), ("C",)]


@pytest.mark.parametrize(
    ("timing", "start_ms", "end_ms"),
    [
        ("00:00:01,500 --> 00:00:02,000", 1500, 2000),
        ("00:00:01.500 --> 00:00:02.000 X1:40 X2:600 Y1:20 Y2:50", 1500, 2000),
        ("01:02:03,004-->01:02:04,000", 3_723_004, 3_724_000),
        ("00:01.500 --> 00:02.000 align:start position:10%", 1500, 2000),
        ("\t00:00:01,5  -->\t00:00:02", 1500, 2000),
    ],
)
def test_timings_are_read_in_all_their_forms(timing: str, start_ms: int, end_ms: int) -> None:
    (cue,) = read_srt(f"{timing}\nHello.").cues
    assert (cue.start_ms, cue.end_ms) == (start_ms, end_ms)


@pytest.mark.parametrize(
    ("timing", "reason"),
    [
        ("00:00:01,000 --> 00:00:0x,000", Reason.MALFORMED_CUE),
        ("00:00:01,000 --> 00:00:02,000line:4", Reason.MALFORMED_CUE),
        ("00:00:01,000 ---> 00:00:02,000", Reason.MALFORMED_CUE),
        ("00:61:01,000 --> 00:62:02,000", Reason.MALFORMED_CUE),
        ("-->", Reason.MALFORMED_CUE),
        ("00:00:03,000 --> 00:00:02,000", Reason.END_BEFORE_START),
    ],
)
def test_a_bad_timing_loses_its_cue_alone(timing: str, reason: Reason) -> None:
    parsed = read_srt(f"1\n{timing}\nLost.\n\n2\n00:00:05,000 --> 00:00:06,000\nKept.\n")
    assert texts(parsed.cues) == [("Kept.",)]
    assert [(refusal.position, refusal.reason) for refusal in parsed.refused] == [
        ("line 2", reason)
    ]
    assert "Lost" not in parsed.refused[0].detail


def test_a_cue_with_too_much_text_is_refused_whole() -> None:
    parsed = read_srt(f"00:01,0 --> 00:02,0\n{'word ' * 3000}\n\n2\n00:02,0 --> 00:03,0\nKept.\n")
    assert texts(parsed.cues) == [("Kept.",)]
    assert parsed.refused[0].reason is Reason.TEXT_TOO_LONG


def test_notes_styles_and_regions_of_webvtt_are_no_cues() -> None:
    parsed = read_webvtt(
        "WEBVTT - a title\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:a\n\n"
        "NOTE written\nby hand\n\nintro\n00:01.000 --> 00:02.000 line:0\nHello.\n\n"
        "NOTE between\n\n00:03.000 --> 00:04.000\nBye.\n"
    )
    assert texts(parsed.cues) == [("Hello.",), ("Bye.",)]
    assert parsed.refused == ()


def test_every_line_with_an_arrow_is_one_cue_wherever_it_stands() -> None:
    parsed = read_webvtt("WEBVTT\nRegion: id=a-->\n\n-->\n00:01.000 --> 00:02.000\n-->\nx")
    assert len(parsed.cues) == 1
    assert [refusal.position for refusal in parsed.refused] == ["line 2", "line 4", "line 6"]


def segment(starts: int, *cues: tuple[int, int, str]) -> str:
    head = f"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:{900_000 + starts * 90_000}\n\n"
    return head + "".join(f"00:0{a}.000 --> 00:0{b}.000\n{text}\n\n" for a, b, text in cues)


def test_segments_of_a_stream_count_from_when_their_headers_say() -> None:
    parsed = read_webvtt(segment(0, (1, 6, "One")) + segment(6, (0, 2, "Two"), (2, 3, "Three")))
    times = [(cue.start_ms, cue.end_ms, cue.lines) for cue in parsed.cues]
    assert times == [(1000, 6000, ("One",)), (6000, 8000, ("Two",)), (8000, 9000, ("Three",))]


def test_the_clock_of_a_stream_may_begin_anew_or_go_back() -> None:
    full = 2**33 // 90_000
    anew = read_webvtt(segment(full - 20, (1, 2, "One")) + segment(-8, (1, 2, "Two")))
    assert [round(cue.start_ms, -2) for cue in anew.cues] == [1000, 13_700]
    back = read_webvtt(segment(8, (1, 2, "One")) + segment(2, (3, 4, "Two")))
    assert [cue.start_ms for cue in back.cues] == [1000, 3000]


def test_a_cue_that_is_cut_between_segments_is_said_once() -> None:
    text = segment(0, (1, 6, "Come")) + segment(6, (0, 2, "Come"), (2, 3, "in."), (4, 5, "in."))
    cues, repeated = without_repeats(read_webvtt(text).cues)
    assert [(cue.start_ms, cue.end_ms, *cue.lines) for cue in cues] == [
        (1000, 8000, "Come"),
        (8000, 9000, "in."),
        (10_000, 11_000, "in."),
    ]
    assert repeated == 1


def test_the_header_of_the_next_segment_is_not_said() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\nWEBVTT\nX-TIMESTAMP-MAP=x\n\nNOTE\n"
    assert texts(read_webvtt(text).cues) == [("Hello.",)]


@pytest.mark.parametrize(
    ("identifiers", "names"),
    [
        (['1 "Ann Lee" (12)', '2 "Bo" (3)', '3 "Ann Lee" (12)'], ["Ann Lee", "Bo", "Ann Lee"]),
        (["Ann Lee", "Bo", "Ann Lee"], ["Ann Lee", None, "Ann Lee"]),
        (["1 - Ann Lee", "2 - Bo", "3 - Ann Lee"], ["Ann Lee", None, "Ann Lee"]),
        (["Intro", "Main part", "Outro"], [None, None, None]),
        (["7a3f-11/2-0", "7a3f-11/2-1", "7a3f-11/2-1"], [None, None, None]),
        (["1", "2", "2"], [None, None, None]),
    ],
)
def test_what_several_cues_have_as_identifier_is_a_name(
    identifiers: list[str], names: list[str | None]
) -> None:
    cues = [f"{name}\n00:0{at}.000 --> 00:0{at}.900\nHi.\n" for at, name in enumerate(identifiers)]
    assert [cue.name for cue in read_webvtt("WEBVTT\n\n" + "\n".join(cues)).cues] == names
