"""Bytes -> text, and which encoding they were read in."""

from __future__ import annotations

import codecs
import dataclasses
import re
from collections.abc import Iterator

import charset_normalizer
import ftfy
from ftfy.badness import is_bad
from ftfy.fixes import fix_c1_controls

from beam_pipeline.corpus.alphabets import of_alphabet
from beam_pipeline.corpus.legacy_encodings import (
    declared_encoding,
    declared_language,
    of_language,
    of_script,
)
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_MARKS = (
    # UTF-32's mark begins with that of UTF-16, so it is asked for first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# What subtitles are written in. Without this list the detector offers EBCDIC for short files.
_CANDIDATES = [
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp1257",
    "koi8_r",
    "big5",
    "gb18030",
    "cp932",
    "euc_jp",
    "cp949",
]

_CP1252 = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256))
"""Windows-1252 as browsers read it: its five undefined bytes are control characters."""

_WESTERN_BYTES = {chr(byte): byte for byte in range(256)} | {
    char: byte for byte, char in enumerate(_CP1252)
}
_WESTERN = frozenset(_WESTERN_BYTES)

# Names that XML and HTML have for encodings of one byte, or of Japanese, Chinese and Korean.
_DECLARABLE = frozenset(
    (
        *(f"windows-125{digit}" for digit in range(9)),
        *("big5", "euc-jp", "euc-kr", "gb18030", "gb2312", "gbk", "koi8-r", "koi8-u"),
        *("shift_jis", "tis-620"),
    )
)

# Downloads that break off are padded with zeros, and files are put together of such.
_PADDING = re.compile(rb"\0{8,}")
_C1_CONTROL = re.compile("[\x80-\x9f]")
_SAMPLE_LINES = 200
_SAMPLE_CHARS = 2**13
_NON_ASCII = re.compile(rb"[\x80-\xff]+")
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
_MAX_CONTROL_SHARE = 0.01
# A zero or two is in the text of some programs, and nowhere near as often as in binary data.
_MAX_ZERO_SHARE = 0.2
# The detector takes seconds for a megabyte, and has seen enough after some hundred lines.
_SAMPLE_BYTES = 8 * 2**10
_SAMPLE_LINE_BYTES = 400
# With less to go on the detector guesses; the most frequent encoding is then the better guess.
_ENOUGH_BYTES = 16


_BROKEN = re.compile("[\udc80-\udcff]")
# Text in another encoding has a sequence that is UTF-8 now and then, and many more that are not.
_MIN_SOUND_SHARE = 4
_WIDE_SAMPLE_BYTES = 4_096


@dataclasses.dataclass(frozen=True)
class Decoded:
    """The text of a file, without byte order mark, and the encoding it was read in.

    `twice` says whether it had been decoded in the wrong one before, which is repaired.

    A byte that does not belong in UTF-8 stands in the text as half of a character; see `is_broken`.
    """

    text: str
    encoding: str
    twice: bool = False


def decode(data: bytes, language: str | None = None) -> Decoded:
    """Reads bytes by their byte order mark, else as UTF-8, else as what is most likely.

    UTF-16 without a mark is known by its zeros. What is UTF-8 but for a few bytes is UTF-8: a
    detector would guess at all of it, where only what those bytes stand in is lost. Then come the
    encoding that the file declares, those of its language, those of a script that the bytes can
    hardly but be in, and what a detector says. Latin-1 is read as Windows-1252, of which it is the
    printable part.

    Marks, zeros and doubled line ends within the text are taken out. Characters of a text that was
    once decoded in the wrong encoding are repaired.

    Args:
      data: of a whole file.
      language: BCP 47 tag that the file's name gives.

    Raises:
      RefusalError: if the bytes are no text, or not in any encoding that is known here.
    """
    decoded = _decode(data, language)
    text = _without_rubbish(decoded.text)
    repaired = _in_its_script(text) or _repaired(text)
    return Decoded(repaired, decoded.encoding, twice=repaired != text)


def _decode(data: bytes, language: str | None) -> Decoded:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode_marked(data, encoding)
    wide = _wide_encoding(data[:_WIDE_SAMPLE_BYTES])
    if wide:
        decoded = _decode_marked(data, wide)
        _refuse_binary(decoded.text.encode())
        return decoded
    if b"\x1b$" in data[:_WIDE_SAMPLE_BYTES]:
        return _decode_marked(data, "iso2022_jp")
    data = _PADDING.sub(b"", data) or data
    _refuse_binary(data)
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        if _is_mostly_utf_8(_sample(data)):
            return Decoded(data.decode("utf-8", "surrogateescape"), "utf-8")
        return _decode_detected(data, language)


def _without_rubbish(text: str) -> str:
    """Takes out marks and zeros of files that were put together, and doubled line ends."""
    text = text.replace("\ufeff", "").replace("\0", "")
    doubled = text.count("\r\r\n")
    return text.replace("\r\r\n", "\n") if 2 * doubled > text.count("\n") else text


def _repaired(text: str) -> str:
    """A text whose characters were bytes of UTF-8, by ftfy; any other as it is."""
    if text.isascii():
        return text
    lines = text.split("\n")
    beyond = [line for line in lines if not line.isascii()]
    sample = beyond[:: 1 + len(beyond) // _SAMPLE_LINES]
    # a few odd lines are odd words; a text that was decoded wrongly is so throughout
    if 2 * sum(map(_is_mojibake, sample)) < len(sample):
        return fix_c1_controls(text) if _C1_CONTROL.search(text) else text
    return "\n".join(line if line.isascii() else ftfy.fix_encoding(line) for line in lines)


def _in_its_script(text: str) -> str | None:
    """A text of another script whose bytes were read as Windows-1252; None for any other."""
    letters = "" if text.isascii() else "".join(filter(str.isalpha, text[:_SAMPLE_CHARS]))
    beyond = sum(char > "\x7f" for char in letters)
    # no language has most of its letters there
    if 2 * beyond < len(letters) or beyond < _ENOUGH_BYTES or not _WESTERN.issuperset(text):
        return None
    data = bytes(map(_WESTERN_BYTES.__getitem__, text))
    try:
        return next((data.decode(encoding) for encoding in of_script(_sample(data))), None)
    except UnicodeDecodeError:
        return None


def _is_mojibake(line: str) -> bool:
    return is_bad(line) and ftfy.fix_encoding(line) != line


def is_broken(text: str) -> bool:
    """Whether there is a byte in it that is no text."""
    return not text.isascii() and _BROKEN.search(text) is not None


def refuse_broken(*texts: str) -> None:
    """Refuses a cue or row in which there is a byte that is no text."""
    if any(map(is_broken, texts)):
        raise RefusalError(Reason.UNDECODABLE, "expected UTF-8 as in the rest of the file")


def _decode_marked(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeDecodeError as error:
        raise RefusalError(
            Reason.UNDECODABLE, f"expected {encoding} as at the begin of the file"
        ) from error


def _wide_encoding(sample: bytes) -> str | None:
    """UTF-16 has a zero next to each character that is in ASCII, always on the same side."""
    half = max(len(sample) // 2, 1)
    before, after = sample[::2].count(0) / half, sample[1::2].count(0) / half
    if min(before, after) > 0.05 or max(before, after) < 0.3:
        return None
    return "utf-16-be" if before > after else "utf-16-le"


def _is_mostly_utf_8(sample: bytes) -> bool:
    text = sample.decode("utf-8", "surrogateescape")
    broken = len(_BROKEN.findall(text))
    return sum(char > "\x7f" for char in text) - broken >= _MIN_SOUND_SHARE * broken


def _refuse_binary(data: bytes) -> None:
    if _is_binary(data):
        raise RefusalError(
            Reason.UNDECODABLE, "expected text, found control bytes as in binary data"
        )


def _is_binary(data: bytes) -> bool:
    zeros = data.count(0)
    controls = len(data) - len(data.translate(None, _CONTROLS)) - zeros
    return controls > _MAX_CONTROL_SHARE * len(data) or zeros > _MAX_ZERO_SHARE * len(data)


def _decode_detected(data: bytes, language: str | None) -> Decoded:
    for encoding in _detect(data, language):
        if encoding == "cp1252":
            return Decoded(codecs.charmap_decode(data, "strict", _CP1252)[0], encoding)
        try:
            return Decoded(data.decode(encoding), encoding)
        except (UnicodeDecodeError, LookupError):  # a file may declare an encoding of any name
            continue
    raise RefusalError(Reason.UNDECODABLE, "no encoding fits; convert the file to UTF-8")


def _detect(data: bytes, language: str | None) -> Iterator[str]:
    """Encodings that may fit, the most likely one first."""
    declared = declared_encoding(data)
    # what is no UTF-8 is often declared as such
    if declared and declared.lower() in _DECLARABLE:
        yield declared.lower()
    known = language or declared_language(data)
    sample = _sample(data)
    if known:
        yield from of_language(sample, known)
    yield from of_script(sample)
    if spelt := of_alphabet(sample):
        yield spelt
    if sum(map(len, _NON_ASCII.findall(sample))) < _ENOUGH_BYTES:
        yield "cp1252"
        return
    matches = charset_normalizer.from_bytes(sample, cp_isolation=_CANDIDATES)
    # On a tie the detector goes by the alphabet; Western files are the more frequent ones.
    best = max((match.coherence for match in matches), default=0.0)
    if any(_is_western(match) and match.coherence >= best for match in matches):
        yield "cp1252"
    yield from (match.encoding for match in matches)


def _is_western(match: charset_normalizer.CharsetMatch) -> bool:
    return "cp1252" in (match.encoding, *match.could_be_from_charset)


def _sample(data: bytes) -> bytes:
    """Lines with bytes beyond ASCII: the only ones that tell encodings apart."""
    lines: list[bytes] = []
    size = at = 0
    while size < _SAMPLE_BYTES and (found := _NON_ASCII.search(data, at)):
        start = data.rfind(b"\n", max(at, found.start() - _SAMPLE_LINE_BYTES), found.start()) + 1
        start = start or found.start()
        end = data.find(b"\n", found.end(), found.end() + _SAMPLE_LINE_BYTES) + 1
        at = end or min(found.start() + _SAMPLE_LINE_BYTES, len(data))
        lines.append(data[start:at])
        size += at - start
    return b"".join(lines)
