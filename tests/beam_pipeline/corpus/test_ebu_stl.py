"""EBU STL, which is no text: what is kept of its blocks, and ttconv's word for it."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_files import ebu_stl, ebu_stl_block
from ttconv.model import Br, ContentElement, P, Text
from ttconv.stl.reader import to_model

from beam_pipeline.corpus.formats.ebu_stl import read_ebu_stl
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import read_bytes
from beam_pipeline.records import Reason

Shown = tuple[int, int, str]


def shown(data: bytes) -> list[Shown]:
    return [(cue.start_ms, cue.end_ms, "\n".join(cue.lines)) for cue in read_ebu_stl(data).cues]


def test_a_subtitle_of_several_blocks_is_one() -> None:
    blocks = [
        ebu_stl_block(1, (0, 0, 1, 0), (0, 0, 2, 12), b"Shall we ", extension=0),
        ebu_stl_block(1, (0, 0, 1, 0), (0, 0, 2, 12), b"begin?\x8aSo?", extension=0xFF),
        ebu_stl_block(2, (0, 0, 3, 0), (0, 0, 4, 0), b"\x80Yes\x81.\x07\x0b"),
    ]
    assert shown(ebu_stl(*blocks)) == [
        (1000, 2480, "Shall we begin?\nSo?"),
        (3000, 4000, "Yes.  "),
    ]


def test_the_programme_starts_at_zero_unless_a_subtitle_comes_before() -> None:
    ten = ebu_stl_block(1, (10, 0, 1, 0), (10, 0, 2, 0), b"Hi.")
    nine = ebu_stl_block(2, (9, 59, 59, 0), (10, 0, 0, 0), b"Hi.")
    assert shown(ebu_stl(ten, start=b"10000000")) == [(1000, 2000, "Hi.")]
    assert shown(ebu_stl(ten, nine, start=b"10000000"))[1][0] == 35_999_000
    assert shown(ebu_stl(ten, start=b"1000 000"))[0][0] == 36_001_000


def test_what_cannot_be_read_loses_itself_alone() -> None:
    blocks = [
        ebu_stl_block(1, (0, 61, 1, 0), (0, 0, 2, 0), b"Lost."),
        ebu_stl_block(2, (0, 0, 1, 25), (0, 0, 2, 0), b"Lost."),
        ebu_stl_block(3, (0, 0, 3, 0), (0, 0, 2, 0), b"Kept."),
        ebu_stl_block(4, (0, 0, 4, 0), (0, 0, 5, 0), b"A comment.", comment=1),
        ebu_stl_block(5, (0, 0, 4, 0), (0, 0, 5, 0), b"Data.", extension=0xFE),
        ebu_stl_block(6, (0, 0, 4, 0), (0, 0, 5, 0), b"Hi."),
        ebu_stl_block(7, (0, 0, 6, 0), (0, 0, 7, 0), b"Cut off.")[:100],
    ]
    content = read_bytes("a.stl", ebu_stl(*blocks), ReadOptions("c"))
    assert [(one.position, one.reason) for one in content.rejected] == [
        ("cue 1", Reason.MALFORMED_CUE),
        ("cue 2", Reason.MALFORMED_CUE),
        ("cue 7", Reason.MALFORMED_CUE),
    ]
    assert dict(content.source.dropped_kinds) == {"comment": 1, "control": 1}
    assert (content.source.format, content.source.found, content.source.used) == ("ebu_stl", 7, 2)


def test_a_file_that_ends_within_its_first_block_is_refused() -> None:
    (refused,) = read_bytes("a.stl", ebu_stl()[:1000], ReadOptions("c")).rejected
    assert refused.reason is Reason.MALFORMED_FILE


@pytest.mark.parametrize(
    ("table", "field", "text"),
    [
        (b"00", b"r\xc2ealis\xc2e \xa4\xd5\xf1", "réalisé $♪æ"),
        (b"01", "Мир".encode("iso8859_5"), "Мир"),
        (b"03", "Ναι".encode("iso8859_7"), "Ναι"),
    ],
)
def test_letters_are_those_of_the_alphabet_that_the_file_names(
    table: bytes, field: bytes, text: str
) -> None:
    data = ebu_stl(ebu_stl_block(1, (0, 0, 1, 0), (0, 0, 2, 0), field), table=table)
    assert shown(data) == [(1000, 2000, text)]


def test_a_byte_that_is_no_letter_of_its_alphabet_loses_its_subtitle() -> None:
    data = ebu_stl(ebu_stl_block(1, (0, 0, 1, 0), (0, 0, 2, 0), b"a\xff"), table=b"03")
    (refused,) = read_ebu_stl(data).refused
    assert (refused.position, refused.reason) == ("cue 1", Reason.UNDECODABLE)


def test_the_language_is_that_of_the_first_block() -> None:
    assert read_ebu_stl(ebu_stl(language=b"0F")).language == "fr"
    assert read_ebu_stl(ebu_stl(language=b"XY")).language is None


def theirs(data: bytes) -> list[Shown]:
    """What ttconv reads."""
    document = to_model(io.BytesIO(data))
    return [
        (round((found.get_begin() or 0) * 1000), round((found.get_end() or 0) * 1000), words(found))
        for found in document.get_body().dfs_iterator()
        if isinstance(found, P)
    ]


def words(paragraph: ContentElement) -> str:
    parts = paragraph.dfs_iterator()
    return "".join(
        one.get_text() if isinstance(one, Text) else "\n" if isinstance(one, Br) else ""
        for one in parts
    )


LETTERS = "abcdefgh ABC,.?!é è ñ ü Å ç ő ž ß æ ł “”’♪"
# of spaces in a row ttconv keeps none
lines = st.text(LETTERS, min_size=1, max_size=30).map(
    lambda line: " ".join(["I", *line.split(), "go."])
)
starts = st.tuples(st.integers(0, 59), st.integers(0, 58), st.integers(0, 24))


def encoded(text: str) -> bytes:
    """ISO 6937 of a text, by ttconv's table."""
    field = bytearray()
    for char in text:
        field += ENCODED[char]
    return bytes(field)


def _encodings() -> dict[str, bytes]:
    known = {chr(code): bytes([code]) for code in range(0x20, 0x7F)} | {"\n": b"\x8a"}
    marks = {"\u0300": 0xC1, "\u0301": 0xC2, "\u0303": 0xC4, "\u0308": 0xC8, "\u030a": 0xCA}
    marks |= {"\u0327": 0xCB, "\u030b": 0xCD, "\u030c": 0xCF}
    others = {"ß": 0xFB, "æ": 0xF1, "ł": 0xF8, "“": 0xAA, "”": 0xBA, "’": 0xB9, "♪": 0xD5}
    known |= {char: bytes([code]) for char, code in others.items()}
    for char in LETTERS:
        plain = unicodedata.normalize("NFD", char)
        if len(plain) == 2:
            known[char] = bytes([marks[plain[1]], ord(plain[0])])
    return known


ENCODED = _encodings()


episodes = st.lists(st.tuples(starts, st.lists(lines, min_size=1, max_size=2)), max_size=6)


@given(episodes)
def test_ttconv_reads_the_same(episode: list[tuple[tuple[int, int, int], list[str]]]) -> None:
    # ttconv moves subtitles that overlap: each is in an hour of its own
    blocks = [
        ebu_stl_block(at + 1, (at, *start), (at, 59, 59, 24), encoded("\n".join(spoken)))
        for at, (start, spoken) in enumerate(episode)
    ]
    data = ebu_stl(*blocks)
    assert shown(data) == theirs(data)
    assert [text for _, _, text in shown(data)] == ["\n".join(spoken) for _, spoken in episode]


def test_ttconv_reads_the_same_of_a_real_file(shared_data: Path) -> None:
    (path,) = (shared_data / "subtitles" / "odd" / "mantas").glob("*ebu_stl*.stl")
    assert shown(path.read_bytes()) == theirs(path.read_bytes())
