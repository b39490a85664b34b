"""Runs without an engine: made-up labels, refusals and memories, written in a plain loop."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from plain_commit import Reported, Requested, commit, parts

from beam_pipeline.output.acceptance import Acceptance
from beam_pipeline.output.accounting import LabelCount
from beam_pipeline.output.commit import SpeakerCount
from beam_pipeline.output.files import read_files
from beam_pipeline.output.index import own_episodes
from beam_pipeline.output.manifest import TABLES, Manifest, Origin, Part, parts_of
from beam_pipeline.output.memories import whole_memory, write_memory
from beam_pipeline.output.run import Run, begin_run
from beam_pipeline.output.tables import write_labels
from beam_pipeline.records import (
    Labelled,
    Reason,
    Rejected,
    SourceFile,
    content_digest,
    labels_schema,
)
from beam_pipeline.storage import storage_of

LABELS = ("joy", "neutral", "sadness")
WIDTH = 4
ORIGIN = Origin("the embedder", WIDTH, 3)
ANYTHING = Acceptance(allow_empty=True, max_rejected=1, replace=True)


@dataclasses.dataclass(frozen=True)
class Night:
    """All that an engine would find out of a night's files."""

    episodes: tuple[Labelled, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    memory: tuple[tuple[str, np.ndarray], ...] = ()
    sources: tuple[SourceFile, ...] = ()


def labelled(number: int, rows: int = 3, *, text: str = "") -> Labelled:
    """An episode whose probabilities are those of random logits."""
    random = np.random.default_rng(number)
    logits = random.normal(size=(rows, len(LABELS))).astype(np.float32)
    powers = np.exp(logits)
    episode_id = f"show/s01e{number:02d}"
    columns: dict[str, Any] = {
        "corpus": ["made up"] * rows,
        "language": [None] * rows,
        "show": ["show"] * rows,
        "season": [1] * rows,
        "episode": [number] * rows,
        "episode_id": [episode_id] * rows,
        "dialogue_id": ["d001"] * rows,
        "utterance": list(range(rows)),
        "start_ms": [None] * rows,
        "end_ms": [None] * rows,
        "speaker_id": ["ann", None, "bo"][:rows] + [None] * (rows - 3),
        "speaker_name": [None] * rows,
        "speaker_kind": ["named", "unknown", "named"][:rows] + ["unknown"] * (rows - 3),
        "speaker_source": ["none"] * rows,
        "speaker_confidence": [None] * rows,
        "text": [f"{text}{number} {row}" for row in range(rows)],
        "text_raw": [f"{text}{number} {row}" for row in range(rows)],
        "label": pa.array([LABELS[at] for at in logits.argmax(axis=1)]).dictionary_encode(),
        **{
            f"prob_{label}": column
            for label, column in zip(LABELS, (powers / powers.sum(axis=1)[:, None]).T, strict=True)
        },
        "speaker_logit": logits[:, 0],
        "history_length": [0] * rows,
        "model_id": ["a model"] * rows,
    }
    schema = labels_schema(LABELS)
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in schema]
    return Labelled(("show", 1, number, episode_id), pa.table(arrays, schema=schema))


def source_of(episodes: Iterable[Labelled], path: str = "made/up.srt") -> SourceFile:
    counts = tuple((episode.place[3], episode.rows.num_rows) for episode in episodes)
    total = sum(rows for _, rows in counts)
    return SourceFile(path, "0" * 64, 1, "srt", "utf-8", total, total, 0, 0, counts)


def refusal(path: str = "made/bad.srt", position: str = "") -> Rejected:
    return Rejected(path, position, Reason.NO_CUES, "expected cues", 1)


BAD = SourceFile("made/bad.srt", "1" * 64, 1, "", "", 1, 0, 0, 1, ())


def memory_of(*speakers: str, seed: int = 0) -> tuple[tuple[str, np.ndarray], ...]:
    """Histories of one, two, three, one, ... utterances."""
    random = np.random.default_rng(seed)
    return tuple(
        (speaker, random.normal(size=(1 + at % 3, WIDTH)).astype(np.float16))
        for at, speaker in enumerate(speakers)
    )


def night(*numbers: int, text: str = "", speakers: Sequence[str] = ("ann", "bo")) -> Night:
    """A whole night of episodes with these numbers, and one bad file."""
    episodes = tuple(labelled(number, text=text) for number in numbers)
    return Night(
        episodes=episodes,
        rejected=(refusal(),),
        memory=memory_of(*speakers, seed=sum(numbers)),
        sources=(source_of(episodes), BAD),
    )


def begin(folder: Path | str, name: str, **changes: Any) -> Run:
    usual = {
        "model_id": "a model",
        "labels": LABELS,
        "origin": ORIGIN,
        "paths": (),
        "acceptance": ANYTHING,
    }
    return begin_run(str(folder), name, **{**usual, **changes})


def entries(run: Run, whole: Night) -> list[Reported]:
    """Writes labels and memory of a night, and what stages tell of it."""
    return [
        *parts(run, "labels", write_labels, whole.episodes, lambda one: one.place[3]),
        *parts(run, "memory", write_memory, whole.memory, lambda one: one[0]),
        *(label_count(episode) for episode in whole.episodes),
        Requested(tuple(source.path for source in whole.sources)),
        SpeakerCount(len(whole.memory)),
        *whole.rejected,
        *whole.sources,
    ]


def run_night(folder: Path | str, name: str, whole: Night, **changes: Any) -> dict[str, Any]:
    run = begin(folder, name, **changes)
    return commit(run, entries(run, whole))


def label_count(episode: Labelled) -> LabelCount:
    counts = Counter(episode.rows["label"].to_pylist())
    digest = content_digest(episode.rows)
    return LabelCount(episode.place[3], digest, tuple(sorted(counts.items())))


def written_parts(folder: Path, manifest: Manifest) -> list[Part]:
    storage = storage_of(str(folder))
    return [part for table in TABLES for part in parts_of(storage, manifest, table)]


def rows_of(folder: Path, manifest: Manifest, table: str = "labels") -> list[Any]:
    """All rows of one table of a night, file by file."""
    parts = parts_of(storage_of(str(folder)), manifest, table)
    tables = [pq.read_table(folder / part.path, partitioning=None) for part in parts]
    return [row for read in tables for row in read.to_pylist()]


def files_read(folder: Path | str, manifest: Manifest) -> list[dict[str, Any]]:
    """The records of a night's files, by path."""
    rows = read_files(storage_of(str(folder)), manifest)
    return sorted(rows, key=lambda row: str(row["path"]))


def episodes_labelled(folder: Path | str, manifest: Manifest) -> list[str]:
    """The ids of the episodes that a night itself labels, in order."""
    return sorted(one for one, _, _ in own_episodes(storage_of(str(folder)), manifest))


def remembered(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    """The bits that are remembered of each speaker after a night."""
    layers = parts_of(storage_of(str(folder)), manifest, "memory")
    return {
        speaker: embeddings.tobytes()
        for speaker, embeddings in whole_memory(str(folder), layers).items()
    }


def query(folder: Path, sql: str, monkeypatch: Any) -> list[tuple[Any, ...]]:
    """What a person sees who reads `views.sql` in the folder it lies in."""
    monkeypatch.chdir(folder)
    with duckdb.connect() as connection:
        connection.execute((folder / "views.sql").read_text())
        return connection.execute(sql).fetchall()


def without_progress(printed: str) -> str:
    """What was printed, without the lines that tell a log how far it is."""
    lines = printed.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("progress: "))


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
