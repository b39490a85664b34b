"""Night by night against all at once, over a real corpus: every label, probability and memory.

python benchmarks/nights.py season friends_transcript.parquet
python benchmarks/nights.py episode emotion-detection-trn.json emotion-detection-dev.json
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.nights import Engine, Night, label_night
from beam_pipeline.output.manifest import Manifest, parts_of
from beam_pipeline.output.memories import whole_memory
from beam_pipeline.output.tables import read_part
from beam_pipeline.output.verify import verify
from beam_pipeline.storage import storage_of
from emonet.cli.options import beam_options
from model.checkpoint import PRETRAINED, open_checkpoint

READING = ReadOptions(corpus="nights")


def seasons(table: Path, folder: Path) -> Iterator[Path]:
    """A file a season of a Parquet table with a column `season`."""
    rows = pq.read_table(table)
    for season in sorted(pc.unique(rows["season"]).to_pylist()):
        path = folder / f"season-{season:02d}.parquet"
        pq.write_table(rows.filter(pc.equal(rows["season"], season)), path)
        yield path


def episodes(data_set: Path, folder: Path) -> Iterator[Path]:
    """A file an episode of EmoryNLP's JSON."""
    whole = json.loads(data_set.read_text())
    for episode in whole["episodes"]:
        path = folder / f"{episode['episode_id']}.json"
        path.write_text(json.dumps({**whole, "episodes": [episode]}))
        yield path


def labels(output: str, manifests: Sequence[Manifest]) -> pa.Table:
    """All rows of some nights, by episode and utterance."""
    storage = storage_of(output)
    tables = [
        read_part(storage, part)
        for manifest in manifests
        for part in parts_of(storage, manifest, "labels")
    ]
    order = [("episode_id", "ascending"), ("utterance", "ascending")]
    return pa.concat_tables(tables).unify_dictionaries().sort_by(order)


def memory(output: str, manifest: Manifest) -> dict[str, bytes]:
    """What is remembered of each speaker, bit for bit."""
    whole = whole_memory(output, parts_of(storage_of(output), manifest, "memory"))
    return {speaker: embeddings.tobytes() for speaker, embeddings in whole.items()}


def main(split: str, *data: str) -> None:
    """Labels both ways and compares."""
    engine = Engine(open_checkpoint(PRETRAINED), None, beam_options([]))
    with tempfile.TemporaryDirectory() as folder:
        split_by = {"season": seasons, "episode": episodes}[split]
        inputs = Path(folder) / "in"
        inputs.mkdir()
        files = sorted(path for one in data for path in split_by(Path(one), inputs))
        by_night, at_once = f"{folder}/by-night", f"{folder}/at-once"
        begun = time.monotonic()
        nights = [
            label_night(by_night, Night(f"{number:03d}", (str(path),), READING), engine)
            for number, path in enumerate(files)
        ]
        done = time.monotonic()
        once = label_night(at_once, Night("all", tuple(map(str, files)), READING), engine)
        ended = time.monotonic()
        apart, together = labels(by_night, nights), labels(at_once, [once])
        then, now = memory(by_night, nights[-1]), memory(at_once, once)
        print(f"{len(files)} nights      {done - begun:7.1f} s  {apart.num_rows:,} utterances")
        print(f"all at once    {ended - done:7.1f} s  {together.num_rows:,} utterances")
        print(f"labels and probabilities bit-identical: {apart.equals(together)}")
        print(f"memory of {len(now):,} speakers bit-identical: {then == now}")
        print(f"problems found by verify: {len([*verify(by_night), *verify(at_once)])}")
        if not (apart.equals(together) and then == now):
            raise SystemExit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
