"""Nights of made-up files, labelled by a plain loop in place of the job: a fake labeller.

What is read once, claimed and remembered is decided by the functions of the job; a label is made of
the words of an utterance and of what its speaker said before.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from made_up_runs import LABELS, ORIGIN, WIDTH, Night, begin, entries

from beam_pipeline.corpus.duplicates import only_once, resolve_claims
from beam_pipeline.memory import last_n
from beam_pipeline.output.index import earlier_copies, earlier_episodes
from beam_pipeline.output.memories import read_memory
from beam_pipeline.output.run import Run
from beam_pipeline.output.tables import shard_of
from beam_pipeline.records import (
    UTTERANCES,
    Episode,
    Labelled,
    Rejected,
    SourceFile,
    labels_schema,
)


@dataclasses.dataclass(frozen=True)
class File:
    """A made-up file.

    Attributes:
      name: of the file; that of its episode as well.
      words: what is said in it, a character an utterance. Files of equal words have equal bytes.
      speaker: who says all of it; None for nobody that is known.
      folder: where it lies. Files of one name in two folders claim one episode.
    """

    name: str
    words: str
    speaker: str | None = None
    folder: str = "made"

    @property
    def episode_id(self) -> str:
        return f"show/{self.name}"

    @property
    def path(self) -> str:
        return f"/{self.folder}/{self.name}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(f"{self.speaker}: {self.words}".encode()).hexdigest()

    def episode(self) -> Episode:
        rows = [
            {
                "dialogue_id": "d",
                "speaker_id": self.speaker,
                "speaker_name": self.speaker,
                "speaker_kind": "named" if self.speaker else "unknown",
                "speaker_source": "label" if self.speaker else "none",
                "text": word,
                "text_raw": word,
            }
            for word in self.words
        ]
        table = pa.Table.from_pylist(rows, UTTERANCES)
        return Episode(self.episode_id, "made up", None, "show", None, None, self.path, table)

    def source(self) -> SourceFile:
        count = len(self.words)
        return SourceFile(
            *(self.path, self.sha256, count, "made up", "", count, count, 0, 0),
            ((self.episode_id, count),),
        )


def what_is_found(run: Run, files: Sequence[File]) -> Night:
    """What the job would find out of files, each of them named once."""
    episodes, rejected = _read_once(run, files)
    labelled, memory = _labelled(run, episodes)
    sources = tuple(file.source() for file in files)
    return Night(tuple(labelled), tuple(rejected), tuple(sorted(memory.items())), sources)


def label_files(folder: Path, name: str, files: Sequence[File]) -> tuple[Run, list[Any]]:
    """A run of a night over files up to its commit: the run, and what the commit must hear."""
    run = begin(folder, name, paths=[file.path for file in files])
    return run, entries(run, what_is_found(run, files))


def _read_once(run: Run, files: Sequence[File]) -> tuple[list[Episode], list[Rejected]]:
    earlier = earlier_episodes(run, {file.episode_id for file in files})
    copied = earlier_copies(run, {file.sha256 for file in files})
    by_id, by_bytes = defaultdict(list), defaultdict(list)
    for file in files:
        by_id[file.episode_id].append(file.episode())
    bytes_of = {file.path: file.sha256 for file in files}
    rejected: list[Rejected] = []
    for episode_id, claims in by_id.items():
        chosen, refused = resolve_claims(claims, earlier.get(episode_id))
        rejected += refused
        if chosen:
            by_bytes[bytes_of[chosen.source]].append(chosen)
    episodes = []
    for sha256, copies in by_bytes.items():
        once, refused = only_once(copies, copied.get(sha256, {}))
        rejected += refused
        if once:
            episodes.append(once)
    return sorted(episodes, key=lambda episode: episode.place), rejected


def _labelled(
    run: Run, episodes: Iterable[Episode]
) -> tuple[Iterator[Labelled], dict[str, np.ndarray]]:
    episodes = list(episodes)
    who = {name for one in episodes for name in one.utterances["speaker_id"].to_pylist() if name}
    memory = {
        name: tail.embeddings
        for one in who
        for name, tail in read_memory(run, shard_of(one, run.memory_shards), [one])
    }
    labelled = [_labelled_episode(run, episode, memory) for episode in episodes]
    return iter(labelled), {name: memory[name] for name in who}


def _labelled_episode(run: Run, episode: Episode, memory: dict[str, np.ndarray]) -> Labelled:
    texts, names = (episode.utterances[name].to_pylist() for name in ("text", "speaker_id"))
    said = [np.full((1, WIDTH), ord(text), np.float16) for text in texts]
    moved, lengths = [], []
    nothing = np.zeros((0, WIDTH), np.float16)
    for name, embedding in zip(names, said, strict=True):
        before = memory.get(name, nothing) if name else nothing
        moved.append(float(before.sum()))
        lengths.append(len(before))
        if name:
            memory[name] = last_n(before, embedding, ORIGIN.history)
    count = len(texts)
    columns: dict[str, Any] = {
        **{name: episode.utterances[name] for name in UTTERANCES.names[:-1]},
        "corpus": [episode.corpus] * count,
        "show": [episode.show] * count,
        "episode_id": [episode.episode_id] * count,
        "utterance": range(count),
        "label": [LABELS[int(move) % len(LABELS)] for move in moved],
        **{f"prob_{label}": [1 / len(LABELS)] * count for label in LABELS},
        "speaker_logit": moved,
        "history_length": lengths,
        "model_id": [run.model_id] * count,
    }
    schema = labels_schema(LABELS)
    arrays = [
        pa.array(columns[field.name]).cast(field.type)
        if field.name not in episode.utterances.column_names and field.name in columns
        else columns.get(field.name, pa.nulls(count, field.type))
        for field in schema
    ]
    return Labelled(episode.place, pa.table(arrays, schema=schema))
