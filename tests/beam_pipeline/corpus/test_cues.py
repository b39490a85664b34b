from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    ("timing", "times"),
    [
        ("00:00:01,000 -> 00:00:02,000", (1000, 2000)),
        ("00:00:01,000 - -> 00:00:02,000", (1000, 2000)),
        ("00:00:01,000 ---> 00:00:02,000", (1000, 2000)),
        ("00:00:01,000 –> 00:00:02,000", (1000, 2000)),
        ("00:00:01,000 → 00:00:02,000", (1000, 2000)),
        ("00:00:01,000 --&gt; 00:00:02,000", (1000, 2000)),
        ("00:00:01,000 00:00:02,000", (1000, 2000)),
        ("00：00：01，000 --＞ 00：00：02，000", (1000, 2000)),
        ("٠٠:٠٠:٠١,٠٠٠ --> ٠٠:٠٠:٠٢,٠٠٠", (1000, 2000)),
        ("00: 00: 01, 000 --> 00: 00: 02, 000", (1000, 2000)),
        ("00 : 00 : 01 , 000 --> 00 : 00 : 02 , 000", (1000, 2000)),
        ("1 00:00:01,000 --> 00:00:02,000", (1000, 2000)),
        ("**00:00:01,000 --> 00:00:02,000**", (1000, 2000)),
        ("\u202a00:00:01,000 --> 00:00:02,000\u202c", (1000, 2000)),
        ("00:00:01:000 --> 00:00:02:000", (1000, 2000)),
        ("00.00.01.000 --> 00.00.02.000", (1000, 2000)),
        ("00:00:01;000 --> 00:00:02;000", (1000, 2000)),
        ("00:00:01'000 --> 00:00:02'000", (1000, 2000)),
        ("00:00:01 000 --> 00:00:02 000", (1000, 2000)),
        ("00:00:O1,000 --> O0:00:02,000", (1000, 2000)),
        ("00:00:01,000 --&amp;gt; 00:00:02,000", (1000, 2000)),
        ("00:00:01,0000 --> 00:00:02,0009", (1000, 2000)),
        ("00:00:01,249.0999999999999 --> 00:00:02,791.79999999999995", (1249, 2791)),
        ("1.0 --> 2.0", (1000, 2000)),
        ("00:00:75,000 --> 00:01:16,000", (75_000, 76_000)),
        ("00:61:01,000 --> 00:62:02,000", (3_661_000, 3_722_000)),
        ("-00:00:01,000 --> 00:00:02,000", (0, 2000)),
        ("00:00:-1,000 --> 00:00:02,000", (0, 2000)),
        ("00:00:03,000 --> 00:00:02,000", (3000, 3000)),
        ("00:00:01,000 --> 00:00:02,000line:4", (1000, 2000)),
        ("00:00:01,000 -->", (1000, 5000)),
        ("--> 00:00:02,000", (2000, 2000)),
        ("xx:xx:01 --> xx:xx:02", (0, 5000)),
        ("-->", (0, 5000)),
    ],
)
def test_times_in_other_dress_are_repaired_and_lose_no_words(
    timing: str, times: tuple[int, int]
) -> None:
    text = f"1\n{timing}\nHello.\n\n2\n00:00:05,000 --> 00:00:06,000\nBye.\n"
    for parsed in (read_srt(text), read_webvtt(text)):
        assert texts(parsed.cues) == [("Hello.",), ("Bye.",)]
        (hello, _) = parsed.cues
        assert (hello.start_ms, hello.end_ms) == times
        assert (parsed.refused, parsed.repaired) == ((), 1)


_SPACE = st.sampled_from(["", " ", "  "])
_ARROWS = st.sampled_from(["-->", "->", "- ->", "---->", "–>", "→", "--&gt;", "—>"])
_PARTS = st.tuples(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))


@given(_PARTS, _PARTS, _SPACE, st.sampled_from([":", "："]), st.sampled_from(",.;，"), _ARROWS)
def test_any_dress_of_a_time_is_that_time(
    start: tuple[int, ...], end: tuple[int, ...], space: str, colon: str, comma: str, arrow: str
) -> None:
    def dressed(time: tuple[int, ...]) -> str:
        hours, minutes, seconds, fraction = time
        between = space + colon + space
        clock = between.join(f"{part:02}" for part in (hours, minutes, seconds))
        return f"{clock}{space}{comma}{space}{fraction:03}"

    start, end = sorted((start, end))
    (cue,) = read_srt(f"1\n{dressed(start)} {arrow} {dressed(end)}\nHello.\n").cues
    in_ms = [((h * 60 + m) * 60 + s) * 1000 + f for h, m, s, f in (start, end)]
    assert [cue.start_ms, cue.end_ms] == in_ms
    assert cue.lines == ("Hello.",)


@pytest.mark.parametrize(
    "said",
    ["10:30 -> 11:45", "From 10:30 to 11:00.", "1. 00:30", "5:4, 4:5", "the menu -> the end"],
)
def test_times_that_are_said_begin_no_cue(said: str) -> None:
    parsed = read_srt(f"1\n00:00:01,000 --> 00:00:02,000\n{said}\n")
    assert texts(parsed.cues) == [(said,)]
    assert parsed.repaired == 0


def test_words_behind_the_times_of_their_line_are_said_and_settings_are_not() -> None:
    parsed = read_srt("1\n00:00:01,000 --> 00:00:02,000 Hello\nthere.\n")
    assert texts(parsed.cues) == [("Hello", "there.")]
    settings = "align:start position:0% X1:40"
    parsed = read_srt(f"1\n00:00:01,000 --> 00:00:02,000 {settings}\nHello.\n")
    assert texts(parsed.cues) == [("Hello.",)]


def test_an_arrow_that_is_said_loses_no_words() -> None:
    parsed = read_srt("1\n00:00:01,000 --> 00:00:02,000\nPress\nmenu --> options\nnow.\n")
    assert texts(parsed.cues) == [("Press",), ("menu --> options", "now.")]


def test_a_file_in_which_no_time_can_be_read_has_no_cues() -> None:
    parsed = read_srt("1\nxx --> yy\nWhat?\n\n2\n-->\nNo.\n")
    assert parsed.cues == ()
    assert [one.reason for one in parsed.refused] == [Reason.MALFORMED_CUE] * 2


def test_a_line_of_spaces_is_one_of_a_webvtt_cue_and_ends_one_where_no_line_is_empty() -> None:
    parsed = read_webvtt("WEBVTT\n\n00:01.000 --> 00:02.000\n \nHello\n \nthere.\n\nNo.\n")
    assert texts(parsed.cues) == [("Hello", "there.")]
    sloppy = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n \nintro\n00:03.000 --> 00:04.000\nBye.\n"
    assert texts(read_webvtt(sloppy).cues) == [("Hello.",), ("Bye.",)]


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
    assert texts(parsed.cues) == [(), ("x",)]
    assert [refusal.position for refusal in parsed.refused] == ["line 2", "line 4"]


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
