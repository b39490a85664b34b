"""What a recogniser of speech would write is read as it was said: times, names and words."""

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
    name: str
    text: str


def as_whisper(episode: Sequence[Said]) -> str:
    return json.dumps({"segments": [_seconds(one, "start", "end", "text") for one in episode]})


def as_chunks(episode: Sequence[Said]) -> str:
    chunks = [
        {"timestamp": [one.start_ms / 1000, one.end_ms / 1000], "text": f" {one.text}"}
        | {"speaker": one.name}
        for one in episode
    ]
    return json.dumps({"text": "", "speakers": chunks, "chunks": [{"timestamp": [0, 1]}]})


def as_podcast(episode: Sequence[Said]) -> str:
    segments = [_seconds(one, "startTime", "endTime", "body") for one in episode]
    return json.dumps({"version": "1.0.0", "segments": segments}, indent=1)


def as_assemblyai(episode: Sequence[Said]) -> str:
    utterances = [
        {"start": one.start_ms, "end": one.end_ms, "text": one.text, "speaker": one.name}
        for one in episode
    ]
    return json.dumps({"utterances": utterances})


def as_deepgram(episode: Sequence[Said]) -> str:
    utterances = [_seconds(one, "start", "end", "transcript") for one in episode]
    return json.dumps({"results": {"channels": [], "utterances": utterances}})


def as_aws(episode: Sequence[Said]) -> str:
    segments = [
        {"start_time": f"{one.start_ms / 1000}", "end_time": f"{one.end_ms / 1000}"}
        | {"transcript": one.text, "speaker_label": one.name}
        for one in episode
    ]
    return json.dumps({"results": {"transcripts": [], "audio_segments": segments}})


def as_rev(episode: Sequence[Said]) -> str:
    def elements(one: Said) -> list[dict[str, object]]:
        words: list[dict[str, object]] = [
            {"type": "text", "value": word} for word in one.text.removesuffix(".").split(" ")
        ]
        words[0]["ts"], words[-1]["end_ts"] = one.start_ms / 1000, one.end_ms / 1000
        # a word without a time is one whose time is not known
        words[-1]["ts"] = words[-1].get("ts", one.end_ms / 1000)
        space: dict[str, object] = {"value": " "}
        spaced = [space if at % 2 else words[at // 2] for at in range(2 * len(words) - 1)]
        return [*spaced, {"type": "punct", "value": "."}]

    monologues = [{"speaker": one.name, "elements": elements(one)} for one in episode]
    return json.dumps({"monologues": monologues})


def as_json3(episode: Sequence[Said]) -> str:
    events = [
        {"tStartMs": one.start_ms, "dDurationMs": one.end_ms - one.start_ms}
        | {"segs": [{"utf8": f"{one.name}: "}, {"utf8": one.text}]}
        for one in episode
    ]
    return json.dumps({"events": events})


def as_srv3(episode: Sequence[Said]) -> str:
    cues = (
        f'<p t="{one.start_ms}" d="{one.end_ms - one.start_ms}"><s>{one.name}:</s>'
        f"<s> {html.escape(one.text)}</s></p>"
        for one in episode
    )
    return f'<timedtext format="3"><body>{"".join(cues)}</body></timedtext>'


def _seconds(one: Said, start: str, end: str, text: str) -> dict[str, object]:
    times = {start: one.start_ms / 1000, end: one.end_ms / 1000}
    return {**times, text: one.text, "speaker": one.name}


WORDS = ["well", "so", "they're", "naïve", "мир", "今日は", "b&b", "3", "😀", '"quoted"']
sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(
    lambda words: f"I {' '.join(words)} go."
)
gaps = st.tuples(st.integers(1, 20_000), st.integers(1, 9_000))
names = st.sampled_from(["ANN", "DR. QUILL", "BO McGEE"])


@st.composite
def episodes(draw: st.DrawFn) -> list[Said]:
    episode: list[Said] = []
    now = 0
    for gap, length in draw(st.lists(gaps, min_size=1, max_size=9)):
        start, end = now + gap, now + gap + length
        episode.append(Said(start, end, draw(names), draw(sentences)))
        now = end
    return episode


@pytest.mark.parametrize(
    ("render", "path"),
    [
        (as_whisper, "a.json"),
        (as_chunks, "a.json"),
        (as_podcast, "a.json"),
        (as_assemblyai, "a.json"),
        (as_deepgram, "a.json"),
        (as_aws, "a.json"),
        (as_rev, "a.json"),
        (as_json3, "a.json3"),
        (as_srv3, "a.srv3"),
    ],
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
