"""Which encoding a text in Latin or Cyrillic letters is in: the one in which it is well spelt.

Bytes of one encoding read in another are letters as well, but those of no language: Polish `żółć`
is `¿ó³æ` in Windows-1252. A detector goes by frequencies, which short texts do not have.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, NamedTuple

MIN_SPELT: Final = 0.97
"""That share of the letters beyond ASCII is of a language's alphabet if the text is in it."""

MIN_LEAD: Final = 0.05
"""By so much more than for any Western language, which most files are in."""

MIN_FREQUENT: Final = 0.5
"""Russian, Ukrainian and Bulgarian have 57 to 66% of the letters that are frequent in Cyrillic; in
a wrong encoding they have at most 43%."""

_CENTRAL = ("cp1250", "iso8859_2")
_BALTIC = ("cp1257", "iso8859_13")
_WESTERN = {
    "fr": "àâæçéèêëîïôœùûüÿ",
    "de": "äöüß",
    "es": "áéíñóúü¿¡ªº",
    "pt": "ãõáâàçéêíóôúªº",
    "it": "àèéìíîòóùú",
    "nl": "éëïóöèêá",
    "sv": "åäöé",
    "da": "æøåéó",
}
_OTHERS = {
    "pl": ("ąćęłńóśźż", _CENTRAL),
    "cs": ("áčďéěíňóřšťúůýž", _CENTRAL),
    "sk": ("áäčďéíĺľňóôŕšťúýž", _CENTRAL),
    "hu": ("áéíóöőúüű", _CENTRAL),
    "ro": ("ăâîşţ", _CENTRAL),
    "hr": ("čćđšž", _CENTRAL),
    "sq": ("çë", _CENTRAL),
    "tr": ("çğıİöşüâî", ("cp1254",)),
    "lt": ("ąčęėįšųūž", _BALTIC),
    "lv": ("āčēģīķļņšūž", _BALTIC),
    "et": ("äõöüšž", _BALTIC),
}
_LIKE = {"bs": "hr", "sl": "hr", "sr": "hr"}
_CYRILLIC = ("cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5", "mac_cyrillic")
_ALL = 0.99
_ALL_IN_CASE = 0.95
_IN_A_WORD = re.compile(r"(?<=[^\W\d_])[^\W\d_]")
_FREQUENT = re.compile("[оеаинтсрвлі]", re.IGNORECASE)
_CYRILLIC_LETTER = re.compile("[\u0400-\u052f]")
_PUNCTUATION = frozenset("“”‘’‚„–—…«»‹›•·°©®™\u00a0\u00ad")


class _Spelling(NamedTuple):
    """How much of a text is spelt as a language is, in an encoding."""

    share: float
    encoding: str


def of_alphabet(sample: bytes, language: str | None = None) -> str | None:
    """The encoding of Central Europe, Turkey or the Baltic that a text is spelt in.

    Args:
      sample: lines with bytes beyond ASCII.
      language: ISO 639-1 code, where it is known.

    Returns:
      None where it is none, or may as well be Windows-1252.
    """
    code = _LIKE.get(language or "", language)
    others = [_OTHERS[one] for one in _OTHERS if code in (None, one)]
    found = max(
        (_spelling(sample, encoding, letters) for letters, names in others for encoding in names),
        key=lambda one: one.share,
        default=_Spelling(0.0, ""),
    )
    if found.share < MIN_SPELT:
        return None
    western = max(_spelling(sample, "cp1252", letters).share for letters in _WESTERN.values())
    return found.encoding if code or found.share >= western + MIN_LEAD else None


def cyrillic_encoding(sample: bytes) -> str | None:
    """The encoding in which a text has most of the letters that are frequent in Cyrillic."""
    found = max((_cyrillic(sample, encoding) for encoding in _CYRILLIC), key=lambda one: one.share)
    return found.encoding if found.share >= MIN_FREQUENT else None


def _spelling(sample: bytes, encoding: str, letters: str) -> _Spelling:
    counts = Counter(char for char in sample.decode(encoding, "replace") if char > "\x7f")
    counts = Counter({char: count for char, count in counts.items() if char not in _PUNCTUATION})
    spelt = sum(count for char, count in counts.items() if {char, char.lower()} & {*letters})
    return _Spelling(spelt / max(counts.total(), 1), encoding)


def _cyrillic(sample: bytes, encoding: str) -> _Spelling:
    text = sample.decode(encoding, "replace")
    beyond = "".join(char for char in text if char > "\x7f" and char not in _PUNCTUATION)
    letters = _CYRILLIC_LETTER.findall(beyond)
    # read in a wrong encoding, a word has signs and capitals within
    within = [char for char in _IN_A_WORD.findall(text) if char > "\x7f"]
    small = sum(map(str.islower, within)) / max(len(within), 1)
    is_spelt = len(letters) >= _ALL * len(beyond) and not 1 - _ALL_IN_CASE < small < _ALL_IN_CASE
    frequent = len(_FREQUENT.findall("".join(letters)))
    return _Spelling(frequent / max(len(letters), 1) if is_spelt else 0.0, encoding)
