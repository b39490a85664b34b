"""What is said in a file of subtitles or a transcript, in short rows."""

from __future__ import annotations

from typing import Any, NamedTuple

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, read_bytes


class Said(NamedTuple):
    start_ms: Any
    end_ms: Any
    name: str | None
    text: str


def read(text: str, path: str = "a.txt") -> FileContent:
    content = read_bytes(path, text.encode(), ReadOptions("c"))
    source = content.source
    assert source.found == source.used + source.dropped + source.rejected
    return content


def said(content: FileContent) -> list[Said]:
    (episode,) = content.episodes
    table = episode.utterances.to_pydict()
    columns = (table[name] for name in ("start_ms", "end_ms", "speaker_name", "text"))
    return [Said(*row) for row in zip(*columns, strict=True)]
