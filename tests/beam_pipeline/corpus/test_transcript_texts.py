"""Transcripts as plain text: who says what, where a scene begins, and what nobody says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, read_bytes
from beam_pipeline.records import Reason


def read(text: str, path: str = "a.txt") -> FileContent:
    content = read_bytes(path, text.encode(), ReadOptions("c"))
    source = content.source
    assert source.found == source.used + source.dropped + source.rejected
    return content


def column(content: FileContent, name: str) -> list[Any]:
    (episode,) = content.episodes
    values: list[Any] = episode.utterances[name].to_pylist()
    return values


def said(content: FileContent) -> list[tuple[str | None, str | None]]:
    return list(zip(column(content, "speaker_name"), column(content, "text"), strict=True))


SCRIPT = """The One With The Harbour
Written by: Somebody Else

[Scene: The harbour, everyone
is there.]

ODA: Shall we begin? The tide
is coming in.
(They look out.)
Tom (on the phone): (laughing) Yes.

He leaves the boat.

[Scene: Later.]
ODA:
Good.

The End
"""


def test_a_turn_goes_from_its_label_to_the_next_or_to_an_empty_line() -> None:
    content = read(SCRIPT)
    assert content.source.format == "transcript"
    assert said(content) == [
        ("ODA", "Shall we begin? The tide is coming in."),
        ("Tom", "Yes."),
        (None, "He leaves the boat."),
        ("ODA", "Good."),
    ]
    assert dict(content.source.dropped_kinds) == {"direction": 3, "metadata": 1}


def test_a_scene_is_a_dialogue() -> None:
    assert column(read(SCRIPT), "dialogue_id") == ["d001", "d001", "d001", "d002"]


def test_the_lines_of_a_turn_are_kept_as_they_are() -> None:
    raw = "ODA: Shall we begin? The tide\nis coming in.\n(They look out.)"
    assert column(read(SCRIPT), "text_raw")[0] == raw


def test_a_time_before_a_label_or_on_a_line_of_its_own_is_that_of_the_turn() -> None:
    content = read("[00:01:05] Oda: Hi.\n\n00:02:00\n\nTom: So?\n0:75 Oda: No.\n(1:00) Tom: Go.\n")
    assert column(content, "start_ms") == [65_000, 120_000, 60_000]
    assert said(content)[1] == ("Tom", "So? 0:75 Oda: No.")


@pytest.mark.parametrize(
    "text",
    [
        "**Oda**: Hi.\n\n**Tom:** Yes.\n\n**Oda:** Good.\n",
        "Oda [quietly]: Hi.\nTom (to Oda): Yes.\nOda: Good.\n",
        "- ODA: Hi.\n- TOM: Yes.\n- ODA: Good.\n",
        "ODA: Hi.\r\nTOM: Yes.\r\nODA: Good.",
    ],
)
def test_labels_are_found_however_they_are_dressed(text: str) -> None:
    assert [name.title() for name, _ in said(read(text)) if name] == ["Oda", "Tom", "Oda"]
    assert [words for _, words in said(read(text))] == ["Hi.", "Yes.", "Good."]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.txt", "Title: The harbour\nAuthor: Somebody\nDate: 2024-03-05\n"),
        ("a.txt", "It was a dark night.\nThe sea said one thing: go home.\nNobody went.\n" * 9),
        ("a.txt", "ODA: Hi.\n" + "and so they went on and on\n" * 9),
        ("a.log", "ODA: Hi.\nTOM: Yes.\nODA: Good.\n"),
        ("a.html", "<p>ODA: Hi.</p>\n<p>TOM: Yes.</p>\n<p>ODA: Good.</p>\n"),
    ],
)
def test_what_has_no_labels_of_speakers_is_no_transcript(path: str, text: str) -> None:
    (refused,) = read(text, path).rejected
    assert refused.reason is Reason.UNKNOWN_FORMAT


def test_a_text_that_shows_another_format_is_read_as_that() -> None:
    timed = "Title: A\nAuthor: B\n" + "1\n00:00:01,000 --> 00:00:02,000\nODA: Hi.\n\n" * 3
    assert read(timed).source.format == "srt"


def test_a_turn_that_no_one_could_say_is_refused_alone() -> None:
    content = read("ODA: Hi.\nTOM: " + "word " * 2_001 + "\nODA: Good.\n")
    assert [(one.position, one.reason) for one in content.rejected] == [
        ("line 2", Reason.TEXT_TOO_LONG)
    ]
    assert said(content) == [("ODA", "Hi."), ("ODA", "Good.")]


def test_a_label_of_common_words_is_one_where_the_file_uses_it_as_such() -> None:
    spoken = [
        ("Oda", "Hi."),
        ("Woman over speakerphone", "Yes."),
        ("Oda", "So it goes: on and on."),
    ]
    assert said(read("\n\n".join(f"{name}: {words}" for name, words in spoken))) == spoken
    wrapped = "Oda: I know\nThe thing is: no.\nTom: Yes.\nOda: Good.\n"
    assert said(read(wrapped))[0] == ("Oda", "I know The thing is: no.")


def test_real_turns_are_cut_at_their_labels(shared_data: Path) -> None:
    table = pq.read_table(
        shared_data / "dialogue" / "the_office.parquet", filters=[("season", "==", 3)]
    )
    turns = [
        (" ".join(row["speaker"].split()), " ".join(row["text"].split()))
        for row in table.select(["speaker", "text"]).to_pylist()
        if row["speaker"] and row["text"]
    ]
    content = read("\n".join(f"{name}: {words}\n" for name, words in turns))
    raw = [f"{name}: {words}" for name, words in turns]
    found = dict.fromkeys(column(content, "text_raw"))
    missed = [line for line in raw if line not in found]
    assert len(turns) > 4_000
    assert len(missed) < len(turns) / 100


WORDS = ["well", "so", "they're", "co-op", "naïve", "мир", "今日は", "3", "it's", "😀"]
sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=20).map(
    lambda words: f"I {' '.join(words)} go."
)
turns = st.tuples(st.sampled_from(["ODA", "Tom", "Dr. Quill", "BO McGEE"]), sentences)


@given(st.lists(turns, min_size=3, max_size=12), st.sampled_from(["\n", "\n\n", "\r\n"]))
def test_what_is_written_and_read_again_is_the_same(
    spoken: list[tuple[str, str]], end: str
) -> None:
    spoken += spoken[:1]  # somebody speaks twice
    text = end.join(f"{name}: {words}" for name, words in spoken)
    assert said(read(text)) == spoken
