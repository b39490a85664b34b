"""Packed bytes -> bytes, all of them or none."""

from __future__ import annotations

import zlib

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGICS = (b"PK\3\4", b"PK\5\6")
_GZIP_WINDOW = zlib.MAX_WBITS | 16
_STEP = 2**20


def is_zip(data: bytes) -> bool:
    """Whether the bytes begin as a zip archive does."""
    return data.startswith(_ZIP_MAGICS)


def is_packed(data: bytes) -> bool:
    """Whether the bytes begin as an archive of any kind does that is known here."""
    return data.startswith((_GZIP_MAGIC, *_ZIP_MAGICS))


def unpack(data: bytes) -> bytes:
    """The content of a gzip file, known by its first bytes; any other bytes as they are.

    Raises:
      RefusalError: if the archive ends early, is damaged or unpacks to more than the limits allow,
        if there is nothing, or another archive.
    """
    unpacked = _gunzip(data) if data.startswith(_GZIP_MAGIC) else data
    if is_packed(unpacked):
        raise RefusalError(Reason.NESTED_ARCHIVE, "expected no archive within an archive")
    if not unpacked:
        raise RefusalError(Reason.EMPTY_FILE)
    check_size(len(unpacked))
    return unpacked


def check_size(size: int) -> None:
    """Refuses a file of more than `limits.MAX_FILE_BYTES` bytes."""
    if size > limits.MAX_FILE_BYTES:
        raise RefusalError(
            Reason.FILE_TOO_LARGE,
            f"expected at most {limits.MAX_FILE_BYTES} bytes, found {size}; split the file",
        )


def check_unpacked(size: int, packed_size: int) -> None:
    """Refuses what unpacks to too many bytes, of itself or for each packed one."""
    check_size(size)
    if size > limits.RATIO_FROM_BYTES and size > limits.MAX_RATIO * packed_size:
        raise RefusalError(
            Reason.FILE_TOO_LARGE,
            f"expected at most {limits.MAX_RATIO} bytes for each packed byte",
        )


def _gunzip(data: bytes) -> bytes:
    unpacked = bytearray()
    rest = data
    # An archive may hold several members one after another, padded with zero bytes.
    while rest.rstrip(b"\0"):
        rest = _unpack_member(rest, unpacked, len(data))
    return bytes(unpacked)


def _unpack_member(data: bytes, unpacked: bytearray, packed_size: int) -> bytes:
    """Appends the first member of `data` to `unpacked`, and returns what follows it."""
    member = zlib.decompressobj(_GZIP_WINDOW)
    pending = data
    while not member.eof:
        if not pending:
            raise RefusalError(Reason.TRUNCATED_GZIP, "the gzip archive ends before its end mark")
        unpacked += _inflate(member, pending)
        pending = member.unconsumed_tail
        check_unpacked(len(unpacked), packed_size)
    return member.unused_data


def _inflate(member: zlib._Decompress, pending: bytes) -> bytes:
    try:
        return member.decompress(pending, _STEP)
    except zlib.error as error:
        raise RefusalError(Reason.MALFORMED_FILE, "the gzip archive is damaged") from error
