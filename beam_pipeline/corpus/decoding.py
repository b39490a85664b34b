"""Bytes -> text, and which encoding they were read in."""

from __future__ import annotations

import codecs
import dataclasses
import re
from collections.abc import Iterator

import charset_normalizer

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

_NON_ASCII = re.compile(rb"[\x80-\xff]+")
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
_MAX_CONTROL_SHARE = 0.01
# The detector takes seconds for a megabyte, and has seen enough after some hundred lines.
_SAMPLE_BYTES = 8 * 2**10
_SAMPLE_LINE_BYTES = 400
# With less to go on the detector guesses; the most frequent encoding is then the better guess.
_ENOUGH_BYTES = 16


@dataclasses.dataclass(frozen=True)
class Decoded:
    """The text of a file, without byte order mark, and the encoding it was read in."""

    text: str
    encoding: str


def decode(data: bytes) -> Decoded:
    """Reads bytes by their byte order mark, else as UTF-8, else as what a detector says.

    Latin-1 is read as Windows-1252, of which it is the printable part.

    Raises:
      RefusalError: if the bytes are no text, or not in any encoding that is known here.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode_marked(data, encoding)
    if _is_binary(data):
        raise RefusalError(
            Reason.UNDECODABLE, "expected text, found control bytes as in binary data"
        )
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _decode_detected(data)


def _decode_marked(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeDecodeError as error:
        raise RefusalError(
            Reason.UNDECODABLE, f"expected {encoding} after its byte order mark"
        ) from error


def _is_binary(data: bytes) -> bool:
    controls = len(data) - len(data.translate(None, _CONTROLS))
    return controls > _MAX_CONTROL_SHARE * len(data)


def _decode_detected(data: bytes) -> Decoded:
    for encoding in _detect(_sample(data)):
        if encoding == "cp1252":
            return Decoded(codecs.charmap_decode(data, "strict", _CP1252)[0], encoding)
        try:
            return Decoded(data.decode(encoding), encoding)
        except UnicodeDecodeError:
            continue
    raise RefusalError(Reason.UNDECODABLE, "no encoding fits; convert the file to UTF-8")


def _detect(sample: bytes) -> Iterator[str]:
    """Encodings that may fit, the most likely one first."""
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
