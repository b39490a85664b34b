"""What stands before a colon in capitals, as labels do, and names nobody: notices, places, times.

Closed lists: a word that is missed here costs a wrong speaker, a name that is listed here costs its
own history, so only words that name no one are in them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

CAPITALS_SHARE: Final = 0.7
"""With this share of capital letters in what is said, capitals make no label."""

_NO_CAPITALS = bytes(code for code in range(128) if not chr(code).isupper())
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalpha())
_FIRST_WORDS = (
    "act alert attention breaking caution chapter danger day episode error example exhibit fact "
    "figure from headline headlines lesson level location message notice note part phase "
    "previously problem reason result results round rule rules scene score season section step "
    "subject subtitle summary tip tips title to today tomorrow tonight topic total update verse "
    "volume warning week "
    "winner yesterday"
)
_FIRST = frozenset(_FIRST_WORDS.split())
_LAST_WORDS = (
    "ago alert alerts cost date day death earlier forecast headline headlines later message "
    "name news notice number occupation report score sign status time title today tonight total "
    "update warning"
)
_LAST = frozenset(_LAST_WORDS.split())
# Cities that nobody is called after, as scenes are dated: `LONDON: 1944.`
_CITIES_WORDS = (
    "amsterdam athens baghdad bangkok barcelona beijing beirut berlin bogota boston brussels "
    "budapest cairo chicago copenhagen damascus dublin havana helsinki istanbul jerusalem kabul "
    "kiev kyiv lisbon london madrid manila miami moscow mumbai munich oslo prague rome seattle "
    "seoul shanghai singapore stockholm tehran tokyo vienna warsaw zurich"
)
_CITIES = frozenset(
    [*_CITIES_WORDS.split(), "new york", "new york city", "los angeles", "las vegas", "hong kong",
     "san francisco", "washington, d.c.", "washington d.c.", "mexico city", "new orleans"]
)  # fmt: skip
_DATED = re.compile(
    r"\W*(?:(?:\w+\s){0,3}(?:years?|months?|weeks?|days?|hours?|minutes?) (?:later|earlier)"
    r"|present day|(?:in )?\d{4})\W*",
    re.IGNORECASE,
)


def capitals_stand_out(spoken: Sequence[str]) -> bool:
    """Whether capitals before a colon stand out from the lines that are said in a file."""
    # nearly all lines are ASCII, whose letters are counted in a fifth of the time
    plain = "".join(filter(str.isascii, spoken)).encode()
    others = "".join(line for line in spoken if not line.isascii())
    letters = len(plain.translate(None, _NO_LETTERS)) + sum(map(str.isalpha, others))
    capitals = len(plain.translate(None, _NO_CAPITALS)) + sum(map(str.isupper, others))
    return capitals < CAPITALS_SHARE * max(letters, 1)


def is_notice(label: str, rest: str) -> bool:
    """Whether a label in capitals is a notice and no name: `WARNING`, `CHAPTER TWO`, `LONDON`.

    Args:
      label: what stands before the colon.
      rest: what stands behind it.
    """
    words = label.casefold().split()
    listed = words[0] in _FIRST or words[-1] in _LAST or " ".join(words) in _CITIES
    return listed or _DATED.fullmatch(rest) is not None
