"""Tables in layers: a night writes its own rows, and takes in the older files that it outgrows.

So what a night writes does not grow with the years, and there are few files to look through, as in
a log-structured merge tree (O'Neil et al. 1996, with components that double): at most one layer
more each time the number of rows doubles.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from beam_pipeline.output.manifest import Part
from beam_pipeline.output.tables import read_part, write_part
from beam_pipeline.storage import storage_of

if TYPE_CHECKING:  # a run begins with a look at the index, which is of layers
    from beam_pipeline.output.run import Run


@dataclasses.dataclass(frozen=True)
class LayeredShard:
    """One shard of the table of earlier nights and of a run.

    Attributes:
      rows: how many are of this run.
      layers: its files, newest first; the first is of this run.
    """

    rows: int
    layers: tuple[Part, ...]


def write_layer(
    run: Run, table: str, shard: int, rows: pa.Table, older: Sequence[Part]
) -> LayeredShard:
    """Writes the rows of a run, and with them those of the older layers that they outgrow.

    Args:
      run: whose rows they are.
      table: `episodes` or `copies`.
      shard: its number.
      rows: of this run, in any order.
      older: the files of the shard before the run, newest first.
    """
    taken = outgrown(rows.num_rows, older)
    storage = storage_of(run.output)
    merged = pa.concat_tables([rows, *(read_part(storage, part) for part in older[:taken])])
    order = [(name, "ascending") for name in rows.column_names]
    part = write_part(run, table, shard, merged.sort_by(order))
    return LayeredShard(rows.num_rows, (part, *older[taken:]))


def outgrown(rows: int, older: Sequence[Part]) -> int:
    """How many of the older layers, newest first, a new one of so many rows takes in."""
    for layer, part in enumerate(older):
        if part.rows > rows:
            return layer
        rows += part.rows
    return len(older)
