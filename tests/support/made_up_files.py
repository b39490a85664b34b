"""A small file of every format, with most of what the format can hold."""

from __future__ import annotations

import gzip
import io
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq

SRT = b"1\n00:00:01,000 --> 00:00:02,000\nANN: Hello there.\n\n"
_ASS = """[Script Info]
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,nobody
Dialogue: 0,0:00:01.00,0:00:02.00,Default,Ann,0,0,0,,{\\i1}Hi{\\i0}\\Nthere{a remark}
Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 9 9{\\p0}
"""
_TTML = """<?xml version="1.0"?><tt xml:lang="en" ttp:frameRate="24" ttp:tickRate="10">
<head><metadata><ttm:agent xml:id="a"><ttm:name>Ann</ttm:name></ttm:agent></metadata></head>
<body><div timeContainer="seq" begin="1s"><p dur="24f" ttm:agent="a">Hi &amp;<br/>bye</p>
<!-- a remark --><p begin="00:00:01:12" end="50t"><span begin="1s">So</span></p></div></body></tt>
"""
_SAMI = """<SAMI><HEAD><STYLE><!-- P {} --></STYLE></HEAD><BODY><SYNC Start=1000>
<P Class=EN ID=Source>Ann<P Class=EN>Hi<br>there<P Class=KR>A<SYNC Start="2000"><P Class=EN>&nbsp;
"""
_SCC = """Scenarist_SCC V1.0

00:00:01;00\t94ae 94ae 9420 9420 9470 9470 c8e9 a180 9137 9220 942f 942f

00:00:03;00\t942c 942c
"""
_OPUS = """<?xml version="1.0"?><document id="1"><s id="1"><time id="T1S" value="00:00:01,000"/>
<w id="1.1">Hi</w><w id="1.2">.</w><time id="T1E" value="00:00:02,000"/></s></document>
"""
_WHISPER = b"""{"text": "Hi", "segments": [{"id": 0, "start": 0.5, "end": 1e0, "text": " Hi",
"speaker": "SPEAKER_00"}], "language": "en"}"""
_MELD = (
    b"Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
    b'Hi,Ann,joy,0,0,1,2,"00:00:01,000","00:00:02,000"\n'
)
_EMORYNLP = (
    b'{"episodes": [{"episode_id": "s01_e15", "scenes": [{"scene_id": "c", "utterances": '
    b'[{"speakers": ["Ann"], "transcript": "Hi", "emotion": "Mad"}]}]}]}'
)
_CHUNKS = b"""{"text": "Hi there", "chunks": [{"timestamp": [0.0, 2.0], "text": " Hi"},
{"timestamp": [2.0, null], "text": " there"}]}"""
_PODCAST = b"""{"version": "1.0.0", "segments": [{"speaker": "Ann", "startTime": 0.5,
"endTime": 1.5, "body": "Hi"}, {"startTime": 2, "body": "Bye"}]}"""
_ASSEMBLYAI = b"""{"id": "x", "status": "completed", "language_code": "en_us", "utterances": [
{"speaker": "A", "start": 500, "end": 1500, "text": "Hi", "words": []}], "words": [
{"text": "Hi", "start": 500, "end": 1500, "speaker": "A"}]}"""
_REV = b"""{"monologues": [{"speaker": 0, "elements": [{"type": "text", "value": "Hi", "ts": 0.5,
"end_ts": 1.5}, {"type": "punct", "value": "."}]}]}"""
_DEEPGRAM = b"""{"metadata": {}, "results": {"channels": [{"alternatives": [{"transcript": "Hi.",
"words": [{"word": "hi", "start": 0.5, "end": 1.5, "punctuated_word": "Hi.", "speaker": 0}],
"paragraphs": {"paragraphs": [{"sentences": [{"text": "Hi.", "start": 0.5, "end": 1.5}],
"speaker": 0, "start": 0.5, "end": 1.5}]}}]}, {"alternatives": []}]}}"""
_AWS = b"""{"jobName": "x", "results": {"transcripts": [{"transcript": "Hi."}], "speaker_labels":
{"segments": [{"start_time": "0.5", "end_time": "1.5", "speaker_label": "spk_0", "items": [
{"start_time": "0.5", "end_time": "1.5", "speaker_label": "spk_0"}]}]}, "items": [{"start_time":
"0.5", "end_time": "1.5", "alternatives": [{"content": "Hi"}], "type": "pronunciation"},
{"alternatives": [{"content": "."}], "type": "punctuation"}]}}"""
_JSON3 = b"""{"wireMagic": "pb3", "events": [{"tStartMs": 0, "dDurationMs": 9000, "id": 1},
{"tStartMs": 500, "dDurationMs": 1000, "segs": [{"utf8": "Hi"}, {"utf8": " you"}]},
{"tStartMs": 1500, "aAppend": 1, "segs": [{"utf8": "\\n"}]}]}"""
_SRV3 = b"""<?xml version="1.0" encoding="utf-8" ?><timedtext format="3"><head><pen id="1"/></head>
<body><w t="0" id="1"/><p t="500" d="1000" w="1"><s ac="0">Hi</s><s t="400"> you</s></p>
<p t="1500" d="9" w="1" a="1">
</p></body></timedtext>"""
_SRV1 = b"""<?xml version="1.0"?><transcript><text start="0.5" dur="1">Hi &amp;amp; bye</text>
<text start="2">So</text></transcript>"""
_TRANSCRIPT = b"""The Harbour

[Scene: The harbour, everyone
is there.]

ANN: Shall we begin? The tide
is coming in.
(They look out.)
Bo (on the phone): (laughing) Yes.

He leaves the boat.

[00:01:05] ANN: Good.
"""
_FOUNTAIN = b"""Title: The Harbour

INT. HARBOUR - DAY

Oda looks out. /* struck
out */

ANN (O.S.)
(quietly)
Shall *we* begin? [[a note]]

@McGee
~La la la

CUT TO:
"""
_CONVOKIT = b"""{"id": "u2", "conversation_id": "s01_e02_c03", "text": "Bye", "speaker": "Ann",
"meta": {}, "reply-to": "u1", "timestamp": null}
{"id": "u1", "conversation_id": "s01_e02_c03", "text": "Hi", "speaker": "Bo", "meta": {"a": [1]},
"reply-to": null, "timestamp": null}
""".replace(b",\n", b", ")


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo("b/a.srt"), SRT * 2)
        packed.writestr(zipfile.ZipInfo("a.ass"), _ASS)
    return file.getvalue()


def _parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"text": ["Hi"], "speaker": ["Ann"], "start_ms": [5]}), file)
    return file.getvalue()


def ebu_stl(
    *blocks: bytes, start: bytes = b"00000000", table: bytes = b"00", language: bytes = b"09"
) -> bytes:
    """A file of EBU STL at 25 frames a second, of blocks as `ebu_stl_block` makes them."""
    head = b"850STL25.011" + table + language
    subtitles = len({block[:3] for block in blocks})
    counts = f"{len(blocks):05d}{subtitles:05d}001".encode()
    return head.ljust(238) + counts + b"40230" + start + start + b"11".ljust(752) + b"".join(blocks)


def ebu_stl_block(
    number: int,
    start: tuple[int, int, int, int],
    end: tuple[int, int, int, int],
    text: bytes,
    extension: int = 0xFF,
    comment: int = 0,
) -> bytes:
    """A block of EBU STL; times are hours, minutes, seconds and frames."""
    head = bytes([0, number, 0, extension, 0, *start, *end, 20, 2, comment])
    return head + text.ljust(112, b"\x8f")


FILES = (
    ("a.srt", SRT * 3),
    ("a.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Bo>Hi &amp; bye</v>\n"),
    ("a.srt", SRT.decode().encode("utf-16")),
    ("a.srt", SRT.decode().encode("utf-16-le")),
    ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nÀ tout à l'heure, là-bas\n".encode("latin-1")),
    ("a.srt", SRT + "2\n00:00:03,000 --> 00:00:04,000\nÀ tout à l'heure, là-bas\n".encode()),
    ("a.srt", SRT.replace(b"ANN: Hello", "今天很冷\nHello".encode()) * 3),
    ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nПойдём домой\n".encode("koi8-r")),
    ("a.srt.gz", gzip.compress(SRT, mtime=0)),
    ("a.zip", _zip()),
    ("a.ass", _ASS.encode()),
    ("a.sub", b"{1}{1}25.0\n{25}{50}{y:i}Hi|there\n{60}{}Bye\n"),
    ("a.smi", _SAMI.encode()),
    ("a.sbv", b"0:00:01.000,0:00:02.000\nHi\nthere\n\n0:00:03.000,0:00:04.000\nA[br]B\n"),
    ("a.scc", _SCC.encode()),
    ("a.ttml", _TTML.encode()),
    ("a.xml", _OPUS.encode()),
    ("a.json", _WHISPER),
    ("a.json", _CHUNKS),
    ("a.json", b'[{"text": "Hi", "start": 0.5, "duration": 1.5}, {"text": "Bye", "start": 2}]'),
    ("a.json", _PODCAST),
    ("a.json", _ASSEMBLYAI),
    ("a.json", _DEEPGRAM),
    ("a.json", _REV),
    ("a.json", b'{"text": "Hi there.", "language": "en"}'),
    ("speakers.json", b'{"ann": {"meta": {"age": 9}, "vectors": []}}'),
    ("a.json", _AWS),
    ("a.json3", _JSON3),
    ("a.srv3", _SRV3),
    ("a.xml", _SRV1),
    ("a.txt", _TRANSCRIPT),
    ("a.fountain", _FOUNTAIN),
    ("a.jsonl", _CONVOKIT),
    ("a.sub", b"[10][25]/Hi|there\n[30][]Bye\n"),
    ("a.txt", b"00:00:01:Hi|there\n00:00:02,1=So\n00:00:02,2=what\n00:00:04:\n"),
    ("a.lrc", b"[ti:A]\n[offset:+500]\n[00:01.50][00:09.5]Hi\n[00:02.5]<00:02.6>So\n[00:04.50]\n"),
    ("a.stl", b"$FontName = Arial\n00:00:01:00 , 00:00:02:12 , ^IHi^I|there\n"),
    ("a.txt", b"Detected language: English\n[00:00.500 --> 00:02.000]  Hi\nthere\n"),
    ("a.tsv", b"start\tend\ttext\n500\t2000\tHi\n9000\t9500\tBye\n"),
    ("a.csv", b'start,end,speaker,text\n500,2000,Ann,"Hi, ""you"""\n'),
    ("a.txt", b"Weekly\n\nAnn Low  0:03\nHi\n\nBo  0:05\nYes\n"),
    ("a.txt", b"Ann Low\n0 minutes 3 seconds\n0:03\nHi\nBo\n5 seconds0:05\nBo 5 seconds\nYes\n"),
    ("a.txt", b"0:0:0.5 --> 0:0:2.123\nAnn Low\nHi\n\n0:0:3.0 --> 0:0:4.0\nBo\nYes\n"),
    ("a.json", _EMORYNLP),
    ("a.json", b'{"text": "Hi", "speaker": "Ann"}\n{"text": "Bye", "speaker": "Bo"}\n'),
    ("a.json", b'[{"text": "Hi", "speaker": "Ann"}, {"text": "Bye", "speaker": "Bo"}]'),
    ("a.jsonl", b'{"text": "Hi", "speaker": "Ann", "start_ms": 5, "episode": "s01_e02"}\n' * 2),
    ("a.csv", b'text,speaker,season\n"Hi, you",Ann,1\nBye,Bo,s02\n'),
    ("a.csv", _MELD),
    ("a.tsv", b"Hi , you .\t1, 3\nBye .\t0\n"),
    ("a.parquet", _parquet()),
    (
        "a.stl",
        ebu_stl(
            ebu_stl_block(1, (10, 0, 1, 0), (10, 0, 2, 0), b"H\xc2i ".ljust(112), extension=0),
            ebu_stl_block(1, (10, 0, 1, 0), (10, 0, 2, 0), b", you"),
            ebu_stl_block(2, (10, 0, 3, 0), (10, 0, 4, 0), b"A remark", comment=1),
            start=b"10000000",
        ),
    ),
)
