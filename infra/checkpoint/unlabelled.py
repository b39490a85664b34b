"""Gathers the unlabelled dialogue that the checkpoint that ships has learned from.

    python infra/checkpoint/unlabelled.py friends_transcript.parquet the_office.parquet \
        south_park.parquet star_trek.parquet --output unlabelled.parquet

Of the first file, Friends, seasons 5 to 10: EmoryNLP's dev and test are of the first four. Of the
others every 14th episode, so that the model reads more than one show.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_FIRST_SEASON = 5
_EVERY = 14
_SCHEMA = pa.schema(
    [
        ("show", pa.string()),
        ("season", pa.int64()),
        ("episode", pa.int64()),
        ("scene", pa.string()),
        ("utterance", pa.int64()),
        ("speaker", pa.string()),
        ("text", pa.string()),
    ]
)


def friends(table: pa.Table) -> pa.Table:
    """Its later seasons, with the name of the show."""
    named = table.append_column("show", pa.array(["Friends"] * len(table)))
    return named.filter(pc.greater_equal(named["season"], _FIRST_SEASON))


def every(step: int, table: pa.Table) -> pa.Table:
    """The rows of every `step`-th episode, by show, season and number, the first among them."""
    columns = (table[name].to_pylist() for name in ("show", "season", "episode"))
    places = list(zip(*columns, strict=True))
    chosen = set(sorted(set(places))[::step])
    return table.filter(pa.array([place in chosen for place in places]))


def main() -> None:
    """Writes one file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("friends", type=Path, metavar="FRIENDS.parquet")
    parser.add_argument("shows", type=Path, nargs="+", metavar="SHOW.parquet")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    flags = parser.parse_args()
    tables = [friends(pq.read_table(flags.friends))]
    tables += [every(_EVERY, pq.read_table(path)) for path in flags.shows]
    plain = [table.select(_SCHEMA.names).cast(_SCHEMA) for table in tables]
    pq.write_table(pa.concat_tables(plain), flags.output)


if __name__ == "__main__":
    main()
