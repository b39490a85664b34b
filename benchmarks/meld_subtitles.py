"""MELD's rows as subtitles, the transcripts of *Friends*, and what may befall both on the way."""

from __future__ import annotations

import collections
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from beam_pipeline.corpus.alignment import words_of
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import read_path
from beam_pipeline.corpus.reading import read_bytes
from beam_pipeline.corpus.speakers import Cast
from beam_pipeline.corpus.utterances import Utterance, utterances_of
from beam_pipeline.records import SpeakerSource

SHOW = "Friends"

Key = tuple[int, int]
"""Season and episode."""

Texts = dict[Key, list[Utterance]]
"""The utterances of each episode."""

Change = Callable[[list[Utterance], random.Random], list[Utterance]]
"""What is done to a text before it is aligned."""


def texts_of(*paths: Path) -> Texts:
    """The episodes of data sets, in order of time where they have times."""
    found: Texts = collections.defaultdict(list)
    for path in paths:
        for content in read_path(str(path), ReadOptions("friends", show=SHOW)):
            for episode in content.episodes:
                _, season, number, _ = episode.place
                found[season, number] += utterances_of(episode.utterances)
    return {
        key: sorted(utterances, key=lambda one: (one.start_ms or 0, one.end_ms or 0))
        for key, utterances in found.items()
    }


def as_srt(rows: Sequence[Utterance]) -> bytes:
    """Rows as subtitles, a cue each, without a name."""
    cues = (
        f"{number}\n{_clock(row.start_ms)} --> {_clock(row.end_ms)}\n{row.text}\n"
        for number, row in enumerate(rows, 1)
    )
    return "\n".join(cues).encode()


def _clock(milliseconds: int | None) -> str:
    seconds, rest = divmod(milliseconds or 0, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{rest:03d}"


def file_of(key: Key) -> str:
    """What an episode's file of subtitles is called."""
    return f"{SHOW}.S{key[0]:02d}E{key[1]:02d}.en.srt"


def read_subtitles(key: Key, rows: Sequence[Utterance]) -> list[Utterance]:
    """The utterances of the rows, read as a file of subtitles is."""
    content = read_bytes(file_of(key), as_srt(rows), ReadOptions("friends"))
    return [one for episode in content.episodes for one in utterances_of(episode.utterances)]


def names_of_rows(
    rows: Sequence[Utterance], utterances: Sequence[Utterance]
) -> Iterator[str | None]:
    """The name that most words of each row have in the utterances; None for nobody."""
    words, of_row = _words(rows)
    others, of_utterance = _words(utterances)
    votes: list[collections.Counter[str | None]] = [collections.Counter() for _ in rows]
    for block in Levenshtein.opcodes(words, others):
        if block.tag == "equal":
            for step in range(block.src_end - block.src_start):
                speaker = utterances[of_utterance[block.dest_start + step]].speaker
                votes[of_row[block.src_start + step]][speaker.name] += 1
    for counts in votes:
        yield counts.most_common(1)[0][0] if counts else None


def _words(utterances: Iterable[Utterance]) -> tuple[list[str], list[int]]:
    found = [(word, at) for at, one in enumerate(utterances) for word in words_of(one.text)]
    return [word for word, _ in found], [at for _, at in found]


def unchanged(text: list[Utterance], _: random.Random) -> list[Utterance]:
    """The text as it is."""
    return text


def misheard(share: float, vocabulary: Sequence[str]) -> Change:
    """Substitutes, drops and adds words, a third of the share each, as a recogniser does."""

    def change(text: list[Utterance], chance: random.Random) -> list[Utterance]:
        return [row._replace(text=" ".join(_heard(row.text, chance)) or "-") for row in text]

    def _heard(text: str, chance: random.Random) -> Iterator[str]:
        for word in text.split():
            what = chance.randrange(3) if chance.random() < share else None
            if what is None or what == 2:
                yield word
            if what is not None and what > 0:
                yield chance.choice(vocabulary)

    return change


def _scenes(text: Sequence[Utterance]) -> list[list[Utterance]]:
    return [[*scene] for _, scene in itertools.groupby(text, key=lambda one: one.dialogue_id)]


def scenes_missing(text: list[Utterance], chance: random.Random) -> list[Utterance]:
    """Leaves out a tenth of the scenes."""
    scenes = _scenes(text)
    gone = set(chance.sample(range(len(scenes)), max(1, round(len(scenes) / 10))))
    return [one for at, scene in enumerate(scenes) if at not in gone for one in scene]


def half_missing(text: list[Utterance], _: random.Random) -> list[Utterance]:
    """Leaves out the second half."""
    return text[: len(text) // 2]


def scenes_swapped(text: list[Utterance], chance: random.Random) -> list[Utterance]:
    """Swaps a tenth of the scenes with the next one."""
    scenes = _scenes(text)
    for _ in range(max(1, len(scenes) // 10)):
        at = chance.randrange(max(1, len(scenes) - 1))
        scenes[at : at + 2] = scenes[at : at + 2][::-1]
    return [*itertools.chain.from_iterable(scenes)]


def diarised(rows: Sequence[Utterance], chance: random.Random) -> list[Utterance]:
    """A diariser's turns of rows: 10 % of boundaries off by up to 1 s, 5 % of voices confused."""
    voices = sorted({row.speaker.name or "" for row in rows})

    def moved(milliseconds: int | None) -> int:
        return (milliseconds or 0) + (chance.randint(-1000, 1000) if chance.random() < 0.1 else 0)

    turns = []
    for row in rows:
        name = chance.choice(voices) if chance.random() < 0.05 else row.speaker.name or ""
        start, end = moved(row.start_ms), moved(row.end_ms)
        voice = Cast(SHOW, "", {}).identify(f"{voices.index(name)}", SpeakerSource.DIARISATION)
        if start < end:
            turns.append(Utterance("d1", start, end, voice, "", "", None))
    return sorted(turns, key=lambda turn: turn.start_ms or 0)
