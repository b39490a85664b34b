"""How much of anything is read: what lies beyond is refused, never cut off."""

from __future__ import annotations

from typing import Final

MAX_FILE_BYTES: Final = 512 * 2**20
"""Of a file, unpacked: a worker holds the bytes, their text and its columns at the same time."""

MAX_RATIO: Final = 100
"""Unpacked bytes for each packed one: speech packs about 3 to 1, a bomb 1,000 to 1."""

RATIO_FROM_BYTES: Final = 16 * 2**20
"""Below this many unpacked bytes the ratio does not matter: nothing that small is a bomb."""

MAX_MEMBERS: Final = 10_000
"""Of an archive: more episodes than any show has; their file records are held at once."""

MAX_LINE_CHARS: Final = 2**20
"""Of a line of a table: a hundred times the longest text, so that it has room for columns."""

MAX_TIMING_CHARS: Final = 1_000
"""Of a cue's timing line: two times and a handful of settings."""

MAX_TEXT_CHARS: Final = 10_000
"""Of the text of a cue or row: twenty minutes of speech are no utterance, but a broken file."""

MAX_UTTERANCE_CHARS: Final = 1_000
"""Up to which a cue is joined to the one before: captions without punctuation never end."""

MAX_REFUSALS: Final = 100_000
"""Of cues or rows in one file: with more it is the file that is bad, and their list too long."""

MAX_ROWS: Final = 10_000_000
"""Of a Parquet file, whose run lengths let a few bytes stand for any number of rows."""

MAX_TIME_MS: Final = 10_000 * 3_600_000
"""Of a cue: a year and more, which the hours of a timing line cannot write either."""

MAX_TAG_CHARS: Final = 10_000
"""Of a tag with its attributes; what is longer is no tag."""
