"""LRC: `[00:01.50]Hello`, each line shown until the next; a line may have several times.

Our own reader: none of the libraries tells what it leaves out. A positive `[offset:]` shows
everything that much earlier.
"""

from __future__ import annotations

import re

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.clocks import milliseconds
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues, lines_of
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_EXTENSION = ".lrc"
_TAG = r"\[[A-Za-z#]+:[^\[\]\r\n]*\]"
_TIME = re.compile(r"\s*\[(\d{1,4}):(\d{1,2})(?:[.:,](\d{1,3}))?\]", re.ASCII)
_SHAPE = re.compile(rf"\s*(?:{_TAG}\s*)*\[\d{{1,4}}:\d{{2}}\.\d{{1,3}}\]", re.ASCII)
_METADATA = re.compile(rf"\s*{_TAG}\s*")
_OFFSET = re.compile(r"^[ \t]*\[offset:[ \t]*([+-]?[0-9]{1,9})[ \t]*\]", re.I | re.M)
_BEGIN = re.compile(r"\s*\[[\d:.,]+\]")


def find_lrc(text: RawText) -> Evidence | None:
    """The tags and the first time; elsewhere a time in brackets has no fraction."""
    return text.at_start(_SHAPE)


def read_lrc(text: str) -> ParsedCues:
    """Reads every time as a cue; lines without one belong to the cue before."""
    offset = _OFFSET.search(text)
    reader = _Reader(int(offset[1]) if offset else 0)
    for number, line in enumerate(lines_of(text), 1):
        reader.take(number, line)
    reader.close()
    return reader.builder.build()


class _Reader:
    """Goes through the lines of a file.

    Args:
      offset_ms: how much earlier everything is shown.
    """

    def __init__(self, offset_ms: int):
        self.builder = CueBuilder("line")
        self._offset_ms = offset_ms
        self._number = self._size = 0
        self._starts: list[re.Match[str]] = []
        self._lines: list[str] = []

    def take(self, number: int, line: str) -> None:
        """Takes in the next line."""
        if _BEGIN.match(line):
            self.close()
            self._begin(number, line)
        elif _METADATA.fullmatch(line[: limits.MAX_LINE_CHARS]):
            self.builder.drop(Silent.METADATA)
        elif self._starts:
            self._add(line)
        elif line.strip():
            self.builder.drop(Silent.METADATA)

    def _begin(self, number: int, line: str) -> None:
        self._number, at = number, 0
        while time := _TIME.match(line, at):
            self._starts.append(time)
            at = time.end()
        if not self._starts or _BEGIN.match(line, at):
            error = RefusalError(Reason.MALFORMED_CUE, "expected a time such as [00:01.50]")
            self.builder.refuse(number, error)
        if self._starts:
            self._add(line[at:])

    def _add(self, line: str) -> None:
        if self._size <= limits.MAX_TEXT_CHARS:
            self._lines.append(line)
            self._size += len(line)

    def close(self) -> None:
        """Hands over the cues of the line, one a time."""
        for time in self._starts:
            try:
                fraction = (time[3] or "").ljust(3, "0")
                at_ms = int(time[1]) * 60_000 + milliseconds(None, "0", time[2], fraction)
            except RefusalError as error:
                self.builder.refuse(self._number, error)
                continue
            self._show(max(at_ms - self._offset_ms, 0))
        self._starts, self._lines, self._size = [], [], 0

    def _show(self, start_ms: int) -> None:
        if any(map(str.strip, self._lines)):
            self.builder.add(self._number, start_ms, None, self._lines)
        else:
            self.builder.clear(start_ms)
            self.builder.drop(Silent.BLANK)


FORMAT = CueFormat(
    name="lrc",
    title="LRC",
    extensions=(_EXTENSION,),
    shared_extensions=(".txt",),
    recognise=find_lrc,
    read=read_lrc,
    known_by="`[00:01.50]` at its begin, behind tags such as `[ti:...]`",
    item="a time of a line; a tag",
)
