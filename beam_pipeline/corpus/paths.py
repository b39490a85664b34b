"""The only door of this package to files: finding and reading them, on disk or in a bucket.

Law of this module: paths are valid Unicode, whatever names the files have (`folders.escaped`).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from beam_pipeline.corpus import buckets, folders
from beam_pipeline.corpus.archives import read_packed
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, refuse_file
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.corpus.unpacking import check_size
from beam_pipeline.records import EmonetError, Reason


class _Place(Protocol):
    """Where files lie, each named by a path of its own kind."""

    def find(self, entry: str) -> list[str]:
        """The files that are meant by a file, a folder or a pattern."""

    def absolute(self, path: str) -> str:
        """A name of the file that no other file has."""

    def size(self, path: str) -> int:
        """How many bytes `read` would give."""

    def read(self, path: str) -> bytes:
        """The file's content."""

    def sha256(self, path: str) -> str:
        """The hex digest of the file's content."""


Reader = Callable[[str, bytes, ReadOptions], Iterator[FileContent]]
"""The path and the bytes of a file, and how it is read -> what is in it."""


def _place_of(path: str) -> _Place:
    return buckets if path.startswith("gs://") else folders


def expand_inputs(inputs: Sequence[str], *, may_be_empty: bool = False) -> list[str]:
    """The files that are meant by files, folders and patterns, here or below `gs://`.

    Args:
      inputs: folders are searched through and through, without hidden files; patterns may have
        `*`, `?`, `[...]` and `**`.
      may_be_empty: whether an input may match no file.

    Returns:
      Paths sorted, each file once, in the form they were given in; those that name no folder
      are made absolute, for the folder may be the name of the show. A folder that cannot be read
      is among them, for `read_path` to refuse.

    Raises:
      EmonetError: if an input matches no file that must match one.
    """
    found = (_matches(entry, may_be_empty) for entry in inputs)
    return list(_each_once(sorted(itertools.chain.from_iterable(found))))


def read_list(path: str) -> list[str]:
    """The inputs that a file names, one a line; empty lines are none.

    Raises:
      EmonetError: it cannot be read, is not UTF-8, or names nothing.
    """
    try:
        lines = _place_of(path).read(path).decode("utf-8-sig").split("\n")
    except (OSError, ValueError, EmonetError) as error:
        raise EmonetError(
            f"--inputs-from {path}: cannot be read ({_why(error)}); give a file of paths in UTF-8, "
            "one a line"
        ) from error
    inputs = [line.removesuffix("\r") for line in lines if line.strip()]
    if not inputs:
        raise EmonetError(f"--inputs-from {path}: names no input; give a path or pattern a line")
    return inputs


def read_path(path: str, options: ReadOptions, read: Reader = read_packed) -> Iterator[FileContent]:
    """Reads a file, or an archive and what is in it; what cannot be opened is refused.

    Args:
      path: its name.
      options: of the user.
      read: reads its bytes.
    """
    place, opened, size = _place_of(path), located(path, options.folder), 0
    try:
        size = place.size(opened)
        check_size(size)
        data = place.read(opened)
    except RefusalError as error:
        yield refuse_file(path, size, error.reason, error.detail)
    except (OSError, ValueError) as error:
        yield refuse_file(path, 0, Reason.UNREADABLE_FILE, _why(error))
    except EmonetError as error:
        yield refuse_file(path, 0, Reason.UNREADABLE_FILE, str(error))
    else:
        yield from read(path, data, options)


def located(path: str, folder: str) -> str:
    """Where a file is whose path is relative to a folder, if it is a relative one."""
    return path if path.startswith("gs://") else os.path.join(folder, path)


def file_sha256(path: str) -> str:
    """The hex digest of a file's content; empty for one that `read_path` would not read."""
    place = _place_of(path)
    try:
        check_size(place.size(path))
        return place.sha256(path)
    except (OSError, ValueError, EmonetError, RefusalError):
        return ""


def file_size(path: str) -> int | None:
    """How many bytes a file has; None if it is not there."""
    try:
        return _place_of(path).size(path)
    except (OSError, EmonetError):
        return None


def total_size(paths: Sequence[str]) -> int:
    """How many bytes files have together; those that are not there have none."""
    there = [path for path in paths if path.startswith("gs://")]
    here = (file_size(path) or 0 for path in paths if not path.startswith("gs://"))
    return sum(here) + (buckets.total_size(there) if there else 0)


def _matches(entry: str, may_be_empty: bool) -> list[str]:
    files = _place_of(entry).find(entry)
    if not files and not may_be_empty:
        raise EmonetError(
            f"input '{entry}' matches no file; give a file, a folder with files in it, or a "
            "pattern in quotes such as 'corpus/**/*.srt'"
        )
    return files


def _each_once(paths: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for path in paths:
        absolute = _place_of(path).absolute(path)
        if absolute not in seen:
            seen.add(absolute)
            yield path


def _why(error: Exception) -> str:
    """What the system says of a file; words of its own, as are the names of errors."""
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__
