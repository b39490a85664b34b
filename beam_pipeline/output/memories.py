"""Speaker memory on disk: a table in layers, of which the newest row of a speaker counts.

A night writes the speakers who spoke in it, and no others: what is written does not grow with the
number of all speakers ever seen, and a night reads only the speakers it meets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from beam_pipeline.memory import Tail
from beam_pipeline.output.layers import LayeredShard, layers_of, read_layer, write_layer
from beam_pipeline.output.lookups import rows_with
from beam_pipeline.output.manifest import Part
from beam_pipeline.output.run import Run
from beam_pipeline.records import EmonetError, memory_schema
from beam_pipeline.storage import storage_of


def write_memory(run: Run, shard: int, memories: Iterable[tuple[str, np.ndarray]]) -> LayeredShard:
    """Writes what is remembered of the speakers of a shard who spoke, (m, d) float16 each.

    Raises:
      EmonetError: a speaker comes twice.
    """
    spoke: dict[str, np.ndarray] = {}
    for speaker, embeddings in memories:
        if speaker in spoke:
            raise EmonetError(f"speaker {speaker} is remembered twice; run it again")
        spoke[speaker] = embeddings
    rows = _table(spoke, run.origin.width)
    return write_layer(run, "memory", shard, rows, run.memory, _newest_rows)


def read_memory(run: Run, shard: int, speakers: Iterable[str]) -> Iterator[tuple[str, Tail]]:
    """The memory of those speakers of a shard that have one, as tails before all others.

    Raises:
      EmonetError: a file is missing or not the one that the manifest names.
    """
    missing = set(speakers)
    storage = storage_of(run.output)
    for layers in (run.memory, run.memory_before):
        for part in layers_of(layers, "memory", shard, run.memory_shards):
            if missing:
                keys = pa.array(sorted(missing), pa.string())
                for speaker, embeddings in _rows(rows_with(storage, part, keys)):
                    missing.remove(speaker)
                    yield speaker, Tail((), embeddings)


def whole_memory(output: str, parts: Sequence[Part]) -> dict[str, np.ndarray]:
    """The memory of all speakers that files of memory have, (m, d) float16 each."""
    storage = storage_of(output)
    shards = max((part.shards for part in parts), default=1)
    # of a speaker the last row is kept, which is the newest
    return {
        speaker: embeddings
        for part in reversed(parts)
        for speaker, embeddings in _rows(read_layer(storage, part, shards))
    }


def _newest_rows(layers: Sequence[pa.Table]) -> pa.Table:
    rows = pa.concat_tables(layers)
    numbered = pa.table({"speaker": rows["speaker_id"], "row": np.arange(rows.num_rows)})
    first = numbered.group_by("speaker").aggregate([("row", "min")]).sort_by("speaker")
    return rows.take(first["row_min"])


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
    empty = np.zeros((0, width), np.float16)
    flat = np.concatenate([empty, *(memories[speaker] for speaker in ordered)]).ravel()
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat), width)
    columns = [pa.array(ordered, pa.string()), pa.ListArray.from_arrays(pa.array(offsets), vectors)]
    return pa.table(columns, schema=memory_schema(width))
