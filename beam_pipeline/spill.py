"""Records in files of this machine while a night is labelled, each read again by where it lies.

Law of this module: what is kept of a record in memory does not grow with the record.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from beam_pipeline import wire
from beam_pipeline.records import EmonetError, Episode, Rejected, SourceFile

_RECORDS: wire.Records = {one.__name__: one for one in (Episode, Rejected, SourceFile)}
Record = Episode | Rejected | SourceFile
"""What is kept."""

_FASTEST = 1
"""Of zlib: texts are halved at once, and are read again soon."""
_LENGTH = struct.Struct("<Q")


@dataclasses.dataclass(frozen=True)
class Spilled:
    """Where a record lies.

    Attributes:
      path: the file.
      offset: of its first byte.
      size: in bytes, compressed.
      sha256: hex digest of what was compressed.
    """

    path: str
    offset: int
    size: int
    sha256: str

    def read(self) -> Record:
        """The record.

        Raises:
          EmonetError: the file cannot be read.
        """
        with _reading(self.path) as file:
            file.seek(self.offset)
            return _unpacked(file.read(self.size))


class Spill:
    """A file that records are appended to, in a `with` block."""

    def __init__(self, path: Path):
        """Makes the file.

        Raises:
          EmonetError: it cannot be made; so do all other methods where there is no room left.
        """
        self._path = str(path)
        with _writing(path):
            self._file = open(path, "wb")  # noqa: SIM115

    def __enter__(self) -> Spill:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with _writing(self._path):
            self._file.close()

    def append(self, record: Record) -> Spilled:
        """Writes a record, and tells where."""
        content = wire.encode(record, _RECORDS)
        packed = zlib.compress(content, _FASTEST)
        with _writing(self._path):
            self._file.write(_LENGTH.pack(len(packed)))
            offset = self._file.tell()
            self._file.write(packed)
        digest = hashlib.sha256(content).hexdigest()
        return Spilled(self._path, offset, len(packed), digest)


def read_all(path: str) -> Iterator[Record]:
    """All records of a file, in the order in which they were written.

    Raises:
      EmonetError: the file cannot be read.
    """
    with _reading(path) as file:
        while length := file.read(_LENGTH.size):
            yield _unpacked(file.read(_LENGTH.unpack(length)[0]))


@contextlib.contextmanager
def spill_folder(parent: Path | None) -> Iterator[Path]:
    """A new folder for such files, until the block ends.

    Args:
      parent: where it is made; None for where this machine has its temporary files.

    Raises:
      EmonetError: it cannot be made.
    """
    with _writing(parent or tempfile.gettempdir()):
        if parent:
            parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix="reading-", dir=parent)
    with folder as name:
        yield Path(name)


@contextlib.contextmanager
def _writing(path: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EmonetError(
            f"{path}: cannot be written ({error.strerror}); make room for it and run it again"
        ) from error


@contextlib.contextmanager
def _reading(path: str) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise EmonetError(
            f"{path}: cannot be read ({error.strerror}), and was written by this very run; run it "
            "again"
        ) from error


def _unpacked(packed: bytes) -> Record:
    return wire.decode(zlib.decompress(packed), _RECORDS)  # type: ignore[no-any-return]
