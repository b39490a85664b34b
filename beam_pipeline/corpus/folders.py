"""Files of this machine, as `paths` wants them."""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Iterator

from beam_pipeline.records import EmonetError


def find(entry: str) -> list[str]:
    """The files that are meant by a file, a folder or a pattern."""
    # A file may have the signs of a pattern in its name, so it is looked for first.
    found = [entry] if os.path.lexists(entry) else glob.glob(entry, recursive=True)
    return [_with_folder(file) for path in found for file in _files_in(path)]


def absolute(path: str) -> str:
    """The path from the root."""
    return os.path.abspath(path)


def size(path: str) -> int:
    """How many bytes a file has.

    Raises:
      EmonetError: it is something else, a pipe for example, that may never end.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise EmonetError("expected a regular file")
    return status.st_size


def read(path: str) -> bytes:
    """The file's content."""
    with open(path, "rb") as file:
        return file.read()


def sha256(path: str) -> str:
    """The hex digest of the file's content, of which little is in memory at once."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files_in(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(folder, name) for name in names if not name.startswith("."))


def _with_folder(path: str) -> str:
    folder = os.path.basename(os.path.dirname(os.path.normpath(path)))
    return os.path.abspath(path) if folder in ("", os.pardir) else os.path.normpath(path)
