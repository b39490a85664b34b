"""What is written in a format of lines and read again is the same, and pysubs2 says so too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from said_in_files import Said, read, said


def clock(ms: int, fraction: str = ".", digits: int = 3) -> str:
    seconds, ms = divmod(ms, 1000)
    rest = f"{ms:03d}"[:digits]
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}{rest}"


def as_mpl2(episode: Sequence[Said]) -> str:
    return "".join(f"[{one.start_ms // 100}][{one.end_ms // 100}]{one.text}\n" for one in episode)


def as_tmplayer(episode: Sequence[Said]) -> str:
    return "".join(f"{clock(one.start_ms, ':', 0)}{one.text}\n" for one in episode)


def as_lrc(episode: Sequence[Said]) -> str:
    return "".join(
        f"[{one.start_ms // 60_000:02d}:{one.start_ms // 1000 % 60:02d}.{one.start_ms % 1000:03d}]"
        f"{one.text}\n"
        for one in episode
    )


def as_whisper_text(episode: Sequence[Said]) -> str:
    lines = (f"[{clock(one.start_ms)} --> {clock(one.end_ms)}]  {one.text}\n" for one in episode)
    return "".join(lines)


def as_whisper_tsv(episode: Sequence[Said]) -> str:
    rows = (f"{one.start_ms}\t{one.end_ms}\t{one.text}\n" for one in episode)
    return "start\tend\ttext\n" + "".join(rows)


def as_spruce_stl(episode: Sequence[Said]) -> str:
    def time(ms: int) -> str:
        return clock(ms, ":", 0) + f"{ms % 1000 // 40:02d}"

    rows = (f"{time(one.start_ms)} , {time(one.end_ms)} , {one.text}\n" for one in episode)
    return "$Bold = FALSE\n" + "".join(rows)


WORDS = ["well", "so", "they're", "co-op", "naïve", "мир", "今日は", "3", "it's", "😀", "a, b"]
sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(
    lambda words: f"I {' '.join(words)} go."
)
gaps = st.tuples(st.integers(1, 200), st.integers(1, 90))


@st.composite
def episodes(draw: st.DrawFn) -> list[Said]:
    """Utterances at whole seconds, which all of these formats can write; not at the very start."""
    episode: list[Said] = []
    now = 0
    for gap, length in draw(st.lists(gaps, min_size=2, max_size=9)):
        times = (now + gap) * 1000, (now + gap + length) * 1000
        episode.append(Said(*times, None, draw(sentences)))
        now += gap + length
    return episode


@pytest.mark.parametrize(
    ("render", "path", "ends"),
    [
        (as_mpl2, "a.sub", True),
        (as_tmplayer, "a.txt", False),
        (as_lrc, "a.lrc", False),
        (as_whisper_text, "a.txt", True),
        (as_whisper_tsv, "a.tsv", True),
        (as_spruce_stl, "a.stl", True),
    ],
)
@given(episode=episodes())
def test_what_is_written_and_read_again_is_the_same(
    render: Callable[[Sequence[Said]], str], path: str, ends: bool, episode: list[Said]
) -> None:
    content = read(render(episode), path)
    assert content.rejected == ()
    starts = [one.start_ms for one in episode]
    shown = [*starts[1:], starts[-1]]
    expected = [
        one if ends else one._replace(end_ms=until)
        for one, until in zip(episode, shown, strict=True)
    ]
    assert said(content) == expected


@pytest.mark.parametrize(("format", "path"), [("mpl2", "a.sub"), ("tmp", "a.txt")])
@given(episode=episodes())
def test_pysubs2_reads_the_same_from_what_it_wrote(
    format: str, path: str, episode: list[Said]
) -> None:
    events = [
        pysubs2.SSAEvent(start=one.start_ms, end=one.end_ms, text=one.text) for one in episode
    ]
    file = pysubs2.SSAFile()
    file.events = events
    text = file.to_string(format)
    theirs = pysubs2.SSAFile.from_string(text, format_=format)
    ours = said(read(text, path))
    assert [(one.start_ms, one.text) for one in ours] == [(one.start, one.text) for one in theirs]
