"""Values <-> bytes, for what travels between the stages of the job.

Law of this module: bytes can say no more than the values listed here. Nothing is unpickled, so that
whoever writes to an engine's network can make a job fail, and cannot make it run what they like.

    4 bytes     the length of the header, little endian
    header      JSON in ASCII: the value, with the shape and length of each array and table
    the rest    the bytes of arrays, as numpy has them, and of tables, as streams of Arrow IPC

What JSON does not know is an object with the key `""`: `{"": "Tail", "place": ...}`,
`{"": "float16", "shape": [2, 384], "bytes": 1536}`, `{"": "table", "bytes": 2048}`. Equal values
have equal bytes.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import struct
import typing
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from beam_pipeline.records import EmonetError

_KIND, _TABLE = "", "table"
_LENGTH = struct.Struct("<I")
_ALIGNED = 8
"""Bytes: what follows the header begins at a multiple of it, as Arrow has its buffers."""
_ARRAYS = {name: np.dtype(name).newbyteorder("<") for name in ("float16", "float32")}

_UNREADABLE = (
    *(ValueError, TypeError, KeyError, OverflowError, RecursionError, MemoryError),
    # Arrow's OSError is for a header that is none
    *(struct.error, pa.ArrowException, OSError),
)

Records = Mapping[str, type]
"""The dataclasses that bytes may name, by name."""


def encode(value: Any, records: Records) -> bytes:
    """The bytes of a value.

    Args:
      value: None, a bool, int, float or str (with lone surrogates, too), an array of float16 or
        float32, an Arrow table, one of the records, or a tuple of these or a mapping of them by
        names that are not empty.
      records: what dataclasses there are.

    Raises:
      TypeError: it is none of these.
    """
    content: list[Any] = []

    def named(one: Any) -> dict[str, Any]:
        kind = type(one).__name__
        if records.get(kind) is type(one):
            names = [field.name for field in dataclasses.fields(records[kind])]
            return {_KIND: kind} | {name: getattr(one, name) for name in names}
        if isinstance(one, np.ndarray) and one.dtype.name in _ARRAYS:
            content.append(one.astype(_ARRAYS[one.dtype.name], copy=False).tobytes())
            return {_KIND: one.dtype.name, "shape": one.shape, "bytes": len(content[-1])}
        if isinstance(one, pa.Table):
            content.append(_table_bytes(one))
            return {_KIND: _TABLE, "bytes": content[-1].size}
        raise TypeError(f"{type(one).__module__}.{kind} does not travel between stages")

    header = json.dumps(value, default=named, separators=(",", ":")).encode("ascii")
    header += b" " * (-(_LENGTH.size + len(header)) % _ALIGNED)
    return b"".join([_LENGTH.pack(len(header)), header, *content])


def decode(data: bytes, records: Records) -> Any:
    """The value of bytes that `encode` made; lists come back as tuples, arrays are read-only.

    Raises:
      EmonetError: they are not such bytes.
    """
    try:
        return _decoded(data, records)
    except _UNREADABLE as error:
        # without what it says, which may be text of the corpus
        raise EmonetError(
            f"what came from another stage cannot be read ({type(error).__name__}): the engine "
            "damaged it, or its workers are of another version; run it again"
        ) from None


def _decoded(data: bytes, records: Records) -> Any:
    (length,) = _LENGTH.unpack_from(data)
    start = _LENGTH.size + length
    content = memoryview(data)

    def read(one: dict[str, Any]) -> Any:
        nonlocal start
        fields = {name: _frozen(value) for name, value in one.items()}
        kind = fields.pop(_KIND, None)
        if kind is None:
            return fields
        if kind in records:
            fields |= {name: of(fields[name]) for name, of in _enums(records[kind]).items()}
            return records[kind](**fields)
        end = start + fields["bytes"]
        part, start = content[start:end], end
        if kind == _TABLE:
            return _table(part)
        return np.frombuffer(part, _ARRAYS[kind]).reshape(fields["shape"])

    value = _frozen(json.loads(data[_LENGTH.size : start], object_hook=read))
    if start != len(data):
        raise ValueError
    return value


@functools.cache
def _enums(record: type) -> dict[str, type[enum.Enum]]:
    """Its fields whose values have names."""
    hints: dict[str, Any] = typing.get_type_hints(record)
    return {
        name: hint
        for name, hint in hints.items()
        if isinstance(hint, type) and issubclass(hint, enum.Enum)
    }


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _table_bytes(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return sink.getvalue()


def _table(data: memoryview) -> pa.Table:
    table = pa.ipc.open_stream(pa.py_buffer(data)).read_all()
    # Arrow trusts the offsets that it reads until validation looks at them
    table.validate(full=True)
    return table
