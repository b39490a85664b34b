"""What is written down in a format and read again is the same: times, names and words."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import read_bytes


class Said(NamedTuple):
    start_ms: int
    end_ms: int
    name: str | None
    text: str


def clock(ms: int, fraction: str) -> str:
    seconds, ms = divmod(ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}{ms:03d}"


def as_srt(episode: Sequence[Said]) -> str:
    return "\n".join(
        f"{number}\n{clock(said.start_ms, ',')} --> {clock(said.end_ms, ',')}\n"
        f"{f'{said.name}: ' if said.name else ''}{html.escape(said.text)}\n"
        for number, said in enumerate(episode, 1)
    )


def as_webvtt(episode: Sequence[Said]) -> str:
    return "WEBVTT\n\n" + "\n".join(
        f"{clock(said.start_ms, '.')} --> {clock(said.end_ms, '.')}\n"
        f"{f'<v {said.name}>' if said.name else ''}{html.escape(said.text)}\n"
        for said in episode
    )


def as_ttml(episode: Sequence[Said]) -> str:
    names = dict.fromkeys(said.name for said in episode if said.name)
    ids = {name: f"a{at}" for at, name in enumerate(names)}
    agents = "".join(
        f'<ttm:agent xml:id="{at}"><ttm:name type="full">{name}</ttm:name></ttm:agent>'
        for name, at in ids.items()
    )
    cues = "".join(
        f'<p begin="{said.start_ms}ms" end="{clock(said.end_ms, ".")}"'
        f"{f' ttm:agent={chr(34)}{ids[said.name]}{chr(34)}' if said.name else ''}>"
        f"{html.escape(said.text)}</p>\n"
        for said in episode
    )
    return f"<tt><head><metadata>{agents}</metadata></head><body><div>{cues}</div></body></tt>"


def as_jsonl(episode: Sequence[Said]) -> str:
    rows = [{"speaker": said.name, **said._asdict()} for said in episode]
    return "".join(json.dumps(row) + "\n" for row in rows)


WORDS = ["well", "so", "they're", "co-op", "naïve", "мир", "今日は", "R&D", "3", "42", "&amp;", "<"]
words = st.sampled_from([*WORDS, ">", "it's", "😀"])
sentences = st.lists(words, min_size=1, max_size=9).map(
    lambda said: f"I {' '.join(said).replace('> >', '>')} go."
)
names = st.sampled_from([None, "ANN", "DR. QUILL", "BO McGEE"])
gaps = st.tuples(st.integers(1, 20_000), st.integers(1, 9_000))


@st.composite
def episodes(draw: st.DrawFn) -> list[Said]:
    episode: list[Said] = []
    now = 0
    for gap, length in draw(st.lists(gaps, min_size=1, max_size=12)):
        episode.append(Said(now + gap, now + gap + length, draw(names), draw(sentences)))
        now += gap + length
    return episode


@pytest.mark.parametrize(
    ("render", "path"),
    [(as_srt, "a.srt"), (as_webvtt, "a.vtt"), (as_ttml, "a.ttml"), (as_jsonl, "a.jsonl")],
)
@given(episode=episodes())
def test_what_is_written_and_read_again_is_the_same(
    render: Callable[[Sequence[Said]], str], path: str, episode: list[Said]
) -> None:
    content = read_bytes(path, render(episode).encode(), ReadOptions("c"))
    assert content.rejected == ()
    table = content.episodes[0].utterances.to_pydict()
    columns = (table[name] for name in ("start_ms", "end_ms", "speaker_name", "text"))
    assert [Said(*row) for row in zip(*columns, strict=True)] == episode
