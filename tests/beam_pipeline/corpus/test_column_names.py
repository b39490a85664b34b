from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.column_names import folded
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, read_bytes

Rows = Sequence[Sequence[object]]


def read(
    header: str, *rows: Sequence[object], columns: tuple[tuple[str, str], ...] = ()
) -> FileContent:
    file = io.StringIO()
    csv.writer(file).writerows([header.split(","), *rows])
    return read_bytes("Quay/Quay.csv", file.getvalue().encode(), ReadOptions("c", columns=columns))


def said(content: FileContent) -> list[tuple[object, ...]]:
    names = ("speaker_name", "text", "dialogue_id", "start_ms", "end_ms")
    return [
        (episode.episode_id, *(row[name] for name in names))
        for episode in content.episodes
        for row in episode.utterances.to_pylist()
    ]


@pytest.mark.parametrize(
    ("header", "row", "expected", "assumed"),
    [
        ("Character,Dialogue,EpisodeNo,Season", ("Oda", "We are late.", 2, 1),
         ("Quay/s01e02", "Oda", "We are late.", "d001", None, None),
         ("text=dialogue", "speaker=character", "episode=episode_no")),
        ("season,episode,scene,line_text,speaker", (1, 2, 7, "We are late.", "Oda"),
         ("Quay/s01e02", "Oda", "We are late.", "7", None, None), ("text=line_text",)),
        ("Season,Episode,Name,Sentence", ("Season 1", "Episode 02", "Oda", "We are late."),
         ("Quay/s01e02", "Oda", "We are late.", "d001", None, None),
         ("text=sentence", "speaker=name")),
        ("text,speaker,conversation_id", ("We are late.", "Oda", "c7"),
         ("Quay/Quay", "Oda", "We are late.", "c7", None, None), ("dialogue=conversation_id",)),
        ("SEID,Text", ("S01E02", "We are late."),
         ("Quay/s01e02", None, "We are late.", "d001", None, None), ("episode=seid",)),
        ("text,start,end", ("We are late.", 1.5, 3),
         ("Quay/Quay", None, "We are late.", "d001", 1500, 3000),
         ("start_ms=start", "end_ms=end", "times in seconds")),
        ("text,start,end", ("We are late.", 1500, 3000),
         ("Quay/Quay", None, "We are late.", "d001", 1500, 3000),
         ("start_ms=start", "end_ms=end", "times in milliseconds")),
        ("text,Start (ms),End (ms)", ("We are late.", 5, 15),
         ("Quay/Quay", None, "We are late.", "d001", 5, 15),
         ("start_ms=start", "end_ms=end", "times in milliseconds")),
        ("text,startTime,endTime", ("We are late.", "0:00:01.5", "0:00:03"),
         ("Quay/Quay", None, "We are late.", "d001", 1500, 3000),
         ("start_ms=start_time", "end_ms=end_time")),
        ("text,start,duration", ("We are late.", 1.5, 1.5),
         ("Quay/Quay", None, "We are late.", "d001", 1500, 3000),
         ("start_ms=start", "times in seconds")),
        ("text,start_ms,end_ms,speaker", ("We are late.", 1, 3, "Oda"),
         ("Quay/Quay", "Oda", "We are late.", "d001", 1, 3), ()),
    ],
)  # fmt: skip
def test_columns_are_known_by_what_people_call_them(
    header: str, row: Sequence[object], expected: tuple[object, ...], assumed: tuple[str, ...]
) -> None:
    content = read(header, row)
    assert said(content) == [expected]
    assert content.source.assumed == assumed


def test_the_users_names_go_before_what_is_assumed() -> None:
    content = read(
        "Character,Dialogue,Real", ("Oda", "We are late.", "Tom"), columns=(("speaker", "Real"),)
    )
    assert said(content)[0][1] == "Tom"
    assert content.source.assumed == ("text=dialogue",)


@pytest.mark.parametrize("header", ["dialogue,who", "line,note", "body,who"])
def test_a_column_that_holds_no_sentences_is_no_text(header: str) -> None:
    content = read(header, ("d001", "x"), ("d002", "y"))
    assert [one.reason for one in content.rejected] == ["missing_column"]


def test_what_is_assumed_never_tells_a_name_of_the_file() -> None:
    content = read("Dialogue,Secret", ("We are late.", "hidden"))
    assert not any("ecret" in one or "late" in one for one in content.source.assumed)


@given(st.sampled_from(["episode_no", "start_time", "conversation_id"]))
def test_case_and_marks_between_words_do_not_matter(name: str) -> None:
    words = name.split("_")
    assert folded(" ".join(word.title() for word in words)) == name
    assert folded("".join(word.title() for word in words)) == name
    assert folded("-".join(words).upper()) == name


@given(st.lists(st.integers(0, 5_000), min_size=4, max_size=9, unique=True))
def test_seconds_and_milliseconds_of_the_same_talk_are_the_same_times(starts: list[int]) -> None:
    rows = [(f"Line {at} is here.", at, at + 3) for at in sorted(starts)]
    seconds = said(read("text,start,end", *rows))
    milliseconds = said(read("text,start,end", *((t, a * 1000, b * 1000) for t, a, b in rows)))
    assert seconds == milliseconds
