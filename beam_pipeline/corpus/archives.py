"""A path -> what was read of it: of a file itself, of a zip archive each file in it.

A member is a file of its own, `archive.zip!/folder/a.srt`, with its own file record; that of the
archive names its members, so that none can be lost. Names are names: nothing is written to
disk, and one that leads out of the archive is refused all the same, for somebody meant it to.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.location import MEMBER_MARK
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, read_bytes, refuse_file
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.corpus.unpacking import check_unpacked, is_packed, is_zip
from beam_pipeline.records import Reason, SourceFile

_ENCRYPTED = 0x1
# The others unpack in steps of no bounded size.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    ValueError,
)
"""What `zipfile` may raise over the bytes of an archive."""

_ENTRY = b"PK\1\2"


def read_packed(path: str, data: bytes, options: ReadOptions) -> Iterator[FileContent]:
    """Reads a file, or an archive and then each of its members.

    Args:
      path: its name; it is not opened.
      data: its content.
      options: of the user.
    """
    if not is_zip(data):
        yield read_bytes(path, data, options)
        return
    try:
        _check_entries(data)
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = _members(archive, len(data))
    except _DAMAGED:
        detail = "the zip archive is damaged"
        yield refuse_file(path, len(data), Reason.MALFORMED_FILE, detail)
    except RefusalError as error:
        yield refuse_file(path, len(data), error.reason, error.detail)
    else:
        names = [f"{path}{MEMBER_MARK}{_name(member)}" for member in members]
        yield _file_record(path, data, names)
        for name, member in zip(names, members, strict=True):
            yield _read_member(archive, member, name, options)


def _check_entries(data: bytes) -> None:
    """Refuses an archive with too many members before a list of them is made."""
    entries = data.count(_ENTRY)
    if entries > limits.MAX_MEMBERS:
        detail = f"expected at most {limits.MAX_MEMBERS} members, found {entries}"
        raise RefusalError(Reason.FILE_TOO_LARGE, detail)


def _members(archive: zipfile.ZipFile, packed_size: int) -> list[zipfile.ZipInfo]:
    """The files that are read: as in folders, none that is hidden.

    Raises:
      RefusalError: if there are none, too large ones, or two of one name.
    """
    files = [one for one in archive.infolist() if not _name(one).endswith("/")]
    members = [one for one in files if not _is_hidden(one)]
    if not members:
        raise RefusalError(Reason.EMPTY_FILE, "there is no file in the archive")
    if len({_name(member) for member in members}) < len(members):
        raise RefusalError(Reason.MALFORMED_FILE, "two files in the archive have one name")
    check_unpacked(sum(member.file_size for member in members), packed_size)
    return members


def _name(member: zipfile.ZipInfo) -> str:
    return member.filename.replace("\\", "/")


def _is_hidden(member: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(_name(member)).parts
    return any(part.startswith(".") and part != ".." for part in parts)


def _file_record(path: str, data: bytes, names: list[str]) -> FileContent:
    source = SourceFile(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        format="zip",
        encoding="",
        found=0,
        used=0,
        dropped=0,
        rejected=0,
        episodes=(),
        members=tuple(names),
    )
    return FileContent(source, (), ())


def _read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, options: ReadOptions
) -> FileContent:
    try:
        return read_bytes(name, _unpack(archive, member), options)
    except RefusalError as error:
        return refuse_file(name, member.file_size, error.reason, error.detail)


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    path = PurePosixPath(_name(member))
    if path.is_absolute() or ".." in path.parts or ":" in "".join(path.parts[:1]):
        raise RefusalError(Reason.UNSAFE_PATH, "expected a name within the archive")
    if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
        detail = "expected a member that is stored or deflated, and not encrypted"
        raise RefusalError(Reason.UNREADABLE_FILE, detail)
    check_unpacked(member.file_size, member.compress_size)
    try:
        # never more than the size that the archive states, which was checked
        data = archive.read(member)
    except _DAMAGED as error:
        detail = "the member of the zip archive is damaged"
        raise RefusalError(Reason.MALFORMED_FILE, detail) from error
    if is_packed(data):
        raise RefusalError(Reason.NESTED_ARCHIVE, "expected no archive within an archive")
    return data
