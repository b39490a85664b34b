"""Encodings of one language or script: known by what a file says, or by what its bytes must be.

A detector goes by frequencies, and mistakes short texts. A name such as `pilot.pl.srt` or a header
tells more, and so do scripts that hardly any other bytes can stand for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from beam_pipeline.corpus.alphabets import cyrillic_encoding, of_alphabet
from beam_pipeline.corpus.languages import language_of_code, primary_language

_CENTRAL = ("cp1250",)
_CYRILLIC = ("cp1251", "koi8_r")
_CHINESE = ("gb18030", "big5")
_OF_LANGUAGES: Final = {
    **dict.fromkeys(("bs", "cs", "hr", "hu", "pl", "ro", "sk", "sl", "sq"), _CENTRAL),
    **dict.fromkeys(("be", "bg", "mk", "ru", "sr", "uk"), _CYRILLIC),
    **dict.fromkeys(("ar", "fa", "ur"), ("cp1256",)),
    **dict.fromkeys(("et", "lt", "lv"), ("cp1257",)),
    "el": ("cp1253",),
    "he": ("cp1255",),
    "ja": ("cp932", "euc_jp"),
    "ko": ("cp949",),
    "th": ("cp874",),
    "tr": ("cp1254",),
    "vi": ("cp1258",),
    "zh": _CHINESE,
}
"""By ISO 639-1 code, the most frequent encoding first."""

_TRADITIONAL = re.compile(r"zh[-_](?:hant|tw|hk|mo)", re.IGNORECASE)
_HEAD_BYTES = 2_048
_DECLARED = re.compile(
    rb"<\?xml[^>]*\sencoding\s*=\s*[\"']([\w.-]{2,20})|charset=[\"']?([\w.-]{2,20})"
)
_LANGUAGE = re.compile(
    rb"(?:xml:lang\s*=\s*[\"']|Language\s*:\s*|\[?la(?:ng)?:\s*)([A-Za-z-]{2,10})"
)

_HANGUL = re.compile("[\uac00-\ud7a3]")
_KANA = re.compile("[\u3041-\u3093\u30a1-\u30f6\u30fc]")
_THAI_MARK = re.compile("[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]")
_THAI_MARKED = re.compile("[\u0e01-\u0e2e][\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]{1,2}")
_ARABIC = re.compile("[\u0600-\u06ff\u200c-\u200f]")
_IN_A_WORD = re.compile(r"(?<=[^\W\d_])[^\W\d_]")
MIN_SCRIPT_SHARE: Final = 0.3
"""Of the characters beyond ASCII: Japanese has more kana than that, and no other text has any."""

_MIN_CHARS = 8


def declared_encoding(data: bytes) -> str | None:
    """The encoding that the head of a file names, as XML and HTML do."""
    found = _DECLARED.search(data[:_HEAD_BYTES])
    return (found[1] or found[2]).decode("ascii") if found else None


def declared_language(data: bytes) -> str | None:
    """The language that the head of a file names, as WebVTT, TTML and LRC do."""
    found = _LANGUAGE.search(data[:_HEAD_BYTES])
    return language_of_code(found[1].decode("ascii")) if found else None


def of_language(sample: bytes, language: str) -> Iterator[str]:
    """The encodings that a text of a language may be in, but for Unicode and Windows-1252.

    Args:
      sample: lines with bytes beyond ASCII.
      language: BCP 47 tag.
    """
    code = primary_language(language)
    usual = _OF_LANGUAGES.get(code, ())
    spelt = cyrillic_encoding(sample) if usual == _CYRILLIC else of_alphabet(sample, code)
    if spelt and usual:
        yield spelt
    yield from usual[::-1] if _TRADITIONAL.match(language) else usual


def of_script(sample: bytes) -> Iterator[str]:
    """The encodings in which bytes can hardly be anything but a text of their script.

    Args:
      sample: lines with bytes beyond ASCII.
    """
    for encoding, is_script in (
        ("cp949", _is_korean),
        ("cp932", _is_japanese),
        ("euc_jp", _is_japanese),
        ("cp874", _is_thai),
        (cyrillic_encoding(sample) or "ascii", _is_cyrillic),
        ("cp1256", _is_arabic),
    ):
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        beyond = "".join(char for char in text if char > "\x7f")
        # a word of Western letters has one or two with an accent, one of these scripts no other
        latin = sum(char.isascii() and char.isalpha() for char in text)
        if len(beyond) >= max(_MIN_CHARS, latin) and is_script(sample, beyond):
            yield encoding


def _is_korean(sample: bytes, beyond: str) -> bool:
    """The syllables that are in use stand where other encodings have a part of theirs at most."""
    frequent = _HANGUL.findall(sample.decode("euc_kr", "replace"))
    return len(frequent) >= 0.9 * sum(map(str.isalpha, beyond))


def _is_japanese(sample: bytes, beyond: str) -> bool:
    return len(_KANA.findall(beyond)) >= MIN_SCRIPT_SHARE * len(beyond)


def _is_thai(sample: bytes, beyond: str) -> bool:
    """Vowels and tones stand above and below consonants, some for each word."""
    marks = len(_THAI_MARK.findall(beyond))
    placed = sum(len(found[0]) - 1 for found in _THAI_MARKED.finditer(beyond))
    return 0.1 * len(beyond) <= marks == placed


def _is_cyrillic(sample: bytes, beyond: str) -> bool:
    """No more than that its encoding was found, by its letters."""
    return bool(beyond)


def _is_arabic(sample: bytes, beyond: str) -> bool:
    """Arabic has no case; read as Cyrillic it has capitals within words."""
    within = "".join(_IN_A_WORD.findall(sample.decode("cp1251", "replace")))
    capitals = sum(map(str.isupper, within)) >= MIN_SCRIPT_SHARE * len(within)
    return capitals and len(_ARABIC.findall(beyond)) >= 0.9 * len(beyond)
