"""Names as they are compared. Nothing here guesses: two names are one form or they are two."""

from __future__ import annotations

import re
import unicodedata

_QUALIFIER = re.compile(r"\s*[\[(][^\[\]()]*[\])]\s*")
_QUOTES = str.maketrans("‘’ʼ`", "''''")
_TITLES = {
    "captain": "capt", "colonel": "col", "detective": "det", "doctor": "dr", "father": "fr",
    "general": "gen", "lieutenant": "lt", "miss": "ms", "missus": "mrs", "mister": "mr",
    "officer": "ofc", "professor": "prof", "reverend": "rev", "saint": "st", "senator": "sen",
    "sergeant": "sgt",
}  # fmt: skip


def normalise(text: str) -> str:
    """The form in which texts are compared: compatible characters, case and space made one."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def without_qualifiers(name: str) -> str:
    """`MONICA [OC]`, `ROSS (on the phone)` without what tells how they are heard."""
    return _QUALIFIER.sub(" ", name).strip() or name.strip()


def canonical(name: str) -> str:
    """The form in which names are compared: `Doctor  Green [OC]` is `dr green`.

    Beyond `normalise`, it leaves out qualifiers in brackets and the dots of initials, and writes
    a title before another word in one way. Titles stay: Mr. and Mrs. Green are two.
    """
    plain = normalise(without_qualifiers(name)).translate(_QUOTES)
    words = plain.replace(".", " ").split() if _is_titled(plain) else plain.replace(".", "").split()
    if len(words) > 1:
        words[0] = _TITLES.get(words[0], words[0])
    return " ".join(words) or plain


def _is_titled(plain: str) -> bool:
    """`dr.green` has a title and a name, `b.b.` initials."""
    head = plain.partition(".")[0]
    return head in _TITLES.values()
