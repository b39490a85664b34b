"""Every cue of real files is accounted for: counted here in another way than by the readers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_files import FILES

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import expand_inputs
from beam_pipeline.corpus.reading import FileContent, read_bytes


def _arrows(text: str) -> int:
    return sum("-->" in line for line in re.split(r"\r\n|\r|\n", text))


def _matches(pattern: str) -> Callable[[str], int]:
    return lambda text: len(re.findall(pattern, text, re.MULTILINE | re.IGNORECASE))


def _paragraphs(text: str) -> int:
    return len(re.findall(r"<(?:\w+:)?p[\s/>]", re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)))


def _synchronised(text: str) -> int:
    """Paragraphs of the body, and what has a time but no paragraph."""
    parts = re.split(r"<sync", text[text.lower().find("<body") :], flags=re.IGNORECASE)
    return sum(max(len(re.findall(r"<p[\s>]", part, re.IGNORECASE)), 1) for part in parts[1:])


def _longest_list(text: str, *names: str) -> int:
    document = json.loads(text)
    lists = [document.get(name, []) for name in names] if isinstance(document, dict) else [document]
    return max(map(len, lists))


COUNTS: dict[str, Callable[[str], int]] = {
    "srt": _arrows,
    "webvtt": _arrows,
    "ass": _matches(r"^\s*(?:dialogue|comment):"),
    "microdvd": _matches(r"^\{\d+\}\{\d*\}"),
    "sami": _synchronised,
    "sbv": _matches(r"^\d+:\d+:[\w.]+,\d+:\d+:[\w.]+\s*$"),
    "scc": _matches(r"^\d\d:\d\d:\d\d[:;]\d\d\s"),
    "ttml": _paragraphs,
    "opus": _matches(r"<s[\s>]"),
    "whisper": lambda text: _longest_list(text, "segments", "chunks") or 1,
    "rev": _matches(r'"monologues"'),
    "convokit_parts": lambda text: 1,
    "podcast": lambda text: _longest_list(text, "segments"),
    "assemblyai": lambda text: _longest_list(text, "utterances"),
    "deepgram": _matches(r'"punctuated_word"'),
    "aws_transcribe": _matches(r'"pronunciation"'),
    "youtube_json3": lambda text: _longest_list(text, "events"),
    "youtube_xml": _matches(r"<(?:p|text)\s"),
    "mpl2": _matches(r"^\[\d+\]\[\d*\]"),
    "tmplayer": _matches(r"^\d\d:\d\d:\d\d(?:,1=|:)"),
    "lrc": _matches(r"\[[\w:.+]+\]"),
    "spruce_stl": _matches(r"^[$/\d]"),
    "whisper_text": _matches(r"^[\[D]"),
    "whisper_table": lambda text: len(text.splitlines()) - 1,
    "meeting": _matches(r"^Weekly|  0:|^0:|seconds0:"),
    "teams": _arrows,
    "fountain": _matches(r"^(?:title|int|oda|ann|@|cut)"),
    # what a subtitle does not need of its last block is filled up
    "ebu_stl": _matches("\ufffd{9,}"),
    "transcript": _matches(r"^(?:the harbour|.scene|ann:|bo |he |.00)"),
}


def text_of(data: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding)
    return data.decode("utf-8-sig", "replace")


def check(data: bytes, content: FileContent) -> None:
    source = content.source
    assert source.found == source.used + source.dropped + source.rejected
    assert source.dropped == sum(count for _, count in source.dropped_kinds)
    assert source.rejected == sum(one.items for one in content.rejected)
    refused_whole = [one for one in content.rejected if not one.position]
    expected = COUNTS[source.format](text_of(data)) if source.format else 0
    assert source.found - len(refused_whole) == expected, source.path


@pytest.mark.parametrize("format", COUNTS)
def test_every_cue_of_a_made_up_file_is_accounted_for(format: str) -> None:
    contents = [(data, read_bytes(path, data, ReadOptions("made"))) for path, data in FILES]
    chosen = [one for one in contents if one[1].source.format == format]
    plain = [(data, one) for data, one in chosen if one.source.encoding in ("utf-8", "")]
    assert plain
    for data, content in plain:
        if not data.startswith(b"\x1f\x8b"):
            check(data, content)


def test_every_cue_of_every_real_subtitle_is_accounted_for(shared_data: Path) -> None:
    paths = expand_inputs([str(shared_data / "subtitles")])
    formats = set()
    for path in paths:
        data = Path(path).read_bytes()
        content = read_bytes(path, data, ReadOptions("real"))
        check(data, content)
        formats.add(content.source.format)
    assert len(paths) > 400
    assert formats >= {"srt", "webvtt", "ass", "microdvd", "sami", "sbv", "scc", "ttml"}
