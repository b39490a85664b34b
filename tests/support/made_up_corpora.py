"""Made-up corpora on disk whose speakers come back, and the job over them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from made_up_runs import ANYTHING
from small_models import LABELS, WORDS

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import expand_inputs
from beam_pipeline.nights import Engine, Night, label_night, submit_night
from beam_pipeline.output.manifest import Manifest, read_manifests
from beam_pipeline.slices import SLICE_UTTERANCES
from emonet.cli.options import beam_options
from model.checkpoint import Checkpoint

NAMES = ("Ann", "Bo", "Cleo", "Dora", None)
READING = ReadOptions(corpus="made up")
Row = dict[str, Any]


def sentence(random: np.random.Generator) -> str:
    return " ".join(random.choice(WORDS, random.integers(1, 9)))


def episode(number: int, turns: int = 14, *, show: str = "Quay") -> list[Row]:
    """An episode of two dialogues; its speakers are drawn from few, one of them nameless."""
    random = np.random.default_rng([number, turns, len(show)])
    return [
        {
            "show": show,
            "season": 1,
            "episode": number,
            "dialogue": f"scene {2 * turn // turns}",
            "speaker": NAMES[random.integers(0, len(NAMES))],
            "text": sentence(random),
            "label": LABELS[random.integers(0, len(LABELS))],
        }
        for turn in range(turns)
    ]


def write_jsonl(path: Path, rows: Iterable[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_season(folder: Path, numbers: Iterable[int], **changes: Any) -> Path:
    """A file an episode."""
    for number in numbers:
        write_jsonl(folder / f"{number:02d}.jsonl", episode(number, **changes))
    return folder


def write_srt(path: Path, number: int, turns: int = 10) -> Path:
    """Subtitles with labels of the same speakers, a cue a turn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cues = [
        f"{at + 1}\n00:00:{at:02d},000 --> 00:00:{at:02d},900\n"
        f"{(row['speaker'] or 'Dora').upper()}: {row['text']}.\n"
        for at, row in enumerate(episode(number, turns))
    ]
    path.write_text("\n".join(cues))
    return path


def label(
    checkpoint: Checkpoint,
    inputs: Sequence[Path | str],
    folder: Path | str,
    *,
    night: str = "1",
    flags: Sequence[str] = (),
    reading: ReadOptions = READING,
    accelerator: str | None = None,
    slice_utterances: int = SLICE_UTTERANCES,
    fresh: bool = False,
) -> Manifest:
    """Runs the job in the process, whatever comes of it, and gives the night's manifest."""
    paths = tuple(expand_inputs([str(path) for path in inputs]))
    engine = Engine(checkpoint, None, beam_options(flags), accelerator, slice_utterances)
    return label_night(str(folder), Night(night, paths, reading, ANYTHING, fresh), engine)


def label_whole(
    checkpoint: Checkpoint,
    inputs: Sequence[Path | str],
    folder: Path,
    *,
    night: str = "1",
    reading: ReadOptions = READING,
) -> Manifest:
    """The same by one job over the whole night, as engines elsewhere run it."""
    paths = tuple(expand_inputs([str(path) for path in inputs]))
    engine = Engine(checkpoint, None, beam_options([]))
    run, running = submit_night(str(folder), Night(night, paths, reading, ANYTHING), engine)
    running.wait_until_finish()
    manifest = read_manifests(str(folder))[night]
    assert manifest["run"] == run.name
    return manifest


def labels_of(folder: Path, manifest: Any) -> pa.Table:
    """All rows of a night, by episode and utterance."""
    tables = [
        pq.read_table(folder / part["path"], partitioning=None) for part in manifest["labels"]
    ]
    return pa.concat_tables(tables).sort_by(
        [("episode_id", "ascending"), ("utterance", "ascending")]
    )


def digests(manifest: Any, *tables: str) -> dict[str, str]:
    """The sha256 of each file of some tables of a run, by table and shard."""
    return {
        f"{table}/{Path(part['path']).name}": part["sha256"]
        for table in tables or ("labels", "rejected", "memory")
        for part in manifest[table]
    }
