from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus import markup
from beam_pipeline.corpus.foreign_markup import at_breaks, without_breaks
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import read_bytes


def texts(*cues: str, path: str = "a.srt", options: ReadOptions | None = None) -> list[str]:
    data = "\n".join(
        f"{at}\n00:00:{3 * at:02},000 --> 00:00:{3 * at + 1:02},000\n{text}\n"
        for at, text in enumerate(cues, 1)
    ).encode()
    (episode,) = read_bytes(path, data, options or ReadOptions("c")).episodes
    found: list[str] = episode.utterances["text"].to_pylist()
    return found


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("The kettle<br>is warm.", "The kettle is warm."),
        ("The kettle<BR/>is warm.", "The kettle is warm."),
        (r"The kettle\Nis warm.", "The kettle is warm."),
        (r"The kettle\nis warm.", "The kettle is warm."),
        (r"The\hkettle.", "The kettle."),
        ("Sit|down.", "Sit down."),
        ("{i}Stay{/i} here.", "Stay here."),
        ("{y:i}Go on.", "Go on."),
        (r"{\\an8}Good.", "Good."),
        ("I don&amp;#39;t.", "I don't."),
        ("Salt &amp;amp; pepper.", "Salt & pepper."),
        ("Salt &amp; pepper.", "Salt & pepper."),
        ("See <ruby>Edo<rt>the town</rt></ruby> again.", "See Edo again."),
        ("<ruby>Edo<rp>(</rp><rt>town</rt><rp>)</rp></ruby> is far.", "Edo is far."),
        ("<rt>Hee!</rt>", "Hee!"),
        ("<ruby>Edo<rt>town<rb>sea</ruby> is far.", "Edosea is far."),
    ],
)
def test_marks_of_other_formats_are_not_said(raw: str, text: str) -> None:
    assert texts(raw.replace("\\\\", "\\")) == [text]


@pytest.mark.parametrize("mark", ["<br>", "<br />", r"\N", "|"])
def test_a_turn_begins_behind_a_mark_of_a_line(mark: str) -> None:
    assert texts(f"- Shall we?{mark}- Yes.") == ["Shall we?", "Yes."]


@given(st.text("ab<br>\\\\N|h \n", max_size=30))
def test_what_ends_a_line_is_kept_in_the_raw_text_and_no_word_is_lost(text: str) -> None:
    broken = at_breaks(text)
    assert broken.replace("\n", "").replace(" ", "") == text.replace("\n", "").replace(" ", "")
    assert without_breaks(broken).count("\n") == broken.count("\n")
    raw = "".join(line.raw for voice in markup.voices(text) for line in voice.lines)
    assert raw.replace(" ", "") == text.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("last", ["गया।", "چلو۔", "يا؟", "行こう｡", "Ναι\u037e", "ไป", "행。」"])
def test_sentences_end_in_other_scripts_too(last: str) -> None:
    data = f"1\n00:00:01,000 --> 00:00:02,000\n{last}\n\n2\n00:00:02,100 --> 00:00:03,000\nx\n"
    (episode,) = read_bytes("a.srt", data.encode(), ReadOptions("c")).episodes
    assert episode.utterances["text"].to_pylist() == [last, "x"]


@pytest.mark.parametrize("tag", ["und", "zxx", "mul", "mis", "xx"])
def test_a_tag_that_names_no_language_refuses_nothing(tag: str) -> None:
    text = f'<tt xml:lang="{tag}"><body><p begin="1s" end="2s">Yes.</p></body></tt>'
    content = read_bytes("a.ttml", text.encode(), ReadOptions("c", languages=("en",)))
    assert [one.language for one in content.episodes] == [None]


def test_of_two_languages_in_ttml_the_one_that_says_most_is_read() -> None:
    text = (
        '<tt xml:lang="en"><body><div xml:lang="de"><p end="1s">Ja.</p></div>'
        '<div xml:lang="en-GB"><p end="1s">Yes.</p><p end="2s">No.</p></div></body></tt>'
    )
    content = read_bytes("a.ttml", text.encode(), ReadOptions("c", languages=("en",)))
    assert content.episodes[0].utterances["text"].to_pylist() == ["Yes.", "No."]
    assert content.source.dropped_kinds == (("other_language", 1),)


def test_a_repair_of_the_text_is_told() -> None:
    once = "I don’t know why.".encode().decode("cp1252")
    data = f"1\n00:00:01,000 --> 00:00:02,000\n{once}\n".encode()
    content = read_bytes("a.srt", data, ReadOptions("c"))
    assert content.source.assumed == ("the text was decoded twice",)
