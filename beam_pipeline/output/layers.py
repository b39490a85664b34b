"""Tables in layers: a night writes its own rows, and takes in the older files that it outgrows.

So what a night writes does not grow with the years, and there are few files to look through, as in
a log-structured merge tree (O'Neil et al. 1996, with components that grow fivefold): at most one
layer more each time the number of rows is five times what it was.

A table has as many shards as its size asks for, a power of two. Where they become more, a file of
before is named by each of the shards that its rows are of, until that shard is written again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from beam_pipeline.output.manifest import Part
from beam_pipeline.output.tables import read_part, shard_of, shards_of, write_keyed
from beam_pipeline.storage import Storage, storage_of

if TYPE_CHECKING:  # a run begins with a look at the index, which is of layers
    from beam_pipeline.output.run import Run

_OUTGROWN = 4
"""How many times the rows of a new file an older one may have that it takes in."""


@dataclasses.dataclass(frozen=True)
class LayeredShard:
    """One shard of the table of earlier nights and of a run.

    Attributes:
      rows: how many are of this run.
      layers: its files, newest first; the first is of this run.
    """

    rows: int
    layers: tuple[Part, ...]


Merge = Callable[[Sequence[pa.Table]], pa.Table]
"""Rows of layers, newest first, as one table that is sorted by its first column."""


def write_layer(
    run: Run, table: str, shard: int, rows: pa.Table, older: Sequence[Part], merge: Merge
) -> LayeredShard:
    """Writes the rows of a run, and with them those of the older layers that they outgrow.

    Args:
      run: whose rows they are.
      table: one of `LAYERED`.
      shard: its number.
      rows: of this run, in any order.
      older: the files of the table before the run, of all shards.
      merge: puts the rows of layers together.
    """
    shards = shards_of(run, table)
    layers = layers_of(older, table, shard, shards)
    taken = _outgrown(rows.num_rows, layers, shards)
    storage = storage_of(run.output)
    merged = merge([rows, *(read_layer(storage, part, shards) for part in layers[:taken])])
    part = write_keyed(run, table, shard, merged)
    return LayeredShard(rows.num_rows, (part, *layers[taken:]))


def layers_of(parts: Iterable[Part], table: str, shard: int, shards: int) -> list[Part]:
    """The files that have rows of one shard of a table, newest first.

    Args:
      parts: of any tables.
      table: its name.
      shard: the number of the shard.
      shards: how many there are, at least as many as the table had.
    """
    of_table = [part for part in parts if part.table == table]
    before = max((part.shards for part in of_table), default=shards)
    found = (part for part in of_table if part.shard == shard % before)
    return [dataclasses.replace(part, shard=shard) for part in found]


def layers_after(before: Sequence[Part], table: str, written: Iterable[LayeredShard]) -> list[Part]:
    """The files of a table after a run, by shard; where nothing was written, those of before."""
    new = {one.layers[0].shard: one.layers for one in written}
    of_table = [part for part in before if part.table == table]
    newest = (layers[0] for layers in new.values())
    shards = max((part.shards for part in (*newest, *of_table)), default=0)
    return [
        part
        for shard in range(shards)
        for part in new.get(shard) or layers_of(of_table, table, shard, shards)
    ]


def read_layer(storage: Storage, part: Part, shards: int) -> pa.Table:
    """The rows of a file that are of the shard that names it.

    Args:
      storage: of OUT.
      part: the file.
      shards: how many shards the table has.
    """
    rows = read_part(storage, part)
    if part.shards == shards:
        return rows
    keys = rows.column(0).to_pylist()
    return rows.filter(pa.array([shard_of(key, shards) == part.shard for key in keys], pa.bool_()))


def _outgrown(rows: int, older: Sequence[Part], shards: int) -> int:
    """How many of the older layers, newest first, a new one of so many rows takes in.

    One that has rows of other shards as well is always taken in, and so no more than once.
    """
    for layer, part in enumerate(older):
        if part.shards == shards and part.rows > _OUTGROWN * rows:
            return layer
        rows += part.rows * part.shards // shards
    return len(older)
