from __future__ import annotations

import gzip
import hashlib
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_files import FILES, SRT

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, read_bytes
from beam_pipeline.records import Reason

OPTIONS = ReadOptions("c")
SECRET = "zebra"


def read(path: str, data: bytes) -> FileContent:
    content = read_bytes(path, data, OPTIONS)
    source = content.source
    assert source.found == source.used + source.dropped + source.rejected
    assert source.rejected == sum(rejected.items for rejected in content.rejected)
    assert source.episodes == tuple(
        (episode.episode_id, episode.utterances.num_rows) for episode in content.episodes
    )
    assert all(rejected.source == source.path for rejected in content.rejected)
    return content


def reasons(content: FileContent) -> list[Reason]:
    return [rejected.reason for rejected in content.rejected]


def test_a_file_record_says_what_was_read() -> None:
    source = read("Harbour Lights/s01e02.srt", SRT).source
    assert source.path == "Harbour Lights/s01e02.srt"
    assert (source.sha256, source.size) == (hashlib.sha256(SRT).hexdigest(), len(SRT))
    assert (source.format, source.encoding) == ("srt", "utf-8")
    assert (source.found, source.used, source.dropped, source.rejected) == (1, 1, 0, 0)
    assert source.episodes == (("Harbour Lights/s01e02", 1),)


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("a.srt", b"", Reason.EMPTY_FILE),
        ("a.srt", b" \n\n", Reason.EMPTY_FILE),
        ("a.srt", b"\xef\xbb\xbf", Reason.EMPTY_FILE),
        ("a.csv", b"text,speaker\n", Reason.EMPTY_FILE),
        ("a.srt.gz", gzip.compress(b"", mtime=0), Reason.EMPTY_FILE),
        ("a.srt", b"no cue in here\n", Reason.NO_CUES),
        ("a.vtt", b"WEBVTT\n\nNOTE nothing\n", Reason.NO_CUES),
        ("a.xyz", b"no format at all", Reason.UNKNOWN_FORMAT),
        ("a.json", b'{"a": 1}', Reason.UNKNOWN_FORMAT),
        ("a.srt", bytes(range(256)) * 20, Reason.UNDECODABLE),
        ("a.srt", b"\xff\xfe\x00\xd8", Reason.UNDECODABLE),
        ("a.srt.gz", gzip.compress(SRT * 99, mtime=0)[:-9], Reason.TRUNCATED_GZIP),
        ("a.srt.gz", gzip.compress(SRT, mtime=0)[:5], Reason.TRUNCATED_GZIP),
        ("a.srt.gz", gzip.compress(SRT, mtime=0)[:-8] + b"\1" * 8, Reason.MALFORMED_FILE),
        ("a.srt.gz", gzip.compress(SRT, mtime=0) + b"rubbish", Reason.MALFORMED_FILE),
        ("a.srt.gz", gzip.compress(bytes(2**25), mtime=0), Reason.FILE_TOO_LARGE),
    ],
)
def test_a_bad_file_loses_itself(path: str, data: bytes, reason: Reason) -> None:
    content = read(path, data)
    assert reasons(content) == [reason]
    assert (content.source.found, content.episodes) == (1, ())


def test_bad_cues_lose_themselves_and_words_only_their_times() -> None:
    bad = b"2\n00:00:05,000 --> 00:00:04,000\nBack.\n\n3\n00:00 --> x\nBad.\n\n4\n-->\n\n"
    content = read("a.srt", SRT + bad + SRT + b"5\n00:01:00,0 --> 00:01:01,0\n[thunder]\n")
    assert reasons(content) == [Reason.MALFORMED_CUE]
    assert [rejected.position for rejected in content.rejected] == ["line 14"]
    source = content.source
    assert (source.found, source.used, source.dropped, source.rejected) == (6, 3, 2, 1)
    assert source.repaired == 2


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a.srt", SRT + "00:00:03,0 --> 00:00:04,0\nCafé àéîõü ".encode() + b"\xe9\n"),
        (
            "a.sbv",
            b"0:00:01.0,0:00:02.0\nCaf\xc3\xa9 \xc3\xa9\xc3\xa9\xc3\xa9\n0:00:03.0,0:00:04.0\n\xff",
        ),
        ("a.jsonl", '{"text": "Café àéîõü"}\n{"text": "'.encode() + b'\xe9"}\n'),
        ("a.csv", "text,speaker\nCafé,àéîõü\n".encode() + b"Hi,\xe9\n"),
    ],
)
def test_a_broken_byte_loses_the_cue_or_row_it_stands_in(path: str, data: bytes) -> None:
    content = read(path, data)
    assert reasons(content) == [Reason.UNDECODABLE]
    assert (content.source.used, content.source.encoding) == (1, "utf-8")


def test_a_broken_byte_in_the_name_of_a_column_is_shown_as_an_escape() -> None:
    content = read("a.csv", "àéîõü,".encode() + b"\xe9\n1,2\n")
    assert reasons(content) == [Reason.MISSING_COLUMN]
    assert content.rejected[0].detail.encode()


def test_a_file_of_bad_cues_alone_has_no_episode() -> None:
    content = read("a.srt", b"1\nx --> y\nWhat?\n")
    assert (content.episodes, content.source.found) == ((), 1)


def test_packed_files_read_as_if_unpacked_whatever_their_name() -> None:
    for path in ("a/b.srt.gz", "a/b.srt"):
        packed = read(path, gzip.compress(SRT[:20]) + gzip.compress(SRT[20:]) + bytes(8))
        assert packed.episodes[0].utterances == read("a/b.srt", SRT).episodes[0].utterances
        assert packed.episodes[0].episode_id == "a/b"


def test_content_goes_before_the_extension() -> None:
    assert read("a.txt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n").source.format == "webvtt"
    assert read("a.vtt", SRT).source.format == "webvtt"
    assert read("a.txt", SRT).source.format == "srt"
    assert read("a", json.dumps({"text": "Hi"}).encode()).source.format == "jsonl"


LONG = b"word " * (10 * 2**20)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a.srt", SRT + b"2\n00:00:03,000 --> 00:00:04,000\n" + LONG),
        ("a.srt", SRT + b"2\n00:00:03,000 --> " + LONG),
        ("a.vtt", b"WEBVTT\n\n" + SRT + b"00:03.000 --> 00:04.000\n" + LONG),
        ("a.smi", b"<SAMI><BODY><SYNC Start=1><P>Hi<SYNC Start=2><P>" + LONG),
        ("a.ttml", b"<tt><body><p end='1s'>Hi</p><p end='2s'>" + LONG),
        ("a.sub", b"{1}{2}Hi\n{3}{4}" + LONG),
        ("a.jsonl", b'{"text": "Hello there."}\n{"text": "' + LONG + b'"}\n'),
        ("a.csv", b"text,speaker\nHello there.,Ann\n" + LONG + b",Ann\n"),
    ],
    ids=["srt", "srt-timing", "webvtt", "sami", "ttml", "microdvd", "jsonl", "csv"],
)
def test_a_line_of_fifty_megabytes_is_refused_at_once_and_alone(path: str, data: bytes) -> None:
    begin = time.process_time()
    content = read(path, data)
    assert time.process_time() - begin < 2
    assert (content.source.used, content.source.rejected) == (1, 1)


def test_a_file_of_nothing_but_a_long_line_is_refused_at_once() -> None:
    for extension in (
        "srt",
        "vtt",
        "csv",
        "jsonl",
        "txt",
        "json",
        "ass",
        "smi",
        "sbv",
        "scc",
        "ttml",
    ):
        path = f"a.{extension}"
        begin = time.process_time()
        assert read(path, LONG).source.rejected == 1
        assert time.process_time() - begin < 2


def test_a_file_with_too_many_bad_cues_is_bad_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_REFUSALS", 3)
    assert reasons(read("a.srt", b"-->\n" * 3)) == [Reason.MALFORMED_CUE] * 3
    assert reasons(read("a.srt", SRT + b"-->\n" * 4)) == [Reason.MALFORMED_FILE]


def test_a_file_beyond_the_cap_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 100)
    assert reasons(read("a.srt", SRT * 3)) == [Reason.FILE_TOO_LARGE]
    assert reasons(read("a.srt.gz", gzip.compress(SRT * 3))) == [Reason.FILE_TOO_LARGE]


def test_refusals_tell_no_text() -> None:
    cells = {"text": 5, "speaker": SECRET}
    for path, data in (
        ("a.srt", f"{SECRET} --> {SECRET}\n{SECRET}\n\n"),
        ("a.srt", f"00:01,0 --> 00:02,0\n{SECRET * 9999}"),
        ("a.jsonl", f"{json.dumps(cells)}\n{{{SECRET}\n" + json.dumps({"text": SECRET * 9999})),
        ("a.csv", f'text,start_ms\n{SECRET},{SECRET}\n{SECRET}\n"{SECRET}"{SECRET},1\n'),
    ):
        content = read(path, data.encode())
        assert content.rejected
        assert not any(SECRET in rejected.detail for rejected in content.rejected)


timings = st.sampled_from(
    [
        "00:00:01,000 --> 00:00:02,000",
        "00:00:02.500-->00:00:09,000 X1:0",
        "00:01.000 --> 00:03.000 line:0",
        "00:00:05,000 --> 00:00:04,000",
        "00:00:0x,000 --> 00:00:04,000",
        "-->",
        "a --> b",
    ]
)
lines = st.sampled_from(
    [
        "",
        "7",
        "ANN: Hi.",
        ">> Yes",
        "- no",
        "[bang]",
        "♪",
        "<v Bo>Hm",
        "</v>",
        "NOTE x",
        "(",
        "STYLE",
    ]
)
documents = st.lists(st.one_of(timings, lines, st.text(max_size=20)), max_size=30)


@given(documents, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_every_arrow_line_of_any_structure_is_accounted_for(
    document: list[str], end: str, webvtt: bool
) -> None:
    text = end.join((["WEBVTT", ""] if webvtt else []) + document)
    content = read("a.vtt" if webvtt else "a.srt", text.encode("utf-8", "replace"))
    arrows = sum(
        "-->" in line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    )
    if content.source.format and arrows:
        assert content.source.found == arrows


pieces = st.one_of(
    st.binary(max_size=6),
    st.sampled_from([b"-->", b"\0", b'"', b"\n", b"\\ud800", b"null", b"[", b"1e999", b"\xff\xfe"]),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(FILES), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), pieces)))
def test_no_change_of_bytes_makes_reading_fail(
    seed: tuple[str, bytes], edits: list[tuple[float, int, bytes]]
) -> None:
    path, data = seed
    for place, cut, piece in edits:
        at = int(place * len(data))
        data = data[:at] + piece + data[at + cut :]
    read(path, data)


@given(st.binary(max_size=200), st.sampled_from(["srt", "vtt", "csv", "jsonl", "json", "parquet"]))
def test_any_bytes_are_read_or_refused(data: bytes, extension: str) -> None:
    read(f"a.{extension}", data)
