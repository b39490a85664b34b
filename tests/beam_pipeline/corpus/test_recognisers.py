"""Transcripts of recognisers of speech in JSON: which is which, and what is kept of each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, read_bytes
from beam_pipeline.records import Reason


def read(document: object, path: str = "a.json") -> FileContent:
    content = read_bytes(path, json.dumps(document).encode(), ReadOptions("c"))
    source = content.source
    assert source.found == source.used + source.dropped + source.rejected
    return content


def rows(content: FileContent) -> list[tuple[int | None, int | None, str | None, str]]:
    (episode,) = content.episodes
    table = episode.utterances.to_pydict()
    columns = [table[name] for name in ("start_ms", "end_ms", "speaker_name", "text")]
    return list(zip(*columns, strict=True))


def refused(content: FileContent) -> list[tuple[str, Reason]]:
    return [(one.position, one.reason) for one in content.rejected]


HI = {"utf8": "Hi."}
SPOKEN = {"start": 1.0, "end": 2.5, "text": "Hi."}


@pytest.mark.parametrize(
    ("document", "format"),
    [
        ([SPOKEN], "whisper"),
        ([{"text": "Hi.", "start": 1, "duration": 1.5}], "whisper"),
        ({"chunks": [{"timestamp": [1, 2.5], "text": "Hi."}]}, "whisper"),
        (
            {
                "speakers": [{"timestamp": [1, 2.5], "text": "Hi."}],
                "chunks": [{"timestamp": [0, 9], "text": "Hi there."}],
            },
            "whisper",
        ),
        ({"segments": [SPOKEN]}, "whisper"),
        ({"segments": [{"startTime": 1, "endTime": 2.5, "body": "Hi."}]}, "podcast"),
        ({"utterances": [{"start": 1000, "end": 2500, "text": "Hi."}], "words": []}, "assemblyai"),
        ({"sentences": [{"start": 1000, "end": 2500, "text": "Hi."}]}, "assemblyai"),
        ({"transcript": [SPOKEN]}, "whisper"),
        ({"monologues": [{"elements": [{"value": "Hi.", "ts": 1, "end_ts": 2.5}]}]}, "rev"),
        ({"words": [{"start": 1000, "end": 2500, "text": "Hi."}]}, "assemblyai"),
        ({"results": {"utterances": [SPOKEN | {"transcript": "Hi."}], "channels": []}}, "deepgram"),
        ({"events": [{"tStartMs": 1000, "dDurationMs": 1500, "segs": [HI]}]}, "youtube_json3"),
    ],
)  # fmt: skip
def test_each_recogniser_is_known_by_the_shape_of_its_document(
    document: object, format: str
) -> None:
    content = read(document)
    assert content.source.format == format
    assert rows(content) == [(1000, 2500, None, "Hi.")]


@pytest.mark.parametrize(
    "row",
    [
        {"text": "Hi.", "speaker": "Ann"},
        {"text": "Hi.", "start": 1.0, "end": 2.0, "label": "joy"},
        {"text": "Hi.", "start": 1.0, "end": 2.0, "episode": "s01e02"},
    ],
)
def test_a_list_of_rows_is_a_table(row: dict[str, Any]) -> None:
    content = read([row, {"text": None}, 7])
    assert content.source.format == "jsonl"
    assert refused(content) == [("row 3", Reason.MALFORMED_ROW), ("row 2", Reason.EMPTY_TEXT)]
    assert content.source.used == 1


def test_a_list_that_is_cut_off_is_refused_as_a_whole() -> None:
    content = read_bytes("a.json", b'[{"text": "Hi."}, {"te', ReadOptions("c"))
    assert refused(content) == [("", Reason.MALFORMED_FILE)]


def test_a_document_that_is_cut_off_is_refused_with_the_place_of_the_fault() -> None:
    data = b'{"results": {"channels": [\n{"alternatives": ['
    (one,) = read_bytes("a.json", data, ReadOptions("c")).rejected
    assert (one.position, one.reason) == ("", Reason.MALFORMED_FILE)
    assert "line 2, column 19" in one.detail


def test_a_text_alone_is_read_and_its_time_is_not_known() -> None:
    content = read({"text": "Hi.", "speaker": "Ann", "language": "en"})
    assert rows(content) == [(0, 0, "Ann", "Hi.")]
    assert content.source.repaired == 1


def test_one_row_of_a_table_or_an_object_of_lists_is_no_transcript() -> None:
    for document in ({"text": "Hi.", "label": "joy"}, {"text": "Hi.", "result": []}):
        (one,) = read(document).rejected
        assert one.reason is Reason.UNKNOWN_FORMAT


def test_words_without_a_time_are_kept_between_their_neighbours() -> None:
    content = read(
        {
            "segments": [
                {"text": "One."},
                {"text": "Two.", "start": 2.0, "end": 3.0},
                {"text": "Three.", "start": None, "end": None},
                {"text": "Four.", "start": 5.0, "end": None},
            ]
        }
    )
    assert [row[:2] for row in rows(content)] == [
        (0, 2000),
        (2000, 3000),
        (3000, 5000),
        (5000, 5000),
    ]


@pytest.mark.parametrize("bad", ["soon", [], {}, True, 1e999])
def test_a_time_that_is_none_costs_no_words(bad: object) -> None:
    said = {"text": "Kept.", "start": bad, "end": 2}
    podcast = {"endTime": 2, "body": "Kept."}
    one = {"start_time": bad, "end_time": "2", "transcript": "Kept."}
    for document in (
        {"segments": [{**podcast, "startTime": 1}, {**podcast, "startTime": bad}]},
        {"segments": [SPOKEN, said]},
        {"utterances": [SPOKEN, said]},
        {"results": {"channels": [], "utterances": [{**said, "transcript": "Kept."}]}},
        {"results": {"transcripts": [], "audio_segments": [one]}},
        {"events": [{"tStartMs": bad, "dDurationMs": 1, "segs": [{"utf8": "Kept."}]}]},
    ):
        content = read(document)
        assert rows(content)[-1][3] == "Kept."
        assert (refused(content), content.source.repaired) == ([], 1)


def test_what_is_no_text_loses_itself_alone() -> None:
    for document in (
        {"segments": [{"startTime": 1, "body": 7}, {"startTime": 1, "body": "Hi."}]},
        {"utterances": [{**SPOKEN, "start": 1}, 7]},
        {"results": {"channels": [], "utterances": [7, {**SPOKEN, "transcript": "Hi."}]}},
        {"events": [{"tStartMs": 1}, {"segs": [{"utf8": 7}]}, {"segs": [{"utf8": "Hi."}]}]},
        {"monologues": [7, {"elements": [{"value": 7}]}, {"elements": [{"value": "Hi."}]}]},
    ):
        content = read(document)
        assert rows(content)[0][3] == "Hi."
        assert {reason for _, reason in refused(content)} == {Reason.MALFORMED_CUE}


def test_times_in_strings_are_read() -> None:
    segments = [
        {"text": "One.", "start": "0.5", "end": "1.5s"},
        {"text": "Two.", "start": "00:00:02,000", "end": "0:03.250"},
    ]
    content = read({"segments": segments})
    assert [row[:2] for row in rows(content)] == [(500, 1500), (2000, 3250)]
    assert content.source.repaired == 0


def test_a_monologue_of_rev_is_cut_into_its_sentences() -> None:
    def element(value: str, start: float | None = None) -> dict[str, object]:
        return {"value": value} | ({} if start is None else {"ts": start, "end_ts": start + 0.5})

    elements = [element("Shall", 1), element(" "), element("we", 2), element("?")]
    elements += [element(" "), element("Yes", 3), element("."), element(" And", 4)]
    content = read({"monologues": [{"speaker": 0, "elements": elements}]})
    assert rows(content) == [
        (1000, 2500, "0", "Shall we?"),
        (3000, 3500, "0", "Yes."),
        (4000, 4500, "0", "And"),
    ]


def word(text: str, start: float, end: float, **more: object) -> dict[str, object]:
    return {"word": text, "punctuated_word": text, "start": start, "end": end, **more}


def test_words_of_deepgram_become_sentences_of_their_speakers() -> None:
    words = [
        word("Shall", 0.5, 0.8, speaker=0),
        word("we?", 0.8, 1.1, speaker=0),
        word("Yes.", 1.2, 1.5, speaker=1),
    ]
    content = read({"results": {"channels": [{"alternatives": [{"words": words}]}]}})
    assert rows(content) == [(500, 1100, "0", "Shall we?"), (1200, 1500, "1", "Yes.")]
    assert content.source.used == 3


def test_sentences_of_deepgram_go_before_its_words_and_channels_stand_for_speakers() -> None:
    def channel(text: str, start: float) -> dict[str, object]:
        sentence = {"text": text, "start": start, "end": start + 1}
        paragraphs = {"paragraphs": [{"sentences": [sentence]}]}
        return {"alternatives": [{"words": [word("no", 0, 1)], "paragraphs": paragraphs}]}

    content = read({"results": {"channels": [channel("Hi.", 1), channel("Bye.", 3)]}})
    assert rows(content) == [(1000, 2000, "Channel 0", "Hi."), (3000, 4000, "Channel 1", "Bye.")]


def item(content: str, start: str = "", end: str = "") -> dict[str, object]:
    times = {"start_time": start, "end_time": end, "type": "pronunciation"}
    return {"alternatives": [{"content": content}], **(times if start else {"type": "punctuation"})}


def labelled(name: str, *starts: str) -> dict[str, object]:
    return {"items": [{"start_time": start, "speaker_label": name} for start in starts]}


AWS_ITEMS = [
    item("Shall", "0.5", "0.8"),
    item("we", "0.8", "1.1"),
    item("?"),
    item("Yes", "1.2", "1.5"),
    item("."),
]


def test_words_of_aws_have_their_marks_and_their_speakers() -> None:
    results = {
        "transcripts": [{"transcript": "Shall we? Yes."}],
        "speaker_labels": {"segments": [labelled("spk_0", "0.5", "0.8"), labelled("spk_1", "1.2")]},
        "items": AWS_ITEMS,
        "audio_segments": [{"transcript": "Shall we? Yes.", "start_time": "0.5", "end_time": "9"}],
    }
    content = read({"results": results})
    assert content.source.format == "aws_transcribe"
    assert rows(content) == [(500, 1100, "spk_0", "Shall we?"), (1200, 1500, "spk_1", "Yes.")]
    assert content.source.found == 3


def test_segments_of_aws_are_read_where_they_tell_all() -> None:
    segment = {"transcript": "Shall we?", "start_time": "0.5", "end_time": "1.1"}
    plain = {"transcripts": [], "items": AWS_ITEMS, "audio_segments": [segment]}
    assert rows(read({"results": plain})) == [(500, 1100, None, "Shall we?")]
    named = {**plain, "speaker_labels": {}}
    named["audio_segments"] = [{**segment, "speaker_label": "spk_0"}]
    assert rows(read({"results": named})) == [(500, 1100, "spk_0", "Shall we?")]


def test_channels_of_aws_stand_for_speakers() -> None:
    channel = {"channel_label": "ch_0", "items": [{"start_time": "0.5"}]}
    results = {"transcripts": [], "channel_labels": {"channels": [channel]}, "items": AWS_ITEMS[:1]}
    assert rows(read({"results": results})) == [(500, 800, "ch_0", "Shall")]


@pytest.mark.parametrize("name", ["items", "audio_segments"])
def test_what_is_no_object_in_aws_is_refused(name: str) -> None:
    found = [7, {"transcript": "Hi.", "start_time": "0", "end_time": "1"}, *AWS_ITEMS[:1]]
    content = read({"results": {"transcripts": [], name: found}})
    assert ("cue 1", Reason.MALFORMED_CUE) in refused(content)
    assert content.source.found == 3


def test_events_of_youtube_that_say_nothing_are_dropped_by_their_kind() -> None:
    events = [
        {"tStartMs": 0, "id": 1},
        {"tStartMs": 100, "dDurationMs": 500, "segs": [{"utf8": "we"}, {"utf8": " mend"}]},
        {"tStartMs": 500, "aAppend": 1, "segs": [{"utf8": "\n"}]},
    ]
    content = read({"events": events}, "a.en.json3")
    assert rows(content) == [(100, 600, None, "we mend")]
    assert dict(content.source.dropped_kinds) == {"blank": 1, "control": 1}


SRV1 = '<transcript><text start="1" dur="1.5">Hi &amp; bye.</text><text>Lost.</text></transcript>'
SRV2 = '<timedtext><window t="0"/><text t="1000" d="1500">Hi &amp; bye.</text><text>Lost.</text>'
SRV3 = (
    '<timedtext format="3"><head><ws id="0"/></head><body><w t="0" id="1"/><p t="1000" d="1500">'
    '<s>Hi &amp;</s><s t="400"> bye.</s></p><p t="2000" d="9" a="1">\n</p><p>Lost.</p></body>'
)


@pytest.mark.parametrize(("text", "blank"), [(SRV1, 0), (SRV2, 0), (SRV3, 1)])
def test_xml_of_youtube_is_read_in_all_its_versions(text: str, blank: int) -> None:
    for path in ("a.srv3", "a.xml", "a.txt"):
        content = read_bytes(path, text.encode(), ReadOptions("c"))
        assert content.source.format == "youtube_xml"
        assert rows(content) == [(1000, 2500, None, "Hi & bye.")]
        assert content.source.dropped == blank
        assert refused(content) == [(f"cue {2 + blank}", Reason.MALFORMED_CUE)]
