"""Utterances with times that name nobody, and a transcript that names all and has no times.

Law of this module: pure, and careful. A name in the file itself goes before that of another file, a
diariser's label does not. An utterance keeps its words and its time, and is at most cut; what is
not sure stays as it was.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from beam_pipeline.corpus.alignment import align, words_of
from beam_pipeline.corpus.cutting import Hint, Part, cut, moment, parts_of
from beam_pipeline.corpus.markup import has_words
from beam_pipeline.corpus.speakers import Cast
from beam_pipeline.corpus.utterances import Utterance
from beam_pipeline.records import SpeakerKind, SpeakerSource

MIN_SHARE: Final = 0.4
"""The share of an utterance's words that must be one speaker's before it is theirs."""

Token = tuple[int, int]
"""A word between white space: the index of its utterance, and its own in that one."""


class Named(NamedTuple):
    """Utterances with the speakers of a transcript.

    Attributes:
      utterances: of the subtitles, some of them cut.
      pairs: how often a name or a voice of the file itself met a name of the transcript.
    """

    utterances: list[Utterance]
    pairs: Mapping[tuple[str, str], int]


class Match(NamedTuple):
    """A token of one text and the token of the other that it is; `sure` if both are one word."""

    one: Token
    other: Token
    sure: bool


def match_tokens(one: Sequence[Utterance], two: Sequence[Utterance]) -> list[Match]:
    """The tokens of one that are said in the other as well, in the order of both, each once."""
    (words, places), (others, other_places) = map(_words, (one, two))
    found: dict[Token, Match] = {}
    for word, other, equal in align(words, others):
        # `rock'n'roll` is a token of several words
        found.setdefault(places[word], Match(places[word], other_places[other], equal))
    return [*found.values()]


def name_by_transcript(
    utterances: Sequence[Utterance],
    transcript: Sequence[Utterance],
    matches: Sequence[Match],
    cast: Cast,
    source: SpeakerSource = SpeakerSource.TRANSCRIPT,
) -> Named:
    """Gives utterances the speakers of a transcript, and its scene ends to their dialogues.

    Args:
      utterances: of an episode.
      transcript: of the same one, or of any.
      matches: of `utterances` and `transcript`.
      cast: of the episode of `utterances`.
      source: what the speakers' source is called.
    """
    told = _by_utterance(utterances, matches)
    named: list[Utterance] = []
    scenes: list[Sequence[str]] = []
    pairs = collections.Counter[tuple[str, str]]()
    for utterance, found in zip(utterances, told, strict=True):
        hints = (Hint(m.one[1], transcript[m.other[0]].speaker.name, m.sure) for m in found)
        parts = parts_of(utterance.text.split(), hints, MIN_SHARE)
        own = utterance.speaker
        pairs.update((own.name, part.who) for part in parts if own.name and part.who)
        if own.name and own.kind is not SpeakerKind.DIARISED:
            parts = [Part(None, 0, len(utterance.text.split()), 0.0)]
        named += _named(utterance, parts, cast, source)
        for part in parts:
            scenes.append(
                [
                    transcript[match.other[0]].dialogue_id
                    for match in found
                    if match.sure and part.start <= match.one[1] < part.end
                ]
            )
    return Named([*_with_scenes(named, scenes)], pairs)


def time_by_subtitles(
    transcript: Sequence[Utterance],
    subtitles: Sequence[Utterance],
    matches: Sequence[Match],
) -> list[Utterance]:
    """Gives the utterances of a transcript the times of subtitles.

    Args:
      transcript: those that have times already keep them.
      subtitles: of the same episode, or of any.
      matches: of `transcript` and `subtitles`.

    Returns:
      The utterances; each of which enough words are in the subtitles has the time from the first
      of those to the last.
    """
    told = [
        [match.other for match in found if match.sure]
        for found in _by_utterance(transcript, matches)
    ]
    return [
        _timed(utterance, [subtitles[at] for at, _ in (found[0], found[-1])], found)
        if utterance.start_ms is None and len(found) >= _least(utterance)
        else utterance
        for utterance, found in zip(transcript, told, strict=True)
    ]


def _words(utterances: Sequence[Utterance]) -> tuple[list[str], list[Token]]:
    words: list[str] = []
    places: list[Token] = []
    for at, utterance in enumerate(utterances):
        for number, token in enumerate(utterance.text.split()):
            found = words_of(token)
            words += found
            places += [(at, number)] * len(found)
    return words, places


def _by_utterance(utterances: Sequence[Utterance], matches: Sequence[Match]) -> list[list[Match]]:
    told: list[list[Match]] = [[] for _ in utterances]
    for match in matches:
        told[match.one[0]].append(match)
    return told


def _named(
    utterance: Utterance, parts: Sequence[Part], cast: Cast, source: SpeakerSource
) -> Iterator[Utterance]:
    pieces = cut(utterance, [part.start for part in parts]) if len(parts) > 1 else [utterance]
    for piece, part in zip(pieces, parts, strict=True):
        if part.who is None:
            yield piece
        else:
            speaker = cast.identify(part.who, source)
            yield piece._replace(speaker=dataclasses.replace(speaker, confidence=part.share))


def _with_scenes(
    utterances: Sequence[Utterance], scenes: Sequence[Sequence[str]]
) -> Iterator[Utterance]:
    """Ends a dialogue where the transcript's scene ends, unless one ends there already."""
    taken = {utterance.dialogue_id for utterance in utterances}
    scene, since, dialogue, shown = None, "", "", ""
    for utterance, found in zip(utterances, scenes, strict=True):
        if utterance.dialogue_id != dialogue:
            dialogue = shown = utterance.dialogue_id
        if found:
            if scene not in (None, found[0]) and shown == since:
                shown = next(
                    name
                    for name in (f"{dialogue}.{number}" for number in itertools.count(2))
                    if name not in taken
                )
                taken.add(shown)
            scene, since = found[-1], shown
        yield utterance._replace(dialogue_id=shown)


def _least(utterance: Utterance) -> float:
    return max(1.0, MIN_SHARE * sum(map(has_words, utterance.text.split())))


def _timed(utterance: Utterance, between: Sequence[Utterance], found: Sequence[Token]) -> Utterance:
    first, last = between
    starts = _share(first, found[0][1])
    ends = _share(last, found[-1][1] + 1)
    return utterance._replace(start_ms=moment(first, starts), end_ms=moment(last, ends))


def _share(utterance: Utterance, token: int) -> float:
    """The share of an utterance's characters before a token."""
    tokens = utterance.text.split()
    before = sum(len(one) + 1 for one in tokens[:token])
    return before / (len(utterance.text) + 1)
