"""Two texts of the same speech -> which word of one is which word of the other.

Law of this module: pure. Pairs never cross, memory is linear in the words, and what the texts do
not share has no pair: two texts of different speech have none at all.
"""

from __future__ import annotations

import collections
import functools
import itertools
import math
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rapidfuzz.distance import Levenshtein

RUN_WORDS: Final = 4
"""Words of a run that anchors an alignment where each text has it once."""

MAX_UNANCHORED: Final = 4_000
"""Words of a text that are aligned with no anchor among them: some twenty minutes of speech."""

GAP_BITS: Final = 2.0
"""What a word without a partner costs. Unrelated English agrees in one common word of three, worth
some five bits, and two words without a partner beside each outweigh that."""

MAX_DROP_BITS: Final = 24.0
"""A stretch of pairs ends where words without a partner outweigh that many bits."""

MARGIN_BITS: Final = 26.0
"""By how much a stretch must be less likely than the likeliest one of unrelated texts, whose words
come one by one: phrases (`what are you doing here`) come more often. With 14 bits, 14 of 11,097
utterances find themselves in another episode of their show, with 22 four, with 26 none."""

NEAR_WORDS: Final = 4
"""So many words more than one text has between two stretches, the other is searched for them."""

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = re.compile(r"['’‘`´]")

Pair = tuple[int, int]
"""A word of one text and the same word of the other, by their indices."""


class Aligned(NamedTuple):
    """A word of one text and the word of the other that it is.

    Attributes:
      word, other: their indices.
      equal: whether they are written alike; where not, one of them was misheard or misspelt.
    """

    word: int
    other: int
    equal: bool


@functools.lru_cache(maxsize=1 << 16)  # the same words are said again and again
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared: letters and digits, in one case.

    `Don't -- you're` is `dont`, `youre`: how apostrophes and dashes are written says nothing.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return tuple(_WORD.findall(_APOSTROPHES.sub("", folded)))


def align(words: Sequence[str], others: Sequence[str]) -> list[Aligned]:
    """Pairs the words of two texts, as far as both say the same.

    Runs of words that each text has just once are anchors (patience diff, B. Cohen); between them
    the fewest edits count (Levenshtein, in linear memory as of Hirschberg, 1975). Of the pairs only
    stretches stay that two texts of these lengths have not by chance: a pair is worth the bits of
    its word, a word without a partner costs `GAP_BITS`, and the best stretch of unrelated texts
    grows as the logarithm of the product of their lengths (Karlin and Altschul, 1990). What lies
    between two stretches is then aligned once more, with the words next to them.

    Args:
      words: as `words_of` gives them.
      others: of the other text.

    Returns:
      Pairs in the order of both texts; unequal words only between equal ones of a stretch.
    """
    codes: dict[str, int] = {}
    one, two = ([codes.setdefault(word, len(codes)) for word in text] for text in (words, others))
    bits = _information(one, two)
    enough = math.log2(max(1, len(one)) * max(1, len(two))) + MARGIN_BITS
    rough = _stretches([*_by_anchors(one, two)], one, bits, enough)
    pairs = [*_between(_extended(rough, one, two), one, two)]
    stretches = _extended(_stretches(pairs, one, bits, enough), one, two)
    return [pair for stretch in stretches for pair in _filled(stretch)]


def _information(one: Sequence[int], two: Sequence[int]) -> dict[int, float]:
    """How many bits tell each word from the others, by how often both texts have it."""
    counts = collections.Counter(one)
    counts.update(two)
    total = counts.total()
    return {code: math.log2(total / count) for code, count in counts.items()}


def _by_anchors(one: Sequence[int], two: Sequence[int]) -> Iterator[Pair]:
    at = to = 0
    for word, other in [*_anchors(one, two), (len(one), len(two))]:
        yield from _fewest_edits(one, range(at, word), two, range(to, other))
        if word < len(one):
            yield word, other
        at, to = word + 1, other + 1


def _anchors(one: Sequence[int], two: Sequence[int]) -> list[Pair]:
    """First words of the runs that both texts have just once: the most that do not cross."""
    places = _single_runs(two)
    found = [(at, places[run]) for run, at in _single_runs(one).items() if run in places]
    return [found[index] for index in _longest_increasing([other for _, other in found])]


def _single_runs(text: Sequence[int]) -> dict[tuple[int, ...], int]:
    """Where each run of `RUN_WORDS` words is that comes once, in order."""
    places: dict[tuple[int, ...], int] = {}
    again = set()
    for at, run in enumerate(zip(*(text[step:] for step in range(RUN_WORDS)), strict=False)):
        if places.setdefault(run, at) != at:
            again.add(run)
    return {run: at for run, at in places.items() if run not in again}


def _longest_increasing(values: Sequence[int]) -> list[int]:
    """Indices of a longest increasing subsequence, by patience sorting."""
    tops: list[int] = []
    indices: list[int] = []
    before: list[int] = []
    for index, value in enumerate(values):
        pile = bisect_left(tops, value)
        before.append(indices[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [value]
        indices[pile : pile + 1] = [index]
    chain = []
    at = indices[-1] if indices else -1
    while at >= 0:
        chain.append(at)
        at = before[at]
    return chain[::-1]


def _fewest_edits(
    one: Sequence[int], words: Sequence[int], two: Sequence[int], others: Sequence[int]
) -> Iterator[Pair]:
    """The words that stay where the words at these indices become the others by fewest edits."""
    if not words or not others or max(len(words), len(others)) > MAX_UNANCHORED:
        return
    left, right = [one[word] for word in words], [two[other] for other in others]
    for block in Levenshtein.opcodes(left, right):
        if block.tag == "equal":
            yield from zip(
                words[block.src_start : block.src_end],
                others[block.dest_start : block.dest_end],
                strict=True,
            )


def _stretches(
    pairs: Sequence[Pair], one: Sequence[int], bits: dict[int, float], enough: float
) -> list[list[Pair]]:
    """Stretches of pairs that are worth `enough` bits, each up to where it is worth most."""
    found = []
    start = 0
    while start < len(pairs):
        score = best = bits[one[pairs[start][0]]]
        end = start
        for at in range(start + 1, len(pairs)):
            (last, last_other), (word, other) = pairs[at - 1], pairs[at]
            score -= GAP_BITS * (max(word - last, other - last_other) - 1)
            if score <= 0 or score < best - MAX_DROP_BITS:
                break
            score += bits[one[word]]
            if score >= best:
                best, end = score, at
        if best >= enough:
            found.append([*pairs[start : end + 1]])
        start = end + 1
    return found


def _extended(
    stretches: Sequence[list[Pair]], one: Sequence[int], two: Sequence[int]
) -> list[list[Pair]]:
    """Stretches with the equal words right before and right after them that no other one has."""
    found: list[list[Pair]] = []
    first = (0, 0)
    for stretch, after in itertools.zip_longest(stretches, stretches[1:]):
        before, behind = [], []
        (word, other), end = stretch[0], after[0] if after else (len(one), len(two))
        while word > first[0] and other > first[1] and one[word - 1] == two[other - 1]:
            word, other = word - 1, other - 1
            before.append((word, other))
        word, other = stretch[-1][0] + 1, stretch[-1][1] + 1
        while word < end[0] and other < end[1] and one[word] == two[other]:
            behind.append((word, other))
            word, other = word + 1, other + 1
        found.append([*before[::-1], *stretch, *behind])
        first = (word, other)
    return found


def _between(
    stretches: Sequence[list[Pair]], one: Sequence[int], two: Sequence[int]
) -> Iterator[Pair]:
    """The pairs of stretches, and new ones between them, found near their ends."""
    at = to = 0
    for stretch in [*stretches, [(len(one), len(two))]]:
        word, other = stretch[0]
        near = word - at + NEAR_WORDS
        others = [*range(to, other)]
        if len(others) > 2 * near:
            others = others[:near] + others[-near:]
        yield from _fewest_edits(one, range(at, word), two, others)
        if word < len(one):
            yield from stretch
        at, to = stretch[-1][0] + 1, stretch[-1][1] + 1


def _filled(stretch: Sequence[Pair]) -> Iterator[Aligned]:
    """The pairs of a stretch, and those of unequal words in its gaps, from both sides inwards."""
    last, last_other = stretch[0][0] - 1, stretch[0][1] - 1
    for word, other in stretch:
        count = min(word - last, other - last_other) - 1
        early, late = (count + 1) // 2, count // 2
        for step in range(1, early + 1):
            yield Aligned(last + step, last_other + step, equal=False)
        for step in range(late, 0, -1):
            yield Aligned(word - step, other - step, equal=False)
        yield Aligned(word, other, equal=True)
        last, last_other = word, other
