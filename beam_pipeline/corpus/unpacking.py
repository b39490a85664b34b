"""Packed bytes -> bytes, all of them or none."""

from __future__ import annotations

import zlib

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = zlib.MAX_WBITS | 16
_STEP = 2**20


def unpack(data: bytes) -> bytes:
    """The content of a gzip file, known by its first bytes; any other bytes as they are.

    Raises:
      RefusalError: if the archive ends early, is damaged or unpacks to more than the limits allow,
        or if there is nothing.
    """
    unpacked = _gunzip(data) if data.startswith(_GZIP_MAGIC) else data
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
        _check_ratio(len(unpacked), packed_size)
    return member.unused_data


def _inflate(member: zlib._Decompress, pending: bytes) -> bytes:
    try:
        return member.decompress(pending, _STEP)
    except zlib.error as error:
        raise RefusalError(Reason.MALFORMED_FILE, "the gzip archive is damaged") from error


def _check_ratio(size: int, packed_size: int) -> None:
    check_size(size)
    if size > limits.GZIP_RATIO_FROM_BYTES and size > limits.MAX_GZIP_RATIO * packed_size:
        raise RefusalError(
            Reason.FILE_TOO_LARGE,
            f"expected at most {limits.MAX_GZIP_RATIO} bytes for each packed byte",
        )
