"""What every format keeps to, whichever it is: a new format is checked by its record alone."""

from __future__ import annotations

import collections
import contextlib
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_files import FILES

import beam_pipeline
from beam_pipeline.corpus import limits
from beam_pipeline.corpus.decoding import decode
from beam_pipeline.corpus.detection import FORMATS, Rank, detect, detect_binary, ranked
from beam_pipeline.corpus.formats import sbv, srt, timings
from beam_pipeline.corpus.formats.delimited import FORMAT as CSV
from beam_pipeline.corpus.formats.format import (
    HEAD_CHARS,
    BinaryCueFormat,
    BinaryTableFormat,
    CueFormat,
    DataSetFormat,
    Format,
    RawText,
    TableFormat,
    TextFormat,
    TranscriptFormat,
)
from beam_pipeline.corpus.location import extension, file_name
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import expand_inputs
from beam_pipeline.corpus.reading import read_bytes
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.corpus.unpacking import is_zip, unpack
from beam_pipeline.records import Reason

ROOT = Path(beam_pipeline.__file__).parents[1]
GENERATE = ROOT / "docs" / "generate.py"
OPTIONS = ReadOptions("c")
MELD_HEADER = "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime"

each_format = pytest.mark.parametrize("format", FORMATS, ids=lambda one: one.name)


def samples(format: Format) -> list[tuple[str, bytes]]:
    """The made-up files that are read as that format, unpacked."""
    found = [
        (path.removesuffix(".gz"), unpack(data))
        for path, data in FILES
        if not is_zip(data) and read_bytes(path, data, OPTIONS).source.format == format.name
    ]
    assert found, f"tests/support/made_up_files.py has no {format.title}"
    return found


def read_as(format: Format, data: bytes) -> None:
    """Reads bytes as that format, whatever they are."""
    if isinstance(format, BinaryTableFormat):
        format.read(data, OPTIONS)
    elif isinstance(format, TableFormat):
        format.read(decode(data).text, OPTIONS)
    elif isinstance(format, BinaryCueFormat):
        format.read(data)
    elif isinstance(format, CueFormat | DataSetFormat | TranscriptFormat):
        format.read(decode(data).text)


def ranks_in(path: str, data: bytes) -> dict[str, Rank]:
    """How each format stands that a text shows, by name, the least rank first."""
    found = ranked(RawText(decode(data).text, extension(path), file_name(path)))
    return {one.name: rank for rank, one in found}


def is_decided(ranks: dict[str, Rank]) -> bool:
    """Whether no two formats have the least rank."""
    return list(ranks.values()).count(min(ranks.values(), default=Rank(0, 0, False))) <= 1


@each_format
def test_each_format_shows_in_its_own_files_more_than_any_other(format: Format) -> None:
    for path, data in samples(format):
        if isinstance(format, BinaryCueFormat | BinaryTableFormat):
            assert data.startswith(format.magic)
            continue
        ranks = ranks_in(path, data)
        by_extension_alone = vars(format)["recognise"] is vars(CSV)["recognise"]
        assert next(iter(ranks), None) == (None if by_extension_alone else format.name)
        assert is_decided(ranks)


def test_no_real_subtitle_is_in_two_formats_alike(shared_data: Path) -> None:
    paths = expand_inputs([str(shared_data / "subtitles"), str(ROOT / "demo" / "Tolsay Ferry")])
    shown = {}
    for path in paths:
        with contextlib.suppress(RefusalError):  # some are no text
            shown[path] = ranks_in(path, unpack(Path(path).read_bytes()))
    assert len(shown) > 400
    assert [path for path, ranks in shown.items() if not is_decided(ranks)] == []


@each_format
def test_a_file_that_is_cut_off_anywhere_is_read_or_refused(format: Format) -> None:
    for _, data in samples(format):
        for end in range(len(data)):
            try:
                read_as(format, data[:end])
            except RefusalError:
                continue


def test_no_two_formats_share_a_name_or_an_extension_that_decides() -> None:
    names = collections.Counter(one.name for one in FORMATS)
    extensions = collections.Counter(found for one in FORMATS for found in one.extensions)
    assert max(names.values()) == max(extensions.values()) == 1


@each_format
def test_an_extension_decides_where_content_shows_nothing(format: Format) -> None:
    for found in format.extensions:
        assert found == found.lower()
        assert found.startswith(".")
        chosen = detect_binary(b"nothing", found) or detect("nothing", found)
        assert chosen is format
    assert not set(format.extensions) & set(format.shared_extensions)


def test_a_header_of_meld_whose_rest_belies_it_loses_its_file() -> None:
    # behind what is searched for a format there are more of another delimiter
    data = MELD_HEADER + "," + "x" * HEAD_CHARS + ";" * 20 + "\nHi"
    (rejected,) = read_bytes("a.csv", data.encode(), OPTIONS).rejected
    assert rejected.reason is Reason.MALFORMED_FILE


def test_the_evidence_that_starts_first_wins_then_the_longest() -> None:
    meld = MELD_HEADER + '\n"\n00:00:01,000 --> 00:00:02,000\n",Ann,joy,0,1,1,2,0,1\n'
    emorynlp = '{"episodes": []}'
    assert ranks_in("a.csv", meld.encode()).keys() == {"meld", "srt"}
    assert ranks_in("a.txt", emorynlp.encode()).keys() == {"emorynlp", "jsonl"}
    for text, name in (
        (meld, "meld"),
        (emorynlp, "emorynlp"),
        ("<SAMI><BODY><SYNC Start=1><P><tt>Hi</tt>", "sami"),
        ("<tt><body><p end='1s'>the tag <SAMI ></p></body></tt>", "ttml"),
        ("0:00:01.0,0:00:02.0\nHi\n00:00:03,0 --> 00:00:04,0\nHi", "sbv"),
        ("00:00:03,0 --> 00:00:04,0\nHi\n0:00:01.0,0:00:02.0\nHi", "srt"),
    ):
        assert detect(text, ".txt").name == name


LINES = [
    "00:00:01,000 --> 00:00:02,000",
    "0:00:01.000,0:00:02.000",
    " 0:01,\t 0:02 ",
    "so, 12:30 then --> 0:01",
    "00:00:01,000 --> 00:00:02,000" + " " * limits.MAX_TIMING_CHARS,
    "0:01,0:02" + " " * (limits.MAX_TIMING_CHARS - 9),
    "0:01,0:02" + " " * (limits.MAX_TIMING_CHARS - 8),
    "x" * 2_000 + "0:01,0:02",
    "-->-->",
    ",,0:",
    "",
    "é",
]


@pytest.mark.parametrize(
    ("format", "is_timing"),
    [(srt.FORMAT, timings.is_timing), (sbv.FORMAT, sbv.is_timing)],
    ids=["srt", "sbv"],
)
@given(lines=st.lists(st.sampled_from(LINES)), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_the_first_timing_line_is_found_as_if_each_line_were_looked_at(
    format: TextFormat, is_timing: Callable[[str], bool], lines: list[str], end: str
) -> None:
    text = end.join(lines)
    evidence = format.recognise(RawText(text, ""))
    found = next((line for line in lines if is_timing(line)), None)
    assert (evidence and text[slice(*evidence)]) == found
    if found is not None and evidence:
        assert evidence[0] == len("".join(line + end for line in lines[: lines.index(found)]))


QUILL = """
    import re

    from beam_pipeline.corpus.formats.cue_blocks import Cue, ParsedCues
    from beam_pipeline.corpus.formats.format import CueFormat

    TIME = re.compile(r"~(\\d\\d):(\\d\\d)\\.(\\d\\d)~(.*)")


    def read_quill(text):
        cues = []
        for line, (minutes, seconds, hundredths, words) in enumerate(TIME.findall(text), 1):
            at = (int(minutes) * 60 + int(seconds)) * 1000 + int(hundredths) * 10
            cues.append(Cue(line, at, at, (words,)))
        return ParsedCues(tuple(cues), ())


    FORMAT = CueFormat(
        name="quill",
        title="Quill",
        extensions=(".quill",),
        recognise=lambda text: text.at_start(TIME),
        read=read_quill,
        known_by="a time in tildes",
        item="a line",
    )
"""
USES_QUILL = """
    import runpy, sys
    from beam_pipeline.corpus import formats
    formats.__path__.append(sys.argv[1])
    from beam_pipeline.corpus.detection import FORMATS
    from beam_pipeline.corpus.options import ReadOptions
    from beam_pipeline.corpus.reading import read_bytes

    for path, data in (("a.txt", b"~00:01.00~I'm here.\\n"), ("b.quill", b"nothing")):
        source = read_bytes(path, data, ReadOptions("c")).source
        print(source.format, source.used)
    (refused,) = read_bytes("a.xyz", b"nothing", ReadOptions("c")).rejected
    print("Quill" in refused.detail)
    docs = runpy.run_path(sys.argv[2])
    print("| Quill `.quill` | a time in tildes | a line | |" in docs["format_table"](FORMATS))
"""


def test_a_new_format_needs_nothing_but_its_file(tmp_path: Path) -> None:
    (tmp_path / "quill.py").write_text(textwrap.dedent(QUILL))
    command = [sys.executable, "-c", textwrap.dedent(USES_QUILL), str(tmp_path), str(GENERATE)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert ended.stdout.splitlines() == ["quill 1", "quill 0", "True", "True"]
