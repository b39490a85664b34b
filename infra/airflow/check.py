"""Ends with success if three nights were labelled one by one as all of them are at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipeline.output.manifest import Manifest, read_manifests

NIGHTS = ["2026-11-20", "2026-11-21", "2026-11-22"]
AGAIN = "2026-11-21"


def rows(output: str, manifests: list[Manifest]) -> list[dict[str, Any]]:
    """All that was labelled, by episode and utterance."""
    parts = [part["path"] for manifest in manifests for part in manifest["labels"]]
    tables = [pq.read_table(Path(output) / path, partitioning=None) for path in parts]
    order = [("episode_id", "ascending"), ("utterance", "ascending")]
    table = pa.concat_tables(tables).drop_columns("corpus").sort_by(order)
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def main(labelled: str, at_once: str) -> None:
    """Says what is wrong, or how much is right."""
    nights = read_manifests(labelled)
    assert list(nights) == NIGHTS, f"nights {list(nights)}, expected {NIGHTS}"
    before = [manifest["memory_from"]["night"] for manifest in nights.values()]
    assert before == [None, *NIGHTS[:-1]], f"they build on {before}"
    superseding = [night for night, manifest in nights.items() if manifest["supersedes"]]
    assert superseding == [AGAIN], f"{superseding} were run again, expected {AGAIN}"
    found = rows(labelled, list(nights.values()))
    expected = rows(at_once, list(read_manifests(at_once).values()))
    assert found == expected, "night by night gives other labels than all at once"
    print(f"{len(found)} utterances of {len(nights)} nights, labelled as all at once are")


if __name__ == "__main__":
    main(*sys.argv[1:])
