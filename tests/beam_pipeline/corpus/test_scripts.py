"""Subtitles in other scripts: two languages at once, and sentences that no mark ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.formats.cue_blocks import Cue
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, read_bytes
from beam_pipeline.corpus.scripts import script_of

CHINESE = ["今天的水很冷", "我们回家吧", "好的"]
ENGLISH = ["The water is cold.", "Let us go home.", "All right."]
RUSSIAN = ["Вода сегодня холодная.", "Пойдём домой.", "Хорошо."]


def read(
    cues: list[Cue], path: str = "a.srt", languages: tuple[str, ...] | None = None
) -> FileContent:
    def time(ms: int) -> str:
        return f"00:{ms // 60_000:02}:{ms // 1000 % 60:02},{ms % 1000:03}"

    text = "".join(
        f"{time(cue.start_ms)} --> {time(cue.end_ms)}\n" + "\n".join(cue.lines) + "\n\n"
        for cue in cues
    )
    content = read_bytes(path, text.encode(), ReadOptions("c", languages=languages))
    source = content.source
    assert source.found == source.used + source.dropped + source.rejected
    return content


def cues(*texts: str) -> list[Cue]:
    return [
        Cue(at, at * 2000, at * 2000 + 1900, tuple(text.split("\n")))
        for at, text in enumerate(texts)
    ]


def both(one: list[str], other: list[str]) -> list[Cue]:
    return cues(*(f"{a}\n{b}" for a, b in zip(one, other, strict=True)))


def texts(content: FileContent) -> list[str]:
    found: list[str] = content.episodes[0].utterances["text"].to_pylist()
    return found


@pytest.mark.parametrize(
    ("path", "languages", "spoken"),
    [
        ("a.srt", None, ENGLISH),
        ("a.srt", ("en",), ENGLISH),
        ("a.srt", ("zh",), CHINESE),
        ("a.zh.srt", None, CHINESE),
        ("a.zh.srt", ("en",), ENGLISH),
    ],
)
def test_of_two_languages_in_each_cue_the_one_that_is_wanted_is_read(
    path: str, languages: tuple[str, ...] | None, spoken: list[str]
) -> None:
    content = read(both(CHINESE, ENGLISH), path, languages)
    assert texts(content) == spoken
    assert content.rejected == ()
    raw = content.episodes[0].utterances["text_raw"].to_pylist()
    assert raw == [f"{a}\n{b}" for a, b in zip(CHINESE, ENGLISH, strict=True)]


def test_cues_of_another_language_at_the_same_time_are_dropped() -> None:
    content = read(sorted(cues(*RUSSIAN) + cues(*ENGLISH), key=lambda cue: cue.start_ms))
    assert texts(content) == ENGLISH
    assert dict(content.source.dropped_kinds) == {"other_language": 3}


def test_some_words_of_another_language_are_said() -> None:
    spoken = ["Hello.", "He said спасибо.", "Спасибо!", "Good."]
    assert texts(read(cues(*spoken))) == spoken


def test_a_cue_in_a_script_without_full_stops_is_a_sentence() -> None:
    for spoken in (
        CHINESE,
        ["今日は水が", "冷たいです", "どうして？"],
        ["오늘은 물이", "차갑습니다"],
    ):
        assert texts(read(cues(*spoken))) == spoken
    assert texts(read(cues("因为，", "我不知道"))) == ["因为， 我不知道"]


def test_where_such_a_file_has_full_stops_a_cue_without_one_runs_on() -> None:
    assert texts(read(cues("今天的水", "很冷。", "好的。", "走吧。"))) == [
        "今天的水 很冷。",
        "好的。",
        "走吧。",
    ]


@given(st.lists(st.sampled_from([*ENGLISH, "Très bien.", "ODA: Go!", "♪ la ♪", "- No."])))
def test_a_file_in_one_script_loses_no_line_to_another(spoken: list[str]) -> None:
    content = read(cues(*spoken, "Go."))
    assert "other_language" not in dict(content.source.dropped_kinds)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Ça va", "Latin"),
        ("12 - 3", None),
        ("日本語の本", "Kana"),
        ("中文字 ok", "Han"),
        ("♪", None),
    ],
)
def test_the_script_of_a_text_is_that_of_most_letters(text: str, script: str | None) -> None:
    assert script_of(text) == script
