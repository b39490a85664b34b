"""Utterances with times, and a diariser's turns -> who speaks, and the names of voices.

Law of this module: pure. An utterance that has a name keeps it; a voice has the name of a person in
one episode alone, and only where a transcript gives it that name again and again.
"""

from __future__ import annotations

import collections
import dataclasses
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from beam_pipeline.corpus.naming import match_tokens, name_by_transcript
from beam_pipeline.corpus.speakers import NOBODY, Cast, Speaker
from beam_pipeline.corpus.utterances import Utterance
from beam_pipeline.records import SpeakerKind, SpeakerSource

MIN_OVERLAP: Final = 0.5
"""The share of an utterance's time in which a voice must speak before it is that voice's."""

MIN_MEETINGS: Final = 3
"""So often a voice and a name must meet before the voice has the name."""

MIN_AGREEMENT: Final = 0.8
"""In that share of a voice's meetings with names it must be the same name."""


def hear_voices(
    utterances: Sequence[Utterance], turns: Sequence[Utterance], cast: Cast
) -> list[Utterance]:
    """Gives utterances without a name the voices of a diarisation.

    Where its turns have words, utterances are cut where the words change speaker; all others take
    the voice that speaks longest in their time.

    Args:
      utterances: of an episode.
      turns: of the same one, in order of time.
      cast: of the episode.
    """
    source = SpeakerSource.DIARISATION
    heard = list(utterances)
    if any(turn.text for turn in turns):
        matches = match_tokens(heard, turns)
        heard = name_by_transcript(heard, turns, matches, cast, source).utterances
    return [
        one if one.speaker.name else one._replace(speaker=voice)
        for one, voice in zip(heard, _by_time(heard, turns, cast), strict=True)
    ]


def name_voices(
    utterances: Iterable[Utterance], pairs: Mapping[tuple[str, str], int], cast: Cast
) -> Iterator[Utterance]:
    """Gives voices the names that a transcript gives to most of what they say.

    Args:
      utterances: of an episode, some of them a voice's.
      pairs: how often a voice met a name, as `Named` has it.
      cast: of the episode.
    """
    met: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for (voice, name), count in pairs.items():
        met[voice][name] += count
    names = {
        voice: name
        for voice, counts in met.items()
        for name, count in counts.most_common(1)
        if count >= max(MIN_MEETINGS, MIN_AGREEMENT * counts.total())
    }
    for one in utterances:
        known = names.get(one.speaker.name or "")
        if one.speaker.kind is SpeakerKind.DIARISED and known:
            person = dataclasses.replace(
                cast.identify(known, SpeakerSource.TRANSCRIPT),
                source=SpeakerSource.DIARISATION,
                confidence=one.speaker.confidence,
            )
            yield one._replace(speaker=person)
        else:
            yield one


def _by_time(
    utterances: Iterable[Utterance], turns: Sequence[Utterance], cast: Cast
) -> Iterator[Speaker]:
    """The voice that is heard longest while each utterance is said; nobody if none is for long."""
    starts = [turn.start_ms or 0 for turn in turns]
    longest = max((_length(turn) for turn in turns), default=0)
    for one in utterances:
        begin, end = one.start_ms or 0, one.end_ms or 0
        heard = collections.Counter[str]()
        for turn in turns[bisect_left(starts, begin - longest) : bisect_left(starts, end)]:
            shared = min(end, turn.end_ms or 0) - max(begin, turn.start_ms or 0)
            heard[turn.speaker.name or ""] += max(0, shared)
        voice, time = max(heard.items(), key=lambda item: (item[1], item[0]), default=("", 0))
        share = time / _length(one) if _length(one) else 0.0
        if share < MIN_OVERLAP:
            yield NOBODY
        else:
            speaker = cast.identify(voice, SpeakerSource.DIARISATION)
            yield dataclasses.replace(speaker, confidence=min(1.0, share))


def _length(one: Utterance) -> int:
    return max(0, (one.end_ms or 0) - (one.start_ms or 0))
