"""Objects below `gs://`, as `paths` wants them: found by the rules that hold for folders.

A bucket has no folders: `shows/a.srt` is one name. What lies between slashes is taken for one.
"""

from __future__ import annotations

import fnmatch
import glob
import hashlib
import itertools
import os
from collections.abc import Sequence

from beam_pipeline.records import EmonetError
from beam_pipeline.storage import Storage, storage_of


def find(entry: str) -> list[str]:
    """The objects that are meant by an object, a folder or a pattern."""
    bucket, pattern = _bucket_and_name(entry.rstrip("/"))
    parts = pattern.split("/") if pattern else []
    # As with folders, what has the signs of a pattern in its name is looked for first.
    names = [name for name in _names(bucket, parts) if not _hidden(name.split("/")[len(parts) :])]
    if not names:
        fixed = list(itertools.takewhile(lambda part: not glob.has_magic(part), parts))
        names = [name for name in _names(bucket, fixed) if _fits(name.split("/"), parts)]
    return [f"{bucket.root}/{name}" for name in names]


def absolute(path: str) -> str:
    """The path itself: an object has one name."""
    return path


def size(path: str) -> int:
    """How many bytes an object has.

    Raises:
      EmonetError: there is none.
    """
    bucket, name = _bucket_and_name(path)
    file = next(bucket.files(name), None)
    if file is None or file.path != name:
        raise EmonetError(f"{path}: there is no such object; put it there, or leave it out")
    return file.size


def total_size(paths: Sequence[str]) -> int:
    """How many bytes objects have together, by one listing a bucket; what is gone has none."""
    total = 0
    of_bucket: dict[str, set[str]] = {}
    for path in paths:
        bucket, _, name = path.removeprefix("gs://").partition("/")
        of_bucket.setdefault(bucket, set()).add(name)
    for bucket, names in of_bucket.items():
        folder = os.path.commonpath([os.path.dirname(name) for name in names])
        listed = storage_of(f"gs://{bucket}").files(folder)
        total += sum(file.size for file in listed if file.path in names)
    return total


def read(path: str) -> bytes:
    """The object's content."""
    bucket, name = _bucket_and_name(path)
    return bucket.read(name)


def sha256(path: str) -> str:
    """The hex digest of the object's content."""
    return hashlib.sha256(read(path)).hexdigest()


def _bucket_and_name(path: str) -> tuple[Storage, str]:
    bucket, _, name = path.removeprefix("gs://").partition("/")
    return storage_of(f"gs://{bucket}"), name


def _names(bucket: Storage, folder: Sequence[str]) -> list[str]:
    return [file.path for file in bucket.files("/".join(folder))]


def _fits(name: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a name, or a folder that it lies in, fits a pattern; both part by part.

    `**` stands for any number of folders, and a hidden part is met by its own dot alone.
    """
    if not pattern:
        return not _hidden(name)
    first, *rest = pattern
    if first == "**" and _fits(name, rest):
        return True
    if not name or (_hidden(name[:1]) and not first.startswith(".")):
        return False
    if first == "**":
        return _fits(name[1:], pattern)
    return fnmatch.fnmatchcase(name[0], first) and _fits(name[1:], rest)


def _hidden(parts: Sequence[str]) -> bool:
    return any(part.startswith(".") for part in parts)
