"""A folder of this machine."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import os
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from beam_pipeline.records import EmonetError
from beam_pipeline.storage import TEMPORARY, ConflictError, StoredFile, is_temporary

LOCK = ".lock"


class LocalStorage:
    """Files below a folder; see `Storage`.

    A file is written next to its place, synced and renamed, and a replacement holds a lock, so that
    it must be a file system with `flock` and an atomic `rename`: any local one, NFS from version 4.
    """

    def __init__(self, root: str):
        self.root = root

    def prepare(self) -> None:
        """See `Storage`."""
        with self._locked():
            pass

    def read(self, path: str) -> bytes:
        """See `Storage`."""
        place = self._at(path)
        try:
            return place.read_bytes()
        except OSError as error:
            raise _unreadable(place, error) from error

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """See `Storage`."""
        place = self._at(path)
        try:
            with place.open("rb") as file:
                file.seek(start)
                return file.read(end - start)
        except OSError as error:
            raise _unreadable(place, error) from error

    def version(self, path: str) -> tuple[bytes, str] | None:
        """See `Storage`; a version is the sha256 of the content."""
        place = self._at(path)
        try:
            content = place.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(place, error) from error
        return content, hashlib.sha256(content).hexdigest()

    def write(self, path: str, content: bytes | memoryview) -> None:
        """See `Storage`."""
        place = self._at(path)
        temporary = place.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:8]}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, place)
            self._sync_folders(place)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise EmonetError(
                f"{place}: cannot be written ({error.strerror}); make room for it and run it again"
            ) from error

    def replace(self, path: str, content: bytes, version: str | None) -> None:
        """See `Storage`."""
        with self._locked():
            now = self.version(path)
            if (now and now[1]) != version:
                raise ConflictError(f"{self._at(path)}: was replaced in the meantime")
            self.write(path, content)

    def files(self, path: str) -> Iterator[StoredFile]:
        """See `Storage`."""
        found = self._below(path, _refuse_unless_gone)
        return self._stored(place for place in found if not is_temporary(place.as_posix()))

    def names(self, path: str) -> list[str]:
        """See `Storage`."""
        try:
            return os.listdir(self._at(path))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _unreadable(self._at(path), error) from error

    def temporaries(self) -> Iterator[StoredFile]:
        """See `Storage`; a writer that was killed leaves one next to the file it was to be."""
        # a folder that cannot be listed is none in which we write
        found = self._below("", None)
        return self._stored(place for place in found if is_temporary(place.as_posix()))

    def delete(self, path: str) -> None:
        """See `Storage`; folders that become empty go with it."""
        place = self._at(path)
        try:
            place.unlink(missing_ok=True)
            for folder in place.relative_to(self.root).parents:
                if folder != Path():
                    (Path(self.root) / folder).rmdir()
        except OSError as error:
            if place.exists():
                raise EmonetError(f"{place}: cannot be removed ({error.strerror})") from error

    def _at(self, path: str) -> Path:
        return Path(self.root) / path

    def _below(self, path: str, onerror: Callable[[OSError], None] | None) -> list[Path]:
        """What has that path, and all below it that is no folder, in order."""
        top = self._at(path)
        inside = (
            Path(folder, name)
            for folder, _, names in os.walk(top, onerror=onerror)
            for name in names
        )
        return sorted((top, *inside), key=Path.as_posix)

    def _stored(self, places: Iterable[Path]) -> Iterator[StoredFile]:
        """Those that are files; what is gone meanwhile is left out."""
        for place in places:
            try:
                status = place.stat()
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise _unreadable(place, error) from error
            if stat.S_ISREG(status.st_mode):
                modified = datetime.datetime.fromtimestamp(status.st_mtime, datetime.UTC)
                name = place.relative_to(self.root).as_posix()
                yield StoredFile(name, status.st_size, modified)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            Path(self.root).mkdir(parents=True, exist_ok=True)
            lock = (Path(self.root) / LOCK).open("a")
        except OSError as error:
            raise EmonetError(
                f"{self.root}: cannot be written ({error.strerror}); give another folder"
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _sync_folders(self, place: Path) -> None:
        """Makes a name durable, and those of the folders that may have been made for it."""
        for parent in place.relative_to(self.root).parents:
            folder = os.open(Path(self.root) / parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _refuse_unless_gone(error: OSError) -> None:
    """What a walk does about a folder that it cannot list."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise _unreadable(Path(error.filename), error) from error


def _unreadable(place: Path, error: OSError) -> EmonetError:
    return EmonetError(f"{place}: cannot be read ({error.strerror}); restore it from a copy")
