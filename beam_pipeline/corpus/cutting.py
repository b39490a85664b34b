"""An utterance that several people say -> a part for each, with its share of text and of time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from beam_pipeline.corpus.markup import has_words
from beam_pipeline.corpus.utterances import Utterance

_SENTENCE_ENDS: Final = tuple(".?!…。？！-–—")
_CLOSING: Final = "\"'”’»)]"


class Part(NamedTuple):
    """What one speaker says of an utterance.

    Attributes:
      who: names the speaker; None where nobody is named.
      start, end: its tokens, the words between white space, as a range of indices.
      share: how many of its tokens with a letter or digit in them tell who says them.
    """

    who: str | None
    start: int
    end: int
    share: float


class Hint(NamedTuple):
    """A token of which something tells who says it.

    Attributes:
      token: its index.
      who: names the speaker; None where the one who tells it has no name.
      sure: whether it is this very word, and not one that stands in its place.
    """

    token: int
    who: str | None
    sure: bool


class _Run(NamedTuple):
    """Tokens that hint at one speaker, with no other one's between them; `sure` counts those."""

    who: str | None
    first: int
    last: int
    sure: int


def parts_of(tokens: Sequence[str], hints: Iterable[Hint], least: float) -> list[Part]:
    """Where others begin to speak within an utterance, as far as that is sure.

    Args:
      tokens: of the utterance.
      hints: in order of their tokens.
      least: the share of a part that must surely be a speaker's.

    Returns:
      Parts that are all of the utterance, in order; one that is less sure is nobody's.
    """
    runs = _merged(_Run(hint.who, hint.token, hint.token, int(hint.sure)) for hint in hints)
    nobody = Part(None, 0, len(tokens), 0.0)
    if not runs:
        return [nobody]
    ends = [at + 1 for at, token in enumerate(tokens[:-1]) if _ends_sentence(token)]
    # whole sentences before and after all hints are nobody's
    first = max((end for end in ends if end <= runs[0].first), default=0)
    last = min((end for end in ends if end > runs[-1].last), default=len(tokens))
    starts = [first, *(_begin(tokens, *pair) for pair in itertools.pairwise(runs)), last]
    parts = [
        _part(run, range(*between), tokens, least)
        for run, between in zip(runs, itertools.pairwise(starts), strict=True)
    ]
    if all(part.who is None for part in parts):
        return [nobody]
    head = [nobody._replace(end=first)] if first > 0 else []
    tail = [nobody._replace(start=last)] if last < len(tokens) else []
    return [*head, *parts, *tail]


def cut(utterance: Utterance, starts: Sequence[int]) -> list[Utterance]:
    """An utterance in parts: no word is lost, and none is said twice.

    Times are shared out by characters, as no subtitle says when a word is spoken.

    Args:
      utterance: of which each part has dialogue, speaker and gold label.
      starts: indices of the tokens that parts begin with, the first of them 0, increasing.
    """
    tokens = utterance.text.split()
    texts = [
        " ".join(tokens[start:end]) for start, end in itertools.pairwise([*starts, len(tokens)])
    ]
    ends = list(itertools.accumulate(len(text) + 1 for text in texts))
    shares = [0.0, *(end / ends[-1] for end in ends[:-1]), 1.0]
    raws = _cut_raw(utterance.text_raw, tokens, starts) or [utterance.text_raw, *texts[1:]]
    return [
        utterance._replace(
            start_ms=moment(utterance, start),
            end_ms=moment(utterance, end),
            text=text,
            text_raw=raw,
        )
        for text, raw, (start, end) in zip(texts, raws, itertools.pairwise(shares), strict=True)
    ]


def moment(utterance: Utterance, share: float) -> int | None:
    """The time at which a share of an utterance is over; None if it has no times."""
    start, end = utterance.start_ms, utterance.end_ms
    if start is None or end is None:
        return start if share <= 0 else end if share >= 1 else None
    return start + round((end - start) * share)


def _merged(runs: Iterable[_Run]) -> list[_Run]:
    merged: list[_Run] = []
    for run in runs:
        if merged and merged[-1].who == run.who:
            last = merged.pop()
            run = _Run(run.who, last.first, run.last, last.sure + run.sure)
        merged.append(run)
    return merged


def _part(run: _Run, tokens: range, texts: Sequence[str], least: float) -> Part:
    share = run.sure / max(1, run.sure, sum(has_words(texts[token]) for token in tokens))
    return Part(run.who if share >= least else None, tokens.start, tokens.stop, share)


def _begin(tokens: Sequence[str], last: _Run, following: _Run) -> int:
    """Where a run's part begins: after the first sentence that ends between it and the last one."""
    between = range(last.last, following.first)
    return next((at + 1 for at in between if _ends_sentence(tokens[at])), following.first)


def _ends_sentence(token: str) -> bool:
    return token.rstrip(_CLOSING).endswith(_SENTENCE_ENDS)


def _cut_raw(raw: str, tokens: Sequence[str], starts: Sequence[int]) -> list[str] | None:
    """The source's text in the same parts, at an end of line where it can; None if it is other."""
    cuts, end = [0], 0
    for at, token in enumerate(tokens):
        found = raw.find(token, end)
        if found < 0:
            return None
        if at in starts[1:]:
            line = raw.find("\n", end, found)
            cuts.append(line + 1 if line >= 0 else found)
        end = found + len(token)
    return [raw[start:stop].strip() for start, stop in itertools.pairwise([*cuts, len(raw)])]
