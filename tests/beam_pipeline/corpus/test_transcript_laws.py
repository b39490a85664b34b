"""What a person or a program would write down of a talk is read as it was said: who, what, when."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import read_bytes


class Said(NamedTuple):
    start_ms: int | None
    end_ms: int | None
    name: str
    text: str


def clock(ms: int) -> str:
    seconds = ms // 1000
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def as_otter(episode: Sequence[Said]) -> str:
    turns = (f"{one.name}  {clock(one.start_ms or 0)}\n{one.text}\n\n" for one in episode)
    return "".join(turns)


def as_rev_text(episode: Sequence[Said]) -> str:
    turns = (f"{one.name} ({clock(one.start_ms or 0)}):\n{one.text}\n\n" for one in episode)
    return "".join(turns)


def as_meet(episode: Sequence[Said]) -> str:
    turns = (f"{one.name} [{clock(one.start_ms or 0)}]: {one.text}\n" for one in episode)
    return "".join(turns)


def as_teams_copy(episode: Sequence[Said]) -> str:
    def spoken(ms: int) -> str:
        minutes, seconds = divmod(ms // 1000, 60)
        return f"{minutes} minutes {seconds} seconds\n{minutes}:{seconds:02d}"

    turns = (f"{one.name}\n{spoken(one.start_ms or 0)}\n{one.text}\n" for one in episode)
    return "".join(turns)


def as_teams(episode: Sequence[Said]) -> str:
    def time(ms: int) -> str:
        return f"{ms // 3_600_000}:{ms // 60_000 % 60}:{ms // 1000 % 60}.{ms % 1000}"

    cues = (
        f"{time(one.start_ms or 0)} --> {time(one.end_ms or 0)}\n{one.name}\n{one.text}\n\n"
        for one in episode
    )
    return "".join(cues)


def as_fountain(episode: Sequence[Said]) -> str:
    turns = (f"{one.name.upper()}\n(quietly)\n{one.text}\n\n" for one in episode)
    return "Title: The Ferry\n\nINT. HARBOUR - DAY\n\nFog.\n\n" + "".join(turns)


def as_convokit(episode: Sequence[Said]) -> str:
    rows = [
        {"id": f"u{at}", "conversation_id": "u0", "reply-to": f"u{at - 1}" if at else None}
        | {"speaker": one.name, "text": one.text, "timestamp": None}
        for at, one in enumerate(episode)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


WORDS = ["well", "so", "they're", "co-op", "naïve", "мир", "it's", "😀", "a, b"]
sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(
    lambda words: f"I {' '.join(words)} go."
)
# Teams' older documents are told from SubRip by the first time, whose numbers are not padded.
gaps = st.tuples(st.integers(1, 9), st.integers(1, 90))
names = st.sampled_from(["Ann Low", "Bo McGee", "Jean-Luc O'Hara"])


@st.composite
def episodes(draw: st.DrawFn) -> list[Said]:
    """Turns at whole seconds, not at the very start."""
    episode: list[Said] = []
    now = 0
    for gap, length in draw(st.lists(gaps, min_size=2, max_size=9)):
        times = (now + gap) * 1000, (now + gap + length) * 1000
        episode.append(Said(*times, draw(names), draw(sentences)))
        now += gap + length
    return episode


def said(path: str, text: str) -> list[Said]:
    content = read_bytes(path, text.encode(), ReadOptions("c"))
    assert content.rejected == ()
    table = content.episodes[0].utterances.to_pydict()
    columns = (table[name] for name in ("start_ms", "end_ms", "speaker_name", "text"))
    return [Said(*row) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize("render", [as_otter, as_rev_text, as_meet, as_teams_copy])
@given(episode=episodes())
def test_a_meeting_is_read_as_it_was_written_down(
    render: Callable[[Sequence[Said]], str], episode: list[Said]
) -> None:
    starts = [one.start_ms for one in episode]
    until = [*starts[1:], starts[-1]]
    expected = [one._replace(end_ms=end) for one, end in zip(episode, until, strict=True)]
    assert said("a.txt", render(episode)) == expected


@given(episode=episodes())
def test_an_older_document_of_teams_is_read_as_it_was_written(episode: list[Said]) -> None:
    assert said("a.txt", as_teams(episode)) == episode


@pytest.mark.parametrize(
    ("render", "path"), [(as_fountain, "a.fountain"), (as_convokit, "utterances.jsonl")]
)
@given(episode=episodes())
def test_what_has_no_times_keeps_names_words_and_order(
    render: Callable[[Sequence[Said]], str], path: str, episode: list[Said]
) -> None:
    expected = [(one.name.casefold(), one.text) for one in episode]
    read = said(path, render(episode))
    assert [(one.name.casefold(), one.text) for one in read] == expected
    assert {(one.start_ms, one.end_ms) for one in read} == {(None, None)}
