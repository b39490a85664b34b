"""What language an episode is in, where neither its file nor the file's name says.

By py3langid, whose model is inside its package. On the real subtitles that the tests read it finds
all 64 whole files to be English, as lingua does, and 95% of pieces of 100 characters (lingua: 94 to
95%); it takes 2 ms a file (lingua: 12) and 5 MB on disk (lingua: 96).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Final

from babelfish import Language
from babelfish.exceptions import LanguageConvertError, LanguageReverseError
from py3langid.langid import MODEL_FILE, LanguageIdentifier

ENOUGH_CHARS: Final = 200
"""With fewer letters to go on nothing is said: one piece of 100 in 20 is taken for another."""

_SAMPLE_CHARS = 4_000
_ISO_639_1 = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da "
    "de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy "
    "hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg "
    "li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or "
    "os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta "
    "te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
ISO_639_1: Final = frozenset(_ISO_639_1.split())
"""All codes of two letters."""

# ISO 639-2 codes that files are often named with; any three letters may be something else.
_TWO_LETTERS_OF = {
    "ara": "ar", "bul": "bg", "ces": "cs", "chi": "zh", "cze": "cs", "dan": "da", "deu": "de",
    "dut": "nl", "ell": "el", "eng": "en", "fas": "fa", "fin": "fi", "fra": "fr", "fre": "fr",
    "ger": "de", "gre": "el", "heb": "he", "hin": "hi", "hrv": "hr", "hun": "hu", "ita": "it",
    "jpn": "ja", "kor": "ko", "lav": "lv", "nld": "nl", "nor": "no", "pol": "pl", "por": "pt",
    "ron": "ro", "rum": "ro", "rus": "ru", "slk": "sk", "slo": "sk", "slv": "sl", "spa": "es",
    "srp": "sr", "swe": "sv", "tha": "th", "tur": "tr", "ukr": "uk", "vie": "vi", "zho": "zh",
}  # fmt: skip

_TAG = re.compile(r"([A-Za-z]{2,3})((?:[-_][\w-]+)?)")
_SCRIPT_AND_REGION = re.compile(r"(?:[-_](?!orig)[A-Za-z]{4})?(?:[-_](?:[A-Za-z]{2}|\d{3}))?")
# ISO 639-2 for what is no language, or none that is said: `und` is what ffmpeg writes.
_NO_LANGUAGE = frozenset(("mis", "mul", "und", "xx", "zxx"))


def primary_language(tag: str) -> str:
    """The language of a tag, without region or script: `pt` of `pt-BR`, `en` of `eng`."""
    code = tag.replace("_", "-").partition("-")[0].lower()
    return _TWO_LETTERS_OF.get(code, code)


def known_language(tag: str | None) -> str | None:
    """What a file says of its language; None for a tag that names none, such as `und`.

    Args:
      tag: of BCP 47, or a language's English name.
    """
    if not tag or primary_language(tag) in _NO_LANGUAGE:
        return None
    return _language_named(tag) or tag


def language_of_code(word: str) -> str | None:
    """The language of a code in the name of a file, `en`, `pt-BR`, `eng`; None for other words."""
    found = _TAG.fullmatch(word)
    # `Dr.No` is a title, not Norwegian.
    if not found or found[1] not in (found[1].lower(), found[1].upper()):
        return None
    language = primary_language(found[1])
    if language not in ISO_639_1:
        return None
    # what stands behind a code may be the name of a track: `en-orig`
    return language + (found[2] if _SCRIPT_AND_REGION.fullmatch(found[2]) else "")


def language_of_word(word: str) -> str | None:
    """The language of a code or of an English name, `english`; None for other words."""
    return language_of_code(word) or _language_named(word)


def _language_named(name: str) -> str | None:
    try:
        return str(Language.fromname(name).alpha2) if len(name) > 3 else None
    except (LanguageReverseError, LanguageConvertError):  # no name, or of a language without code
        return None


def detect_language(texts: Sequence[str]) -> str | None:
    """The ISO 639-1 code of the language of utterances; None with too little to tell.

    Args:
      texts: in any number; some of them, evenly spread, are looked at.
    """
    step = 1 + sum(map(len, texts)) // _SAMPLE_CHARS
    sample = " ".join(texts[::step])[: 2 * _SAMPLE_CHARS]
    if sum(map(str.isalpha, sample)) < ENOUGH_CHARS:
        return None
    return str(_identifier().classify(sample)[0])


@functools.cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE)
