from __future__ import annotations

import pytest

from beam_pipeline.corpus.formats.ttml import read_ttml
from beam_pipeline.corpus.formats.ttml_time import Clock
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason


def times(body: str, head: str = "") -> list[tuple[int, int]]:
    return [
        (cue.start_ms, cue.end_ms) for cue in read_ttml(f"<tt {head}><body>{body}</body></tt>").cues
    ]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1.2s", 1200),
        ("1.2m", 72_000),
        ("1.2h", 4_320_000),
        ("150ms", 150),
        ("24f", 1001),
        ("120t", 2000),
        ("01:02:03", 3_723_000),
        ("01:02:03.2350", 3_723_235),
        ("01:02:03,235", 3_723_235),
        ("01:02:03:12", 3_723_500.5),
        ("100:00:00:00", 360_000_000),
    ],
)
def test_times_are_read_in_all_their_forms(text: str, milliseconds: float) -> None:
    clock = Clock.of({"framerate": "24", "frameratemultiplier": "1000 1001", "tickrate": "60"})
    assert clock.milliseconds(text) == pytest.approx(milliseconds)


def test_without_a_rate_there_are_thirty_frames_and_one_tick_a_second() -> None:
    clock = Clock.of({"framerate": "none"})
    assert clock.milliseconds("3f") == pytest.approx(100)
    assert clock.milliseconds("2t") == 2000


@pytest.mark.parametrize("text", ["", "1", "1:2", "00:61:00", "-1s", "1.5", "٣s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(RefusalError):
        Clock().milliseconds(text)


def test_nested_times_add_up_and_end_with_what_is_around_them() -> None:
    assert times('<div begin="10s" end="20s"><p begin="1s" dur="2s">a</p></div>') == [
        (11_000, 13_000)
    ]
    assert times('<div begin="10s" end="20s"><p begin="1s" dur="90s">a</p></div>') == [
        (11_000, 20_000)
    ]


def test_in_a_sequence_times_count_from_the_end_of_what_is_before() -> None:
    body = '<div timeContainer="seq"><p begin="5s" dur="5s">a</p><p begin="1s" end="3s">b</p></div>'
    assert times(body) == [(5000, 10_000), (11_000, 13_000)]


def test_a_paragraph_without_times_has_those_of_its_spans() -> None:
    body = '<p><span begin="1s" end="2s">a</span> <span begin="2s" end="4s">b</span></p>'
    assert times(body) == [(1000, 4000)]


def test_a_paragraph_without_an_end_is_shown_until_the_next_one() -> None:
    assert times('<p begin="1s">a</p><p begin="3s" end="4s">b</p>') == [(1000, 3000), (3000, 4000)]


def test_what_begins_after_its_end_is_never_shown() -> None:
    parsed = read_ttml('<tt><div end="5s"><p begin="6s" dur="1s">a</p></div></tt>')
    assert (parsed.cues, parsed.dropped) == ((), (("never_shown", 1),))


def test_agents_name_who_speaks() -> None:
    parsed = read_ttml(
        '<tt xml:lang="en" xmlns:ttm="m"><head><metadata><ttm:agent xml:id="a"><ttm:name>Ann &amp; '
        'Co</ttm:name></ttm:agent><ttm:agent xml:id="b"><ttm:name>Bo</ttm:name></ttm:agent>'
        '</metadata></head><body><div ttm:agent="a"><p end="1s">One<br/>two</p>'
        '<p end="1s" ttm:agent="b">Three</p><p end="1s" ttm:agent="c">Four</p></div>'
        '<p end="1s"><span ttm:agent="a">A</span><span ttm:agent="b">B</span></p></body></tt>'
    )
    assert [cue.name for cue in parsed.cues] == ["Ann & Co", "Bo", "Ann & Co", "Ann & Co, Bo"]
    assert parsed.cues[0].lines == ("One", "two")
    assert parsed.language == "en"


def test_white_space_metadata_comments_and_readings_are_not_said() -> None:
    parsed = read_ttml(
        '<tt><body><p end="1s">\n  One <!-- <p>x</p> --> <metadata>no</metadata>\n'
        '<span tts:ruby="base">base</span><span tts:ruby="text">no</span><![CDATA[a<b]]></p></body>'
    )
    assert [cue.lines for cue in parsed.cues] == [("One basea&lt;b",)]


def test_a_file_that_is_no_xml_loses_no_paragraph() -> None:
    body = '<div><p end="1s">a<p end="x">b</p></b><p end="2s">c & d < e</div></p><p end="3s">f'
    parsed = read_ttml(f"<tt>{body}")
    assert [cue.lines for cue in parsed.cues] == [("a",), ("b",), ("c & d < e",), ("f",)]
    assert (parsed.refused, parsed.repaired) == ((), 1)


def test_a_bad_time_around_a_paragraph_loses_no_words() -> None:
    parsed = read_ttml('<tt><div begin="soon"><p end="1s">a</p></div><p end="1s">b</p></tt>')
    assert [cue.lines for cue in parsed.cues] == [("a",), ("b",)]
    assert parsed.repaired == 1


def test_elements_without_end_are_refused() -> None:
    with pytest.raises(RefusalError) as error:
        read_ttml("<tt>" + "<div>" * 5000)
    assert error.value.reason is Reason.MALFORMED_FILE


def test_declared_entities_are_refused() -> None:
    with pytest.raises(RefusalError):
        read_ttml('<!DOCTYPE tt [<!ENTITY a "b">]><tt><p end="1s">&a;</p></tt>')
