"""Speaker memory on disk: layers of files, a newer one before an older one.

A night writes the speakers who spoke in it, and no others: what is written does not grow with the
number of all speakers ever seen, and a night reads only the speakers it meets. So that there are
few layers to look through, a file takes in the older ones it outgrows, as a log-structured merge
tree does (O'Neil et al. 1996, with components that double): at most one layer more each time
the number of speakers doubles.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from beam_pipeline.memory import Tail
from beam_pipeline.output.manifest import Part
from beam_pipeline.output.run import Run
from beam_pipeline.output.tables import read_part, write_part
from beam_pipeline.records import EmonetError, memory_schema
from beam_pipeline.storage import Storage, storage_of


@dataclasses.dataclass(frozen=True)
class MemoryShard:
    """The memory of one shard after a run.

    Attributes:
      speakers: how many of its speakers spoke in this run.
      layers: its files, newest first; the first is of this run.
    """

    speakers: int
    layers: tuple[Part, ...]


def write_memory(run: Run, shard: int, memories: Iterable[tuple[str, np.ndarray]]) -> MemoryShard:
    """Writes what is remembered of the speakers of a shard who spoke, (m, d) float16 each.

    Raises:
      EmonetError: a speaker comes twice.
    """
    spoke: dict[str, np.ndarray] = {}
    for speaker, embeddings in memories:
        if speaker in spoke:
            raise EmonetError(f"speaker {speaker} is remembered twice; run it again")
        spoke[speaker] = embeddings
    older = [part for part in run.memory if part.shard == shard]
    outgrown = _outgrown(len(spoke), older)
    storage = storage_of(run.output)
    remembered = {**dict(_memories(storage, older[:outgrown])), **spoke}
    part = write_part(run, "memory", shard, _table(remembered, run.origin.width))
    return MemoryShard(len(spoke), (part, *older[outgrown:]))


def read_memory(
    output: str, layers: Sequence[Part], shard: int, speakers: Iterable[str]
) -> Iterator[tuple[str, Tail]]:
    """The memory of those speakers of a shard that have one, as tails before all others.

    Raises:
      EmonetError: a file is missing or not the one that the manifest names.
    """
    missing = set(speakers)
    storage = storage_of(output)
    for part in layers:
        if part.shard == shard and missing:
            for speaker, embeddings in _rows(read_part(storage, part)):
                if speaker in missing:
                    missing.remove(speaker)
                    yield speaker, Tail((), embeddings)


def whole_memory(output: str, layers: Sequence[Part]) -> dict[str, np.ndarray]:
    """The memory of all speakers, (m, d) float16 each."""
    return dict(_memories(storage_of(output), layers))


def _outgrown(speakers: int, older: Sequence[Part]) -> int:
    """How many of the older layers, newest first, a new one of so many speakers takes in."""
    for layer, part in enumerate(older):
        if part.rows > speakers:
            return layer
        speakers += part.rows
    return len(older)


def _memories(storage: Storage, layers: Sequence[Part]) -> Iterator[tuple[str, np.ndarray]]:
    """All rows, oldest layer first, so that the last of a speaker is the newest."""
    for part in reversed(layers):
        yield from _rows(read_part(storage, part))


def _rows(table: pa.Table) -> Iterator[tuple[str, np.ndarray]]:
    column = table["embeddings"].combine_chunks()
    offsets = column.offsets.to_numpy()
    vectors = column.values
    flat = vectors.values.to_numpy(zero_copy_only=False).reshape(-1, vectors.type.list_size)
    for index, speaker in enumerate(table["speaker_id"].to_pylist()):
        yield speaker, flat[offsets[index] : offsets[index + 1]].copy()


def _table(memories: dict[str, np.ndarray], width: int) -> pa.Table:
    ordered = sorted(memories)
    offsets = np.cumsum([0] + [len(memories[speaker]) for speaker in ordered], dtype=np.int32)
    flat = np.concatenate([memories[speaker] for speaker in ordered]).ravel()
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat), width)
    columns = [pa.array(ordered), pa.ListArray.from_arrays(pa.array(offsets), vectors)]
    return pa.table(columns, schema=memory_schema(width))
