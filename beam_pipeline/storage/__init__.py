"""Where files lie: a folder of this machine, or a bucket of Google Cloud Storage (`gs://`).

Law of this package: a file is seen whole or not at all, and what readers trust is replaced only
while it is still what the writer saw.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Final, Protocol

from beam_pipeline.records import EmonetError

TEMPORARY: Final = ".writing-"
"""How the name of a file begins that is no one's yet; the rest of it ends in no extension, so that
no pattern of a reader fits it, ours or another's."""


class ConflictError(EmonetError):
    """Somebody else replaced the file first."""


@dataclasses.dataclass(frozen=True)
class StoredFile:
    """A file as a listing has it.

    Attributes:
      path: relative to the root, with `/`.
      size: in bytes.
      modified: when it was written last, by the storage's clock, in UTC.
    """

    path: str
    size: int
    modified: datetime.datetime


class Storage(Protocol):
    """The files below a root. Paths are relative to it and have `/`.

    Every method raises `EmonetError` where the storage fails, naming the file and what to do.
    """

    root: str

    def prepare(self) -> None:
        """Makes sure that files can be written."""

    def read(self, path: str) -> bytes:
        """The content of a file that must be there."""

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """The bytes of such a file from `start` up to `end`; fewer if it ends before."""

    def version(self, path: str) -> tuple[bytes, str] | None:
        """The content of a file and a name for it that no other content has; None without it."""

    def write(self, path: str, content: bytes | memoryview) -> None:
        """Writes a file, whole or not at all; it is durable when this returns."""

    def replace(self, path: str, content: bytes, version: str | None) -> None:
        """Writes a file if it still is of that version (None: if there still is none).

        Raises:
          ConflictError: it is of another version now, and was left so.
        """

    def files(self, path: str) -> Iterator[StoredFile]:
        """The file of that path and all files below it, sorted by path, without temporary ones.

        A file that is removed meanwhile is in the listing or not.
        """

    def names(self, path: str) -> list[str]:
        """The names of the files in a folder, in any order; of a folder that is not there, none.

        Nothing is asked about each of them, and folders in it may be among them.
        """

    def temporaries(self) -> Iterator[StoredFile]:
        """The temporary files below the root: their writer is at work, or was killed."""

    def delete(self, path: str) -> None:
        """Removes a file; nothing happens if it is gone."""


def is_temporary(path: str) -> bool:
    """Whether a file is no one's yet."""
    return path.rpartition("/")[2].startswith(TEMPORARY)


def storage_of(root: str) -> Storage:
    """The storage that a path or `gs://BUCKET/PREFIX` means."""
    if root.startswith("gs://"):
        from beam_pipeline.storage.gcs import GcsStorage

        return GcsStorage(root)
    from beam_pipeline.storage.local import LocalStorage

    return LocalStorage(root)
