"""Speaker memory anew from the labelled texts, after a change of embedder or N."""

from __future__ import annotations

import dataclasses
from collections import defaultdict, deque
from collections.abc import Iterator

import numpy as np

from beam_pipeline.corpus.speakers import remembered
from beam_pipeline.memory import last_n
from beam_pipeline.output.delta import write_delta_log
from beam_pipeline.output.layers import LayeredShard, layers_after
from beam_pipeline.output.manifest import (
    Manifest,
    Origin,
    manifest_path,
    name_parts,
    parts_of,
    read_manifests,
    sealed,
    superseded_manifest,
)
from beam_pipeline.output.memories import read_memory, write_memory
from beam_pipeline.output.past import digest_of, past_of
from beam_pipeline.output.run import Run, run_after
from beam_pipeline.output.tables import read_part, shard_of
from beam_pipeline.output.views import write_views
from beam_pipeline.records import EmonetError, Place
from beam_pipeline.storage import storage_of
from model.network.emonet import EmoNet


def rebuild_memory(output: str, model: EmoNet, origin: Origin) -> Iterator[tuple[str, int]]:
    """Replaces the memory of every night, from the first to the last; labels stay as they are.

    Only what is remembered is embedded: the last N utterances of each speaker and night. A night
    is committed as it is done. What is interrupted leaves nights of two origins, on which no run
    builds, and is mended by doing it again.

    Args:
      output: OUT.
      model: prepared for inference, its embedder makes the memory.
      origin: of this model.

    Yields:
      Each night and the number of its speakers, once it is committed.

    Raises:
      EmonetError: a manifest or a file is damaged, or a run replaced a night in the meantime.
    """
    storage = storage_of(output)
    for night in read_manifests(output):
        held = superseded_manifest(storage, night, replace=False)
        manifest = held[0]
        if manifest is None:
            raise EmonetError(f"night {night}: its manifest is gone; restore it from a copy")
        run = run_after(
            output, night, held, past_of(storage, night), manifest["model_id"], (), origin
        )
        last_texts = _last_texts(output, manifest, origin.history)
        layers = layers_after(run.memory, "memory", _written(run, model, last_texts))
        rebuilt = {
            **manifest,
            "origin": dataclasses.asdict(origin),
            "memory_from": {"night": run.memory_night, "sha256": run.memory_sha256},
            **name_parts(storage, night, run.name, {"memory": layers}),
        }
        if "left" in manifest:
            rebuilt["left"] = {**manifest["left"], "memory": digest_of(layers)}
        storage.replace(manifest_path(night), sealed(rebuilt), run.version)
        yield night, len(last_texts)
    write_views(output)
    write_delta_log(output)


def _last_texts(output: str, manifest: Manifest, history: int) -> dict[str, list[str]]:
    """The last texts of each speaker of a night, oldest first."""
    storage = storage_of(output)
    episodes: list[tuple[Place, list[str | None], list[str]]] = []
    for part in parts_of(storage, manifest, "labels"):
        columns = ("show", "season", "episode", "episode_id", "speaker_id", "speaker_kind",
                   "text")  # fmt: skip
        rows = read_part(storage, part).select(columns).to_pylist()
        ids, kinds = ([row[name] for row in rows] for name in ("speaker_id", "speaker_kind"))
        for row, speaker in zip(rows, remembered(ids, kinds), strict=True):
            numbers = (-1 if row[name] is None else row[name] for name in ("season", "episode"))
            season, number = numbers
            place = (row["show"], season, number, row["episode_id"])
            if not episodes or episodes[-1][0] != place:
                episodes.append((place, [], []))
            episodes[-1][1].append(speaker)
            episodes[-1][2].append(row["text"])
    last_texts: dict[str, deque[str]] = {}
    for _, speakers, texts in sorted(episodes, key=lambda episode: episode[0]):
        for speaker, text in zip(speakers, texts, strict=True):
            if speaker is not None:
                last_texts.setdefault(speaker, deque(maxlen=history)).append(text)
    return {speaker: list(texts) for speaker, texts in last_texts.items()}


def _written(run: Run, model: EmoNet, last_texts: dict[str, list[str]]) -> Iterator[LayeredShard]:
    """Writes the memory of those with these last texts."""
    by_shard: dict[int, list[str]] = defaultdict(list)
    for speaker in sorted(last_texts):
        by_shard[shard_of(speaker, run.memory_shards)].append(speaker)
    for shard, spoke in sorted(by_shard.items()):
        embeddings = model.embed([text for speaker in spoke for text in last_texts[speaker]])
        ends = np.cumsum([len(last_texts[speaker]) for speaker in spoke])
        tonight = zip(spoke, np.split(embeddings, ends[:-1]), strict=True)
        before = {speaker: tail.embeddings for speaker, tail in read_memory(run, shard, spoke)}
        nothing = embeddings[:0]
        memories = [
            (speaker, last_n(before.get(speaker, nothing), latest, run.origin.history))
            for speaker, latest in tonight
        ]
        yield write_memory(run, shard, memories)
