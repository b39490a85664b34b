"""All that is known of a format: the record `FORMAT` that each module of a format ends in.

A format is one module of this package. Nothing else names it: `detection` finds the records, the
table in `docs/data-format.md` is made from them.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Callable
from typing import Final

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.turn_builder import ParsedTurns
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.table_columns import RawTable

HEAD_CHARS: Final = 2**16
"""How much of a text is searched for what shows its format."""

_LINE_END = re.compile(r"[\r\n]")
_STARTS_WITH_TAG = re.compile(r"\s*<")
_STARTS_AS_JSON = re.compile(r"\s*[\[{]")

Evidence = tuple[int, int]
"""Where in a text the part that shows its format starts and ends, in characters."""


@dataclasses.dataclass(frozen=True)
class RawText:
    """The text of a file whose format is not known yet.

    Attributes:
      text: the whole of it.
      extension: of the file, in lower case: `.srt`.
      name: of the file, in lower case, without folders.
    """

    text: str
    extension: str
    name: str = ""

    @functools.cached_property
    def head(self) -> str:
        """The first `HEAD_CHARS` characters."""
        return self.text[:HEAD_CHARS]

    @property
    def whole(self) -> Evidence:
        """Evidence that lies in the text as a whole, and so is longer than that of any part."""
        return 0, len(self.text)

    @property
    def behind(self) -> Evidence:
        """Evidence that comes after any other: the format only where nothing shows another."""
        return len(self.text), len(self.text)

    @functools.cached_property
    def json(self) -> object:
        """The object or list that the text is as JSON, None if it is neither."""
        if not _STARTS_AS_JSON.match(self.head):
            return None
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    def at_start(self, pattern: re.Pattern[str]) -> Evidence | None:
        """Where the pattern matches at the start of the text."""
        found = pattern.match(self.head)
        return found and found.span()

    def first_tag(self, pattern: re.Pattern[str]) -> Evidence | None:
        """Where the pattern first matches in the head of a text that starts with a tag."""
        found = pattern.search(self.head) if _STARTS_WITH_TAG.match(self.head) else None
        return found and found.span()

    def first_line(
        self, mark: re.Pattern[str], is_timing: Callable[[str], bool]
    ) -> Evidence | None:
        """Where the first timing line of the head stands.

        Args:
          mark: matches in every timing line and rarely elsewhere, so that few lines are looked at.
          is_timing: whether a line, without its end, is a timing line; no line is that is longer
            than `MAX_TIMING_CHARS`.
        """
        at = 0
        while found := mark.search(self.head, at):
            at = found.start()
            before = self.head[max(at - limits.MAX_TIMING_CHARS, 0) : at]
            after = self.head[at : at + limits.MAX_TIMING_CHARS + 1]
            before, after = _LINE_END.split(before)[-1], _LINE_END.split(after, maxsplit=1)[0]
            start, at = at - len(before), at + len(after)
            if is_timing(before + after):
                return start, at
        return None


def _shows_nothing(_: RawText) -> None:
    return None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Format:
    """A format of files; see its kinds below.

    Attributes:
      name: as manifests have it.
      title: as people call it, for tables and error messages.
      extensions: in lower case; a file with one of them is of this format unless its content
        shows another. No two formats share one.
      shared_extensions: others that files of this format often have; they decide nothing.
      known_by: what shows the format; this and the next two are cells of the documentation.
      item: what is counted as a cue or row.
      speaker: where the format names the speaker, apart from labels in the text.
    """

    name: str
    title: str
    extensions: tuple[str, ...] = ()
    shared_extensions: tuple[str, ...] = ()
    known_by: str
    item: str
    speaker: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _TextFormat(Format):
    """A format of text.

    Attributes:
      recognise: where a text shows that it is of this format, None if it does not. The
        evidence that starts first wins, then the longest, so no recogniser has to know of another.
        The default never recognises a text: its extension alone decides.
    """

    recognise: Callable[[RawText], Evidence | None] = _shows_nothing


@dataclasses.dataclass(frozen=True, kw_only=True)
class CueFormat(_TextFormat):
    """Subtitles: a file is an episode, of cues with times.

    Attributes:
      read: text -> cues.
    """

    read: Callable[[str], ParsedCues]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSetFormat(_TextFormat):
    """A published data set: rows under our names for the columns, whatever `--columns` says.

    Attributes:
      read: text -> rows.
    """

    read: Callable[[str], RawTable]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableFormat(_TextFormat):
    """A table in which the user may say which column is what.

    Attributes:
      read: text -> rows, with those columns that may be of use.
    """

    read: Callable[[str, ReadOptions], RawTable]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranscriptFormat(_TextFormat):
    """A transcript without times, or with those of beginnings alone: an episode, of turns.

    Attributes:
      read: text -> turns.
    """

    read: Callable[[str], ParsedTurns]


TextFormat = CueFormat | DataSetFormat | TableFormat | TranscriptFormat


@dataclasses.dataclass(frozen=True, kw_only=True)
class _BinaryFormat(Format):
    """A format that is no text.

    Attributes:
      magic: what each such file begins with, any of these.
    """

    magic: tuple[bytes, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class BinaryCueFormat(_BinaryFormat):
    """Subtitles that are no text.

    Attributes:
      read: bytes -> cues.
    """

    read: Callable[[bytes], ParsedCues]


@dataclasses.dataclass(frozen=True, kw_only=True)
class BinaryTableFormat(_BinaryFormat):
    """A table that is no text.

    Attributes:
      read: bytes -> rows, with those columns that may be of use.
    """

    read: Callable[[bytes, ReadOptions], RawTable]


BinaryFormat = BinaryCueFormat | BinaryTableFormat
