"""The only place of this package that touches the file system: finding and reading files."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence

from beam_pipeline.corpus.archives import read_packed
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, refuse_file
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.corpus.unpacking import check_size
from beam_pipeline.records import EmonetError, Reason


def expand_inputs(inputs: Sequence[str]) -> list[str]:
    """The files that are meant by files, folders and patterns.

    Args:
      inputs: folders are searched through and through, without hidden files; patterns may have
        `*`, `?`, `[...]` and `**`.

    Returns:
      Paths sorted, each file once, in the form they were given in; those that name no folder
      are made absolute, for the folder may be the name of the show.

    Raises:
      EmonetError: if an input matches no file.
    """
    files = [_with_folder(path) for entry in inputs for path in _matches(entry)]
    return list(_each_once(sorted(files)))


def read_path(path: str, options: ReadOptions) -> Iterator[FileContent]:
    """Reads a file, or an archive and what is in it; what cannot be opened is refused."""
    try:
        size = os.stat(path).st_size
        data = _read(path, size)
    except RefusalError as error:
        yield refuse_file(path, size, error.reason, error.detail)
    except (OSError, ValueError) as error:
        yield refuse_file(path, 0, Reason.UNREADABLE_FILE, type(error).__name__)
    else:
        yield from read_packed(path, data, options)


def _read(path: str, size: int) -> bytes:
    # a pipe would be waited for
    if not os.path.isfile(path):
        raise RefusalError(Reason.UNREADABLE_FILE, "expected a regular file")
    check_size(size)
    with open(path, "rb") as file:
        return file.read()


def _matches(entry: str) -> list[str]:
    # A file may have the signs of a pattern in its name, so it is looked for first.
    found = [entry] if os.path.lexists(entry) else glob.glob(entry, recursive=True)
    files = [file for path in found for file in _files_in(path)]
    if not files:
        raise EmonetError(
            f"input '{entry}' matches no file; give a file, a folder with files in it, or a "
            "pattern in quotes such as 'corpus/**/*.srt'"
        )
    return files


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


def _each_once(paths: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for path in paths:
        if os.path.abspath(path) not in seen:
            seen.add(os.path.abspath(path))
            yield path
