"""No word of the corpus stands in what is shown of it: refusals, logs, warnings and errors."""

from __future__ import annotations

import gzip
import io
import json
import logging
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_corpora import write_season

from beam_pipeline.corpus.archives import read_packed
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.output.manifest import read_manifests
from beam_pipeline.records import Reason, Rejected
from emonet.__main__ import main
from model.checkpoint import Checkpoint

ENGLISH_ONLY = ReadOptions("c", languages=("en",))
LETTERS = "jkqvxz"
MARKED = re.compile(f"[{LETTERS}]{{4}}", re.IGNORECASE)
"""Of words that are made of these letters alone something always stays that looks so."""

WORDS = [letters * 3 for letters in ("jkq", "vxz", "qxj", "zkv", "xvq")]
A, B, C, D, E = WORDS

BACKWARDS = {"start_ms": 9, "end_ms": 1}
LONG = f"{A} " * 3_000
"""More than any cue has, so that it is refused."""

BAD_ROWS: list[object] = [
    {A: B, "text": C, "start_ms": D},
    {"text": {A: B}},
    {"text": A, "speaker": [{"name": B}], "label": C},
    {"text": A, "speaker": {B: C}},
    {"text": A, "dialogue": D, **BACKWARDS},
    {"text": f"{A} " * 3_000},
    {"text": A, "language": B},
    [A, B],
    A,
]
HEADED = f"text,speaker,start_ms,language,{A}\n"


def parquet() -> bytes:
    file = io.BytesIO()
    columns = {"text": [A, "", B], "start_ms": ["5", C, "6"], "language": [D, D, D], E: [A, B, C]}
    pq.write_table(pa.table(columns), file, compression="none")
    return file.getvalue()


def zipped(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr(zipfile.ZipInfo(name), data)
    return file.getvalue()


FILES = {
    "srt": f"1\n00:00:01,000 --> {A}\n{B}: {C}\n\n2\n00:00:09,000 --> 00:00:08,000\n{D}\n\n"
    f"3\n00:00:10,000 --> {B}\n{LONG}\n",
    "vtt": f"WEBVTT {A}\n\nNOTE {B}\n\n{C}\n{A} --> 00:02.000 {D}\n<v {E}>{A}</v>\n\n"
    f"{B}\n00:03.000 --> {C}\n{LONG}\n",
    "ass": "[Script Info]\nTitle: {0}\n[Events]\nFormat: Layer, Start, End, Style, Name, Text\n"
    "Dialogue: 0,{1},0:00:02.00,{2},{3},{4}\nDialogue: 0,{4}\nComment: {0}\n".format(*WORDS),
    "sub": f"{{1}}{{2}}{A}\n{{5}}{{3}}{B}|{C}\n{{{D}}}{{9}}{E}\n{{9{A}\n{{9}}{{{A}}}{LONG}\n",
    "smi": f"<SAMI><HEAD><TITLE>{A}</TITLE></HEAD><BODY><SYNC Start={B}><P Class={C} ID={D}>{E}"
    f"<SYNC Start=5><P Class={C}>{A}<SYNC Start=-9><P Class={C}>{B}\n"
    f"<SYNC Start={A}><P Class={C}>{LONG}\n",
    "sbv": f"0:00:01.000,0:00:02.000\n{A}\n\n0:00:09.000,0:00:03.000\n{B}\n\n"
    f"0:99:01.000,0:00:02.000\n{C}\n\n0:00:08.000,0:00:09.000\n{LONG}",
    "scc": f"Scenarist_SCC V1.0\n\n{A}\t94ae\n\n00:00:01;00\t{B} {C}\n\n00:99:00:00\t9420\n{D}\n",
    "ttml": f'<tt xml:lang="{A}"><head><ttm:agent xml:id="{B}"><ttm:name>{C}</ttm:name></ttm:agent>'
    f'</head><body><div><p begin="{D}" end="2s">{E}</p><p begin="9s" dur="{A}">{B}</p>'
    f'<p begin="9s" dur="{A}">{LONG}</p></div></body>'
    "</tt>",
    "xml": f'<document id="{A}"><s id="{B}"><w>{C}</w></s><s><time id="T1S" value="{D}"/><w>{E}</w>'
    f"</s><s>{LONG}</s></document>",
    "json": json.dumps(
        {
            "text": A,
            "language": B,
            "segments": [
                {"start": C, "end": 2, "text": D},
                {"start": 1, "end": 2, "text": [E]},
                {"start": 3, "end": 2, "text": A, "speaker": B},
                {C: D},
            ],
        }
    ),
    "emorynlp.json": json.dumps(
        {
            "episodes": [
                {
                    "episode_id": "s01_e02",
                    "scenes": [
                        {
                            "scene_id": A,
                            "utterances": [
                                {"speakers": [{B: C}], "transcript": D, "emotion": E},
                                {"speakers": [A], "transcript": {B: C}, "emotion": D},
                                E,
                            ],
                        }
                    ],
                }
            ]
        }
    ),
    "meld.csv": "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,"
    "EndTime\n"
    "{0},{1},{2},{3},0,1,2,{4},{0}\n{1},{2}\n".format(*WORDS),
    "tsv": f"{A}\t1, 3\n{B}\t0\n" * 12 + f"{C}\t{D}\n{E}\n",
    "lrc": f"[ti:{A}]\n[00:01.50]{B}\n[00:75.00]{C}\n[0:0:0:{D}\n",
    "mpl": f"[1][2]{A}\n[5][3]{B}|{C}\n[7{D}]{E}\n",
    "tmp": f"00:00:01:{A}\n00:99:01:{B}\n00:00:0{C}:{D}\n",
    "stl": f"${A} = {B}\n00:00:01:00 , 00:00:02:00 , {C}\n{D}\n00:99:01:00 , 00:00:02:00 , {E}\n",
    "whisper.txt": f"{A}\n[00:01.000 --> 00:02.000] {B}\n[{C} --> 00:02.000] {D}\n",
    "whisper.tsv": f"start\tend\ttext\n1\t2\t{A}\n{B}\t2\t{C}\n9\t2\t{D}\n{E}\n",
    "meeting.txt": f"{A}\n{B} (0:03):\n{C}\n{D} (0:75):\n{E}\n{A} (0:05): {B}\n",
    "teams.txt": f"0:0:1.5 --> 0:0:2.0\n{A}\n{B}\n{C} --> 0:0:2.0\n{D}\n{E}\n",
    "transcript.txt": f"{A}: {B}\n{C}: {D}\n{A}: {E} " + f"{B} " * 2_000,
    "fountain": f"Title: {A}\n\n{B}\n\n@{C}\n{D}\n\n@{E}\n" + f"{B} " * 2_000,
    "podcast.json": json.dumps(
        {"segments": [{"startTime": 1, "body": A}, {"startTime": B, "body": C}, {"body": [D]}]}
    ),
    "deepgram.json": json.dumps(
        {"results": {"channels": [], "utterances": [{A: B}, {"start": 1, "end": C}]}}
    ),
    "aws.json": json.dumps(
        {"results": {"transcripts": [], "items": [A, {"start_time": B}, {"alternatives": [C]}]}}
    ),
    "json3": json.dumps({"events": [{"tStartMs": A, "segs": [{"utf8": B}]}, C, {"segs": [D]}]}),
    "srv3": f"<timedtext><p t='{A}'>{B}</p><p>{C}</p><p t='1' d='{D}'>{E}</p></timedtext>",
    "convokit.jsonl": "".join(
        json.dumps(dict.fromkeys(("id", "user", "root", "reply_to", "timestamp"), A) | text) + "\n"
        for text in ({"text": B}, {"text": {C: D}}, {"text": None})
    ),
    "jsonl": "".join(json.dumps(row) + "\n" for row in BAD_ROWS) + f"{{{A}\n",
    "csv": HEADED + f"{A},{B},{C},en,{D}\n,{E},5,en,\n{A},{B}\n{C},{D},5,{E},{A}\n",
    "headless.csv": f"{A},{B} {C}\n{D},{E}\n",
    "columnless.jsonl": json.dumps({A: B, C: D}) + "\n",
    "txt": f"{A} {B}\n{C}\n",
}
CONTENTS = {f"a.{kind}": text.encode() for kind, text in FILES.items()} | {"a.parquet": parquet()}


class _Kept(logging.Handler):
    """Keeps what is logged, as it would be written."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.shown: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.shown.append(self.format(record))


def shown_of(path: str, data: bytes) -> Iterator[str]:
    """All that is shown of a file: what is refused of it, logged and warned of."""
    kept, root = _Kept(), logging.getLogger()
    # hundreds of lines a file, on its name alone
    logging.getLogger("rebulk").setLevel(logging.INFO)
    level = root.level
    root.addHandler(kept)
    root.setLevel(1)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            contents = [*read_packed(path, data, ENGLISH_ONLY)]
    finally:
        root.removeHandler(kept)
        root.setLevel(level)
    yield from kept.shown
    yield from (str(warning.message) for warning in warned)
    for content in contents:
        yield from map(_refusal, content.rejected)
        yield from (content.source.format, content.source.encoding)


def _refusal(rejected: Rejected) -> str:
    # the id of an episode is a name, made of those of a show and its columns
    position = "" if rejected.reason is Reason.OTHER_LANGUAGE else rejected.position
    return f"{rejected.source} {position} {rejected.reason} {rejected.detail}"


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """A file with pieces of it changed, cut, doubled and moved."""
    for _ in range(draw(st.integers(0, 4))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
        end = min(end, start + draw(st.sampled_from((0, 1, 2, 9, 99))))
        origin = draw(st.integers(0, len(data)))
        moved = (b"", data[start:end] * 2, data[origin : origin + 20])
        piece = draw(st.sampled_from((*moved, *PIECES, *map(str.encode, WORDS))))
        data = data[:start] + piece + data[end:]
    return data


PIECES = (b"\n", b"\xff", b"\0", b'"', b",", b"{", b"}", b"<", b">", b"-->", b"\t", b"\\ud800")


@pytest.mark.parametrize("name", CONTENTS)
@settings(max_examples=30)
@given(draw=st.data())
def test_no_word_of_a_file_stands_in_what_is_told_of_it(name: str, draw: st.DataObject) -> None:
    data = draw.draw(damaged(CONTENTS[name]))
    path, packed = draw.draw(
        st.sampled_from(
            [
                (name, data),
                (f"{name}.gz", gzip.compress(data)),
                (f"{name}.gz", gzip.compress(data)[:-9]),
                ("a.zip", zipped(name, data)),
                ("a.zip", zipped(name, data)[:-9]),
                (name, data.decode("latin-1").encode("utf-16")),
                ("a.srt", data),
                ("a.csv", data),
                ("a.txt", data),
            ]
        )
    )
    for shown in shown_of(path, packed):
        assert not MARKED.search(shown)


@pytest.mark.parametrize("name", CONTENTS)
def test_each_of_these_files_is_refused_in_part_as_it_is(name: str) -> None:
    assert any(content.rejected for content in read_packed(name, CONTENTS[name], ENGLISH_ONLY))


def test_a_night_tells_no_word_of_what_it_refused(
    tiny_checkpoint: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = write_season(tmp_path / "quay", (1,))
    for name, data in CONTENTS.items():
        (corpus / name).write_bytes(data)
    out = tmp_path / "out"
    flags = ["--output", str(out), "--checkpoint", str(tiny_checkpoint.folder)]
    assert main(["label", str(corpus), *flags, "--max-rejected", "1"]) == 0
    shown = capsys.readouterr()
    assert not MARKED.search(shown.out + shown.err)
    rows = [
        row
        for part in read_manifests(str(out))["0"]["rejected"]
        for row in pq.read_table(out / part["path"], partitioning=None).to_pylist()
    ]
    assert len(rows) > len(CONTENTS)
    assert not MARKED.search(" ".join(row["detail"] for row in rows))
