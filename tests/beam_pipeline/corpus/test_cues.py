from __future__ import annotations

import pytest

from beam_pipeline.corpus.formats.cue_blocks import Cue, lines_of
from beam_pipeline.corpus.formats.srt import read_srt
from beam_pipeline.corpus.formats.webvtt import read_webvtt
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
