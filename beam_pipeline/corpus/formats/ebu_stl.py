"""EBU STL: a block of 1,024 bytes on the file, then blocks of 128 bytes, one or more a subtitle.

EBU Tech 3264-E (1991). Our own reader: ttconv ends at the first block it cannot read. Times count
from the start of the programme, where the file tells it and no subtitle comes before it.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent
from beam_pipeline.corpus.formats.format import BinaryCueFormat
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

GENERAL_BYTES: Final = 1024
BLOCK_BYTES: Final = 128

_CODE_PAGES = (b"437", b"850", b"860", b"863", b"865")
_RATES = {
    b"23": Fraction(24_000, 1001),
    b"24": Fraction(24),
    b"25": Fraction(25),
    b"30": Fraction(30_000, 1001),
    b"50": Fraction(50),
}
_ALPHABETS = {b"01": "iso8859_5", b"02": "iso8859_6", b"03": "iso8859_7", b"04": "iso8859_8"}
_LANGUAGE_CODES = (
    "sq br ca hr cy cs da de en es eo et eu fo fr fy ga gd gl is it se la lv lb lt hu mt nl no oc "
    "pl pt ro rm sr sk sl fi sv tr nl wa"
)
_LANGUAGES = _LANGUAGE_CODES.split()
"""Those of Europe, by their codes from 1; the others are not told apart from faults."""

_LAST, _USER_DATA, _COMMENT = 0xFF, 0xFE, 0x01
_NEW_LINE, _UNUSED = 0x8A, 0x8F
_LATIN = dict(
    zip(
        (*range(0xA1, 0xA6), *range(0xA7, 0xC0), *range(0xD0, 0xD8), *range(0xDC, 0xE5)),
        "¡¢£$¥§¤‘“«←↑→↓°±²³×µ¶·÷’”»¼½¾¿—¹®©™♪¬¦⅛⅜⅝⅞ΩÆĐªĦ",
        strict=True,
    )
) | dict(zip(range(0xE6, 0xFF), "ĲĿŁØŒºÞŦŊŉĸæđðħıĳŀłøœßþŧŋ", strict=True))
"""Where ISO 6937 differs from ASCII."""

_ACCENTS = {
    0xC1: "\u0300", 0xC2: "\u0301", 0xC3: "\u0302", 0xC4: "\u0303", 0xC5: "\u0304", 0xC6: "\u0306",
    0xC7: "\u0307", 0xC8: "\u0308", 0xCA: "\u030a", 0xCB: "\u0327", 0xCD: "\u030b", 0xCE: "\u0328",
    0xCF: "\u030c",
}  # fmt: skip
"""Accents of ISO 6937; each stands before its letter."""


@dataclasses.dataclass
class _Subtitle:
    """The blocks of one subtitle.

    Attributes:
      number: in the file, from 1.
      key: group and number, as its blocks have them.
      times: hours, minutes, seconds and frames of its start, then of its end.
    """

    number: int
    key: bytes
    times: bytes
    text: bytearray = dataclasses.field(default_factory=bytearray)

    def add(self, field: bytes) -> None:
        """Appends the text of a block, unless there is more than any subtitle may have."""
        if len(self.text) <= limits.MAX_TEXT_CHARS:
            self.text += field.rstrip(bytes([_UNUSED]))


def read_ebu_stl(data: bytes) -> ParsedCues:
    """Reads every subtitle; comments, and blocks with data of users, are dropped.

    Raises:
      RefusalError: if there is no whole first block.
    """
    if len(data) < GENERAL_BYTES:
        detail = f"expected {GENERAL_BYTES} bytes on the file, found {len(data)}"
        raise RefusalError(Reason.MALFORMED_FILE, detail)
    rate = _RATES.get(data[6:8], Fraction(25))
    builder = CueBuilder("cue")
    cues: list[tuple[int, int, int, list[str]]] = []
    for subtitle in _subtitles(data[GENERAL_BYTES:], builder):
        try:
            start_ms, end_ms = (_time(subtitle.times[at : at + 4], rate) for at in (0, 4))
            text = _decoded(bytes(subtitle.text), data[12:14])
        except RefusalError as error:
            builder.refuse(subtitle.number, error)
        else:
            cues.append((subtitle.number, start_ms, end_ms, text.split("\n")))
    zero_ms = _programme_start(data[256:264], rate)
    if any(start_ms < zero_ms for _, start_ms, _, _ in cues):
        zero_ms = 0
    for number, start_ms, end_ms, lines in cues:
        builder.add(number, start_ms - zero_ms, end_ms - zero_ms, lines)
    return builder.build(_language(data[14:16]))


def _subtitles(data: bytes, builder: CueBuilder) -> Iterator[_Subtitle]:
    """The subtitles that may be said; those that cannot be are counted by the builder."""
    subtitle: _Subtitle | None = None
    number = 0
    for at in range(0, len(data), BLOCK_BYTES):
        block = data[at : at + BLOCK_BYTES]
        key, extension = block[:3], block[3] if len(block) > 3 else _LAST
        continues = subtitle is not None and subtitle.key == key
        number += not continues
        if len(block) < BLOCK_BYTES:
            detail = f"expected a block of {BLOCK_BYTES} bytes, found {len(block)}"
            builder.refuse(number, RefusalError(Reason.MALFORMED_CUE, detail))
        elif extension == _USER_DATA:
            builder.drop(Silent.CONTROL)
        elif block[15] == _COMMENT:
            builder.drop(Silent.COMMENT)
        else:
            if subtitle is None or not continues:
                if subtitle:
                    yield subtitle
                subtitle = _Subtitle(number, key, block[5:13])
            subtitle.add(block[16:])
            if extension == _LAST:
                yield subtitle
                subtitle = None
    if subtitle:
        yield subtitle


def _time(time: bytes, rate: Fraction) -> int:
    hours, minutes, seconds, frames = time
    if minutes > 59 or seconds > 59 or frames >= rate:
        detail = "expected minutes and seconds below 60, and frames below those of a second"
        raise RefusalError(Reason.MALFORMED_CUE, detail)
    whole = hours * 60 + minutes
    # the times of 525 lines leave out two frames a minute, but not each tenth
    left_out = 2 * (whole - whole // 10) if round(rate) == 30 else 0
    return round(((whole * 60 + seconds) * round(rate) + frames - left_out) * 1000 / rate)


def _programme_start(field: bytes, rate: Fraction) -> int:
    """Milliseconds of `10000000`, hours to frames; 0 where the field is none."""
    if not (field.isdigit() and len(field) == 8):
        return 0
    try:
        return _time(bytes(int(field[at : at + 2]) for at in range(0, 8, 2)), rate)
    except RefusalError:
        return 0


def _language(code: bytes) -> str | None:
    try:
        number = int(code, 16)
    except ValueError:
        return None
    return _LANGUAGES[number - 1] if 0 < number <= len(_LANGUAGES) else None


def _decoded(field: bytes, table: bytes) -> str:
    """The text of a field; what controls the look of a teletext takes the place of a space.

    Raises:
      RefusalError: if a byte stands for nothing in the alphabet of the table.
    """
    # what is between the two is for the look of open subtitles
    kept = bytes(byte for byte in field if byte < 0x7F or byte == _NEW_LINE or byte >= 0xA0)
    return "\n".join(
        _letters(bytes(max(byte, 0x20) for byte in line), table)
        for line in kept.split(bytes([_NEW_LINE]))
    )


def _letters(line: bytes, table: bytes) -> str:
    alphabet = _ALPHABETS.get(table)
    if alphabet is None:
        return unicodedata.normalize("NFC", _latin(line))
    try:
        return line.decode(alphabet)
    except UnicodeDecodeError as error:
        raise RefusalError(Reason.UNDECODABLE, f"expected {alphabet}") from error


def _latin(line: bytes) -> str:
    """ISO 6937, with each accent behind its letter, as Unicode has them."""
    letters: list[str] = []
    accent = ""
    for byte in line:
        if byte in _ACCENTS:
            accent = _ACCENTS[byte]
            continue
        letters += (chr(byte) if byte < 0x7F else _LATIN.get(byte, " "), accent)
        accent = ""
    return "".join(letters)


FORMAT = BinaryCueFormat(
    name="ebu_stl",
    title="EBU STL",
    shared_extensions=(".stl",),
    magic=tuple(page + b"STL" for page in _CODE_PAGES),
    read=read_ebu_stl,
    known_by="the number of a code page, then `STL`",
    item="a subtitle, of one block or more; a block of a comment or of users",
)
