from __future__ import annotations

import json

import pytest

from beam_pipeline.corpus.formats.ass import read_ass
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.microdvd import read_microdvd
from beam_pipeline.corpus.formats.opus import read_opus
from beam_pipeline.corpus.formats.sami import read_sami
from beam_pipeline.corpus.formats.sbv import read_sbv
from beam_pipeline.corpus.formats.scc import read_scc
from beam_pipeline.corpus.formats.whisper import read_whisper
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import read_bytes
from beam_pipeline.records import Reason


def shown(parsed: ParsedCues) -> list[tuple[int, int, str | None, str]]:
    return [(cue.start_ms, cue.end_ms, cue.name, "|".join(cue.lines)) for cue in parsed.cues]


def refusals(parsed: ParsedCues) -> list[tuple[str, Reason]]:
    return [(refusal.position, refusal.reason) for refusal in parsed.refused]


ASS = """[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def event(text: str, name: str = "", times: str = "0:00:01.00,0:00:02.50") -> str:
    return f"Dialogue: 0,{times},Default,{name},0,0,0,,{text}\n"


def test_an_ass_event_has_its_name_its_times_and_its_lines() -> None:
    parsed = read_ass(ASS + event(r"{\i1}Well,{\i0} then\Nsit down, please.", " Ann "))
    assert shown(parsed) == [(1000, 2500, "Ann", r"{\i1}Well,{\i0} then|sit down, please.")]


def test_the_order_of_fields_is_that_of_the_file() -> None:
    head = "[Events]\nFormat: Start, End, Actor, Text\n"
    parsed = read_ass(head + "Dialogue: 0:00:01.00,0:00:02.00,Bo,One, two\n")
    assert shown(parsed) == [(1000, 2000, "Bo", "One, two")]
    ssa = "[Events]\nDialogue: Marked=0,0:00:01.00,0:00:02.00,*Default,Bo,0,0,0,,Hi\n"
    assert shown(read_ass(ssa)) == [(1000, 2000, "Bo", "Hi")]


def test_drawings_and_remarks_are_not_said() -> None:
    parsed = read_ass(
        ASS
        + event(r"{\p1}m 0 0 l 9 9{\p0}")
        + event(r"{\p1}m 0 0 l 9 9{\p0}Hello{a remark}.")
        + event("Hm").replace("Dialogue", "Comment")
    )
    assert [cue[3] for cue in shown(parsed)] == [r"{\p1}{\p0}Hello."]
    assert parsed.dropped == (("comment", 1), ("drawing", 1))


def test_an_event_without_its_fields_is_refused_alone_and_a_bad_time_repaired() -> None:
    parsed = read_ass(
        ASS
        + event("A", times="xx,0:00:02.00")
        + event("B", times="0:00:03.00,0:00:02.00")
        + "Dialogue: 0,0:00:01.00\n"
        + event("C", times="-0:00:01.00,0:00:02.00")
    )
    assert shown(parsed) == [(2000, 2000, None, "A"), (3000, 3000, None, "B"), (0, 2000, None, "C")]
    assert parsed.repaired == 3
    assert refusals(parsed) == [("line 8", Reason.MALFORMED_CUE)]


def test_frames_of_microdvd_are_times() -> None:
    parsed = read_microdvd("{1}{1}25.000\n{25}{50}{y:i}Hello|there\n{75}{}Bye\n{100}{110}Gone")
    assert shown(parsed) == [
        (1000, 2000, None, "Hello|there"),
        (3000, 4000, None, "Bye"),
        (4000, 4400, None, "Gone"),
    ]
    assert parsed.dropped == (("frame_rate", 1),)


def test_microdvd_without_a_rate_has_that_of_film_on_television() -> None:
    assert shown(read_microdvd("{24}{48}Hi"))[0][:2] == (1001, 2002)


def test_bad_frames_lose_no_words_and_stray_lines_belong_to_the_cue_before() -> None:
    parsed = read_microdvd("{24}{1}A\n{1x}{2}B\n{-24}{48}C\n{24}{48}Hello\nthere\n")
    assert [cue[3] for cue in shown(parsed)] == ["A", "B", "C", "Hello|there"]
    assert [cue[:2] for cue in shown(parsed)[:3]] == [(1001, 1001), (1001, 1001), (0, 2002)]
    assert (parsed.refused, parsed.repaired) == ((), 3)


def test_sami_is_shown_until_the_next_time() -> None:
    parsed = read_sami(
        "<SAMI><HEAD><STYLE><!-- P {color: red} --></STYLE></HEAD><BODY>\n"
        "<SYNC Start=1000><P Class=EN>Hello<br>\n   there &amp; then\n"
        '<SYNC start="2000"><P Class=EN>&nbsp;\n<SYNC Start=5000><P Class=EN>Bye</BODY></SAMI>'
    )
    assert shown(parsed) == [
        (1000, 2000, None, "Hello|there &amp; then"),
        (5000, 5000, None, "Bye"),
    ]
    assert parsed.dropped == (("blank", 1),)


def test_of_two_languages_in_sami_the_one_that_says_most_is_read() -> None:
    parsed = read_sami(
        "<SAMI><BODY><SYNC Start=1><P Class=KR>A<P Class=EN>B"
        "<SYNC Start=2><P Class=EN>C<SYNC Start=oops><P Class=EN>D"
    )
    assert shown(parsed)[1:] == [(2, 2, None, "C"), (2, 2, None, "D")]
    assert parsed.dropped == (("other_language", 1),)
    assert (parsed.refused, parsed.repaired) == ((), 1)


def test_a_paragraph_of_no_language_in_sami_is_said() -> None:
    parsed = read_sami("<SAMI><BODY><SYNC Start=1><P Class=EN>A<SYNC Start=2><P>B")
    assert [cue[3] for cue in shown(parsed)] == ["A", "B"]


def test_a_source_in_sami_names_who_speaks() -> None:
    parsed = read_sami("<SAMI><BODY><SYNC Start=1><P Class=EN ID=Source>Ann<P Class=EN>Hi")
    assert shown(parsed) == [(1, 1, "Ann", "Hi")]
    assert parsed.dropped == (("name", 1),)


def test_sbv_and_subviewer_are_read() -> None:
    parsed = read_sbv(
        "[INFORMATION]\n0:00:01.000,0:00:02.500\nHello\nthere\n\n00:00:03.00,00:00:04.50\nA[br]B\n"
    )
    assert shown(parsed) == [(1000, 2500, None, "Hello|there"), (3000, 4500, None, "A|B")]


def test_a_bad_timing_of_sbv_loses_no_words() -> None:
    parsed = read_sbv("0:00:xx.000,x:00:0y.500\nA\n\n0:00:03.000,0:00:04.000\nB\n")
    assert [cue[3] for cue in shown(parsed)] == ["A", "B"]
    assert (parsed.refused, parsed.repaired) == ((), 1)


def test_scc_is_shown_when_its_bytes_have_come_until_the_screen_is_cleared() -> None:
    parsed = read_scc(
        "Scenarist_SCC V1.0\n\n00:00:01:00\t94ae 94ae 9420 9420 9470 9470 c8e9 a180 942f 942f\n\n"
        "00:00:03:00\t942c 942c\n\n00:00:04:00\t9420 zzzz\n\n00:00:05;00\t9420 9420 c2f9 e520\n"
    )
    assert shown(parsed) == [(1268, 3003, None, "Hi!"), (5005, 5005, None, "Bye ")]
    assert parsed.dropped == (("control", 1),)
    assert refusals(parsed) == [("line 7", Reason.MALFORMED_CUE)]


def test_each_line_of_scc_that_rolls_up_is_a_cue_once() -> None:
    parsed = read_scc(
        "00:00:01:00\t9425 9425 94ad 94ad 9470 9470 c8e5 ecec efae\n"
        "00:00:03:00\t9425 9425 94ad 94ad 9470 9470 d9e5 f32e\n00:00:05:00\t942c 942c\n"
    )
    assert shown(parsed) == [(1001, 3003, None, "Hello."), (3003, 5005, None, "Yes.")]


def test_marks_of_scc_that_are_sent_twice_count_once() -> None:
    # a note of music, and an accented letter that stands in place of the plain one before it
    (cue,) = read_scc("00:00:01:00\t9420 9137 9137 c180 9220 9220 e5a1\n").cues
    assert cue.lines == ("♪Áe!",)


def test_a_sentence_of_opus_lasts_from_its_first_to_its_last_time() -> None:
    parsed = read_opus(
        '<?xml version="1.0"?><document id="1"><s id="1"><time id="T1S" value="00:00:01,000"/>'
        '<w id="1.1">Well</w><w id="1.2">,</w><w>do</w><w>n\'t</w><w>.</w></s>'
        '<s id="2">Sit<time id="T1E" value="00:00:02,000"/></s>'
        '<s id="3"><time id="T2S" value="bad"/>Now</s></document>'
    )
    assert [cue[3] for cue in shown(parsed)] == ["Well, don't.", "Sit", "Now"]
    assert [cue[:2] for cue in shown(parsed)[:2]] == [(1000, 1000), (1000, 2000)]


def test_a_sentence_of_opus_before_any_time_keeps_its_words() -> None:
    parsed = read_opus("<document><s><w>Hello</w></s></document>")
    assert shown(parsed) == [(0, 0, None, "Hello")]
    assert parsed.repaired == 1


@pytest.mark.parametrize(
    "transcript",
    [
        {"segments": [{"start": 1.0, "end": 2.5, "text": " Hi", "speaker": "SPEAKER_00"}]},
        {
            "transcription": [
                {"offsets": {"from": 1000, "to": 2500}, "text": " Hi", "speaker": "SPEAKER_00"}
            ]
        },
    ],
)
def test_segments_of_whisper_have_times_and_a_diarised_speaker(transcript: object) -> None:
    assert shown(read_whisper(json.dumps(transcript))) == [(1000, 2500, "SPEAKER_00", " Hi")]


def test_segments_without_finite_times_are_repaired_and_without_text_refused() -> None:
    text = '{"language": "en", "segments": [{"start": NaN, "end": 1, "text": "a"}, {"start": 1e999'
    text += ', "end": 1, "text": "a"}, {"start": "0", "end": 1, "text": "a"}, {"start": 0}, 7]}'
    parsed = read_whisper(text)
    assert [cue[:2] for cue in shown(parsed)] == [(1000, 1000), (1000, 1000), (0, 1000)]
    assert parsed.repaired == 2
    assert refusals(parsed) == [(f"cue {at}", Reason.MALFORMED_CUE) for at in (4, 5)]
    assert parsed.language == "en"


@pytest.mark.parametrize(
    ("path", "text", "format"),
    [
        ("a.txt", ASS + event("Hi"), "ass"),
        ("a.ssa", "\n" + event("Hi"), "ass"),
        ("a.txt", "{1}{2}Hi", "microdvd"),
        ("a.sub", "00:00:01.00,00:00:02.00\nHi", "sbv"),
        ("a.txt", "0:00:01.000,0:00:02.000\nHi", "sbv"),
        ("a.xml", "<SAMI><BODY><SYNC Start=1><P>Hi", "sami"),
        ("a.xml", "<?xml version='1.0'?><tt:tt><tt:p end='1s'>Hi</tt:p></tt:tt>", "ttml"),
        ("a.srt", "<tt><body><p end='1s'>1 --> 2</p></body></tt>", "ttml"),
        ("a.xml", '<document><s><time id="T1S" value="0:0:1,0"/>Hi</s></document>', "opus"),
        ("a.txt", "Scenarist_SCC V1.0\n\n00:00:01:00\t9420 c2f9\n", "scc"),
        ("a.json", '{"text": "Hi", "segments": [{"start": 0, "end": 1, "text": "Hi"}]}', "whisper"),
    ],
)
def test_formats_are_known_by_what_stands_in_them(path: str, text: str, format: str) -> None:
    source = read_bytes(path, text.encode(), ReadOptions("c")).source
    assert (source.format, source.used) == (format, 1)


def test_the_name_of_a_cue_is_its_speaker() -> None:
    content = read_bytes("Show/a.ass", (ASS + event("Hi.", "Ann")).encode(), ReadOptions("c"))
    table = content.episodes[0].utterances.to_pydict()
    assert (table["speaker_name"], table["speaker_source"]) == (["Ann"], ["field"])
