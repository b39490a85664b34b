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
        f"{number}\n{clock(utterance.start_ms, ',')} --> {clock(utterance.end_ms, ',')}\n"
        f"{f'{utterance.name}: ' if utterance.name else ''}{html.escape(utterance.text)}\n"
        for number, utterance in enumerate(episode, 1)
    )


def as_webvtt(episode: Sequence[Said]) -> str:
    return "WEBVTT\n\n" + "\n".join(
        f"{clock(utterance.start_ms, '.')} --> {clock(utterance.end_ms, '.')}\n"
        f"{f'<v {utterance.name}>' if utterance.name else ''}{html.escape(utterance.text)}\n"
        for utterance in episode
    )


def as_ttml(episode: Sequence[Said]) -> str:
    names = dict.fromkeys(utterance.name for utterance in episode if utterance.name)
    ids = {name: f"a{at}" for at, name in enumerate(names)}
    agents = "".join(
        f'<ttm:agent xml:id="{at}"><ttm:name type="full">{name}</ttm:name></ttm:agent>'
        for name, at in ids.items()
    )
    cues = "".join(
        f'<p begin="{utterance.start_ms}ms" end="{clock(utterance.end_ms, ".")}"'
        f"{f' ttm:agent={chr(34)}{ids[utterance.name]}{chr(34)}' if utterance.name else ''}>"
        f"{html.escape(utterance.text)}</p>\n"
        for utterance in episode
    )
    return f"<tt><head><metadata>{agents}</metadata></head><body><div>{cues}</div></body></tt>"


def as_jsonl(episode: Sequence[Said]) -> str:
    rows = [{"speaker": utterance.name, **utterance._asdict()} for utterance in episode]
    return "".join(json.dumps(row) + "\n" for row in rows)


# without capitals: in a file that is all in capitals a label must be used three times
WORDS = ["well", "so", "they're", "co-op", "naïve", "мир", "今日は", "b&b", "3", "42", "&", "<"]
words = st.sampled_from([*WORDS, ">", "it's", "😀"])
sentences = st.lists(words, min_size=1, max_size=9).map(
    lambda words: f"I {' '.join(words).replace('> >', '>')} go."
)
names = st.sampled_from([None, "ANN", "DR. QUILL", "BO McGEE"])
gaps = st.tuples(st.integers(1, 20_000), st.integers(100, 9_000))


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
