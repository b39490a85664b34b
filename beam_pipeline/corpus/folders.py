"""Files of this machine, as `paths` wants them.

Laws of this module: a path is valid Unicode everywhere else, and here alone the bytes that the
machine knows it by. Nothing that lies in a folder is left out without a word: what cannot be looked
into is found as a file is, and refused when it is read.
"""

from __future__ import annotations

import collections
import fnmatch
import glob
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from beam_pipeline.corpus.location import has_own_folder
from beam_pipeline.records import EmonetError

_NO_UNICODE = re.compile("[\udc80-\udcff]")
_LIKE_AN_ESCAPE = re.compile(r"\\(?=x(?:[89a-f][0-9a-f]|5c))")
_ESCAPE = re.compile(r"\\x([89a-f][0-9a-f]|5c)")


class _Entry(NamedTuple):
    """What has a name in a folder.

    Attributes:
      name: in the folder.
      folder: whether it is one, or a link to one.
      link: whether it is a link.
      broken: whether it is a link that cannot be followed, to a file or a folder.
    """

    name: str
    folder: bool
    link: bool
    broken: bool


def escaped(path: str) -> str:
    r"""A path in valid Unicode; `original` gives it back.

    Args:
      path: as Python has it, with half a character for each byte that is no UTF-8.

    Returns:
      Such a byte as `\xe9`, and the backslash of what would look like one as `\x5c`.
    """
    return _NO_UNICODE.sub(
        lambda byte: rf"\x{ord(byte[0]) - 0xDC00:02x}", _LIKE_AN_ESCAPE.sub(r"\\x5c", path)
    )


def original(path: str) -> str:
    """The path that `escaped` was given."""
    return _ESCAPE.sub(lambda code: os.fsdecode(bytes.fromhex(code[1])), path)


def find(entry: str) -> list[str]:
    """The files that are meant by a file, a folder or a pattern.

    Folders that cannot be read, and links that cannot be followed, are among them. Links to folders
    are followed, and a folder is gone through once, by its own name where it has one here.
    """
    path = original(entry)
    # A file may have the signs of a pattern in its name, so it is looked for first.
    if os.path.lexists(path):
        found = _files_in(path)
    else:
        parts = [part for part in path.split("/") if part]
        found = _matches("/" if path.startswith("/") else os.curdir, parts)
    return [escaped(_with_folder(file)) for file in found]


def absolute(path: str) -> str:
    """The path from the root."""
    return escaped(os.path.abspath(original(path)))


def size(path: str) -> int:
    """How many bytes a file has.

    Raises:
      EmonetError: it is something else, a pipe for example, that may never end; or a folder that
        could not be read when files were looked for.
    """
    status = os.stat(original(path))
    if stat.S_ISDIR(status.st_mode):
        raise EmonetError("the folder cannot be read; let it be read, or leave it out")
    if not stat.S_ISREG(status.st_mode):
        raise EmonetError("expected a regular file")
    return status.st_size


def read(path: str) -> bytes:
    """The file's content."""
    with open(original(path), "rb") as file:
        return file.read()


def sha256(path: str) -> str:
    """The hex digest of the file's content, of which little is in memory at once."""
    with open(original(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files_in(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    for folder, entries in _folders_from(path):
        if entries is None:
            yield folder
        else:
            yield from (os.path.join(folder, entry.name) for entry in entries if not entry.folder)


def _folders_from(top: str) -> Iterator[tuple[str, list[_Entry] | None]]:
    """A folder and all below it, once each, with what is in it, or None where it cannot be read.

    Links come after all folders, so that a file goes by the same name with them and without.
    """
    seen: set[tuple[int, int]] = set()
    links = collections.deque([top])
    while links:
        folders = [links.popleft()]
        while folders:
            folder = folders.pop()
            try:
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                entries = [one for one in _entries(folder) if not one.name.startswith(".")]
            except OSError:
                yield folder, None
                continue
            yield folder, entries
            below = [(os.path.join(folder, one.name), one.link) for one in entries if one.folder]
            folders += [path for path, link in reversed(below) if not link]
            links += [path for path, link in below if link]


def _matches(path: str, pattern: list[str]) -> Iterator[str]:
    """The files that a pattern means below a path, and the folders that hide whether there are."""
    if pattern in ([], ["**"]):
        yield from _files_in(path)
        return
    first, *rest = pattern
    if first == "**":
        for folder, entries in _folders_from(path):
            yield from [folder] if entries is None else _matches(folder, rest)
        return
    try:
        fitting = [*_fitting(path, first)]
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return
    except OSError:
        yield path
        return
    for entry in fitting:
        if entry.folder or entry.broken or not rest:
            below = os.path.join(path, entry.name)
            yield from _matches(below, rest if entry.folder else [])


def _fitting(path: str, part: str) -> Iterator[_Entry]:
    """What of a folder fits a part of a pattern; a hidden name is met by its own dot alone."""
    if not glob.has_magic(part):
        mode = os.lstat(os.path.join(path, part)).st_mode
        yield _entry(path, part, stat.S_ISDIR(mode), stat.S_ISLNK(mode))
        return
    for entry in _entries(path):
        hidden = entry.name.startswith(".") and not part.startswith(".")
        if not hidden and fnmatch.fnmatchcase(entry.name, part):
            yield entry


def _entries(folder: str) -> list[_Entry]:
    with os.scandir(folder) as listed:
        return sorted(
            _entry(folder, one.name, one.is_dir(follow_symlinks=False), one.is_symlink())
            for one in listed
        )


def _entry(parent: str, name: str, folder: bool, link: bool) -> _Entry:
    path = os.path.join(parent, name)
    broken = link and not os.path.exists(path)
    return _Entry(name, folder or (link and os.path.isdir(path)), link, broken)


def _with_folder(path: str) -> str:
    """A path with the folder in it that says what the file is of, from the root where it must."""
    return os.path.normpath(path) if has_own_folder(path) else os.path.abspath(path)
