"""SCC: the bytes of a television's captions (CEA-608) in hexadecimal, a time a line.

Our own reader: libraries end at the first fault of a file. A timed line is a cue; one that only
clears the screen or sets a mode is dropped. A caption is shown when its last byte has come, a
pair of bytes a frame, until the screen is cleared or the next caption is shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues, lines_of
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent
from beam_pipeline.corpus.formats.format import CueFormat
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_HEADER = "Scenarist_SCC"
_BEGIN = re.compile(rf"\s*{_HEADER}")
_LINE = re.compile(
    r"\s*(\d\d):(\d\d):(\d\d)([:;.,])(\d\d)((?:\s+[0-9a-f]{4})*)\s*", re.ASCII | re.IGNORECASE
)
_FRAME_MS = 1001 / 30

_BASIC = dict(zip(b"*\\^_`{|}~\x7f", "áéíóúç÷Ññ█", strict=True))
"""Where the characters differ from ASCII."""

_SPECIAL = "®°½¿™¢£♪à èâêîôû"
"""Of the pairs 0x11 0x30 to 0x11 0x3f."""

_EXTENDED = {
    0x12: "ÁÉÓÚÜü‘¡*’—©℠•“”ÀÂÇÈÊËëÎÏïÔÙùÛ«»",
    0x13: "ÃãÍÌìÒòÕõ{}\\^_|~ÄäÖöß¥¤│ÅåØø┌┐└┘",
}
"""Of the pairs from 0x12 0x20 and 0x13 0x20; each stands in place of the character before it."""

_BACKSPACE, _RETURN, _CLEAR, _SHOW = 0x21, 0x2D, 0x2C, 0x2F


def read_scc(text: str) -> ParsedCues:
    """Reads every line but the header and empty ones."""
    builder = CueBuilder("line")
    for number, line in enumerate(lines_of(text), 1):
        if line.strip() and not line.lstrip("\ufeff ").startswith(_HEADER):
            _read_line(builder, number, line)
    return builder.build()


def _read_line(builder: CueBuilder, number: int, line: str) -> None:
    match = _LINE.fullmatch(line) if len(line) <= limits.MAX_TEXT_CHARS else None
    if match is None or int(match[2]) > 59 or int(match[3]) > 59:
        detail = "expected a time and groups of four hexadecimal digits"
        builder.refuse(number, RefusalError(Reason.MALFORMED_CUE, detail))
        return
    pairs = [(int(pair[:2], 16) & 0x7F, int(pair[2:], 16) & 0x7F) for pair in match[6].split()]
    frame = _frame(match)
    text, shown, cleared = _decode(pairs)
    if cleared is not None:
        builder.clear(round((frame + cleared) * _FRAME_MS))
    if text.strip():
        builder.add(number, round((frame + shown) * _FRAME_MS), None, text.split("\n"))
    else:
        builder.drop(Silent.CONTROL)


def _frame(time: re.Match[str]) -> int:
    """The number of a frame: a time that drops leaves out two a minute, but not each tenth."""
    hours, minutes, seconds, frames = map(int, time.group(1, 2, 3, 5))
    whole = hours * 60 + minutes
    dropped = 2 * (whole - whole // 10) if time[4] != ":" else 0
    return (whole * 60 + seconds) * 30 + frames - dropped


def _decode(pairs: Sequence[tuple[int, int]]) -> tuple[str, int, int | None]:
    """The text of a line, after how many frames it is shown, and when the screen is cleared."""
    text: list[str] = []
    shown, cleared = 0, None
    before: tuple[int, int] | None = None
    for at, pair in enumerate(pairs):
        first, second = pair[0] & ~0x08 if 0x10 <= pair[0] < 0x20 else pair[0], pair[1]
        if first >= 0x20:
            text += [_BASIC.get(byte, chr(byte)) for byte in pair if byte >= 0x20]
            before = None
            continue
        # Whatever controls is sent twice, lest it be lost.
        if pair == before or first < 0x10:
            before = None
            continue
        before = pair
        if first in (0x14, 0x15) and 0x20 <= second < 0x30:
            cleared = at if second == _CLEAR and not text else cleared
            shown = at if second == _SHOW else shown
        _control(text, first, second)
    return "".join(text), shown, cleared


def _control(text: list[str], first: int, second: int) -> None:
    """Does to the text what a pair of bytes commands."""
    if first in (0x12, 0x13) and 0x20 <= second < 0x40:
        text[-1:] = [_EXTENDED[first][second - 0x20]]
    elif first == 0x11 and 0x30 <= second < 0x40:
        text.append(_SPECIAL[second - 0x30])
    elif first == 0x11 and 0x20 <= second < 0x30:
        text.append(" ")
    elif first in (0x14, 0x15) and second == _BACKSPACE:
        text[-1:] = []
    elif second >= 0x40 or (first in (0x14, 0x15) and second == _RETURN):
        text.append("\n")


FORMAT = CueFormat(
    name="scc",
    title="SCC",
    extensions=(".scc",),
    recognise=lambda text: text.at_start(_BEGIN),
    read=read_scc,
    known_by="`Scenarist_SCC`",
    item="a line after the header",
)
