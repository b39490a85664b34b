"""What a night costs that comes after many: its begin, its look-ups in history, its commit.

python benchmarks/ledger.py 1000

Nights of ten made-up episodes each, of shows whose speakers come back. Their labels are made up as
well, by a fake labeller: what is timed is all that a night does but reading texts and labelling.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa

from beam_pipeline.output.acceptance import Acceptance
from beam_pipeline.output.accounting import Claim, LabelCount, account_episode, account_file
from beam_pipeline.output.commit import Entry, Reading, SpeakerCount, commit
from beam_pipeline.output.files import write_files
from beam_pipeline.output.index import (
    copies_of,
    earlier_copies,
    earlier_episodes,
    write_copies,
    write_episodes,
)
from beam_pipeline.output.manifest import Origin, read_manifests
from beam_pipeline.output.memories import read_memory, write_memory
from beam_pipeline.output.past import outdated_nights
from beam_pipeline.output.run import Run, begin_run
from beam_pipeline.output.tables import shard_of, shards_of, write_labels
from beam_pipeline.records import Labelled, SourceFile, labels_schema
from beam_pipeline.storage.local import LocalStorage

EPISODES, UTTERANCES, SPEAKERS, WIDTH = 10, 15, 6, 384
LABELS = ("joyful", "mad", "neutral", "peaceful", "powerful", "sad", "scared")
ORIGIN = Origin("made up", WIDTH, 10)


class Reads:
    """Counts what is read of OUT, by the folder at its top."""

    def __init__(self) -> None:
        self.bytes: Counter[str] = Counter()
        read, version, part = LocalStorage.read, LocalStorage.version, LocalStorage.read_range

        def counted_read(storage: LocalStorage, path: str) -> bytes:
            content = read(storage, path)
            self.bytes[path.partition("/")[0]] += len(content)
            return content

        def counted_version(storage: LocalStorage, path: str) -> tuple[bytes, str] | None:
            now = version(storage, path)
            self.bytes[path.partition("/")[0]] += len(now[0]) if now else 0
            return now

        def counted_part(storage: LocalStorage, path: str, start: int, end: int) -> bytes:
            content = part(storage, path, start, end)
            self.bytes[path.partition("/")[0]] += len(content)
            return content

        setattr(LocalStorage, "read_range", counted_part)  # noqa: B010
        setattr(LocalStorage, "read", counted_read)  # noqa: B010
        setattr(LocalStorage, "version", counted_version)  # noqa: B010


class Clock:
    """Tells what each step takes of a processor."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Times what is done within."""
        begun = time.process_time()
        yield
        self.seconds[step] = time.process_time() - begun


def episode(number: int) -> tuple[Labelled, SourceFile]:
    """An episode of one of a hundred shows, labelled by nobody."""
    show = f"show {number % 100:03d}"
    episode_id = f"{show}/e{number:06d}"
    who = [f"{show} {number % 7 + turn % SPEAKERS}" for turn in range(UTTERANCES)]
    columns = {
        "corpus": "made up", "show": show, "episode_id": episode_id, "dialogue_id": "d001",
        "speaker_kind": "named", "speaker_source": "label", "model_id": "none", "label": "neutral",
        "speaker_logit": 0.0, "history_length": 0, **{f"prob_{name}": 1 / 7 for name in LABELS},
    }  # fmt: skip
    rows = [
        {**columns, "utterance": turn, "speaker_id": name, "text": f"{number} {turn}",
         "text_raw": f"{number} {turn}"}
        for turn, name in enumerate(who)
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows, labels_schema(LABELS))
    counts = (UTTERANCES, UTTERANCES, 0, 0, ((episode_id, UTTERANCES),))
    source = SourceFile(f"/in/{episode_id}.srt", f"{number:064x}", 999, "srt", "utf-8", *counts)
    return Labelled((show, -1, -1, episode_id), table), source


def label(run: Run, numbers: Iterable[int], clock: Clock) -> list[Entry]:
    """All that a run does between its begin and its commit, but for reading and labelling."""
    labelled, sources = zip(*map(episode, numbers), strict=True)
    speakers = sorted({who for one in labelled for who in one.rows["speaker_id"].to_pylist()})
    with clock("look up"):
        held = earlier_episodes(run, [one.place[3] for one in labelled])
        copied = earlier_copies(run, [source.sha256 for source in sources])
        for shard in range(run.memory_shards):
            list(read_memory(run, shard, speakers))
    assert not held
    assert not copied
    memory = {who: np.ones((5, WIDTH), np.float16) for who in speakers}
    with clock("write"):
        return list(_written(run, labelled, sources, memory))


def _written(
    run: Run,
    labelled: tuple[Labelled, ...],
    sources: tuple[SourceFile, ...],
    memory: dict[str, np.ndarray],
) -> Iterator[Entry]:
    index = []
    for one, source in zip(labelled, sources, strict=True):
        episode_id = one.place[3]
        claim = Claim(source.path, source.sha256, UTTERANCES)
        count = LabelCount(episode_id, source.sha256, (("neutral", UTTERANCES),))
        tally, entry = account_episode(episode_id, [claim], [count], [], [])
        yield tally + account_file(source.path, 1, [source], [])
        index += [entry] if entry else []
    copies = [copy for entry in index for copy in copies_of(entry)]
    tables: list[tuple[str, Iterable[Any], Callable[[Any], str], Callable[..., Entry]]] = [
        ("labels", labelled, lambda one: str(one.place[3]), write_labels),
        ("files", sources, lambda one: str(one.path), write_files),
        ("episodes", index, lambda one: str(one.episode_id), write_episodes),
        ("copies", copies, lambda one: str(one[0]), write_copies),
        ("memory", memory.items(), lambda one: str(one[0]), write_memory),
    ]
    for table, rows, key, write in tables:
        by_shard: dict[int, list[Any]] = {}
        for row in rows:
            by_shard.setdefault(shard_of(key(row), shards_of(run, table)), []).append(row)
        for shard, some in by_shard.items():
            yield write(run, shard, some)
    yield SpeakerCount(len(memory))
    yield Reading({"corpus": "made up"})


def main() -> None:
    """Labels nights one after another and prints what some of them cost."""
    nights = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    # the second night is the first that has a history, so eight of them end with the ninth
    shown = {number for number in (9, 50, 100, 200, 500, 1000) if number <= nights}
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("pyarrow", "numpy")
    )
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, {versions}")
    print("milliseconds of a processor, mean of the eight nights up to each, and KiB read of OUT")
    columns = ("night", "begin", "look up", "write", "commit", "all four", "all nights")
    print(*(f"{name:>13}" for name in (*columns, "manifest KiB", "manifests KiB", "tables KiB")))
    reads = Reads()
    with tempfile.TemporaryDirectory() as output:
        last: list[dict[str, float]] = []
        for number in range(1, nights + 1):
            clock = Clock()
            name = f"n{number:05d}"
            reads.bytes.clear()
            with clock("begin"):
                run = begin_run(output, name, "none", LABELS, ORIGIN, (), Acceptance())
            numbers = range(number * EPISODES, (number + 1) * EPISODES)
            entries = label(run, numbers, clock)
            with clock("commit"):
                manifest = commit(run, entries)
            last = [*last[-7:], clock.seconds]
            if number in shown:
                _show(output, name, last, reads)
                assert manifest["counts"]["episodes"] == EPISODES


def _show(output: str, night: str, last: list[dict[str, float]], reads: Reads) -> None:
    mean = {step: 1000 * sum(one[step] for one in last) / len(last) for step in last[0]}
    mean["all four"] = sum(mean.values())
    steps = (f"{mean[step]:>13.1f}" for step in ("begin", "look up", "write", "commit", "all four"))
    manifests = reads.bytes["_manifests"] / 1024
    tables = reads.bytes.total() / 1024 - manifests
    begun = time.process_time()
    outdated = outdated_nights(read_manifests(output))
    took = 1000 * (time.process_time() - begun)
    assert not outdated
    size = os.path.getsize(f"{output}/_manifests/night={night}.json") / 1024
    numbers = (took, size, manifests, tables)
    print(f"{night:>13}", *steps, *(f"{number:>13.1f}" for number in numbers), flush=True)


if __name__ == "__main__":
    main()
