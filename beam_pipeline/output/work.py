"""What slices of a night leave until the night is committed: files that no manifest names.

    OUT/_work/inputs-R            the files that run R was asked for
    OUT/_work/KEY/labels/...      rows, as Arrow files, to be put together
    OUT/_work/KEY/memory/...      memory after the slice
    OUT/_work/KEY/kept            the slice is done, and this is what it wrote

A key is the hash of all that a slice depends on, so that what lies there is right or is not there.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from beam_pipeline import wire
from beam_pipeline.output.accounting import Fault, LabelCount, tally_faults
from beam_pipeline.output.commit import refusal
from beam_pipeline.output.layers import LayeredShard, layers_of
from beam_pipeline.output.manifest import Part
from beam_pipeline.output.memories import whole_memory, write_memory
from beam_pipeline.output.run import Run
from beam_pipeline.output.tables import read_pieces, write_stream
from beam_pipeline.records import EmonetError
from beam_pipeline.storage import storage_of

WORK = "_work"
"""The folder below OUT; no reader's pattern for tables takes it in."""


@dataclasses.dataclass(frozen=True)
class Kept:
    """What a finished slice wrote.

    Attributes:
      labels: its files of labels, at most one a shard.
      memory: of each shard of which somebody spoke.
      counts: of each episode.
      speakers: who spoke, each once.
    """

    labels: tuple[Part, ...]
    memory: tuple[LayeredShard, ...]
    counts: tuple[LabelCount, ...]
    speakers: tuple[str, ...]


_RECORDS: wire.Records = {one.__name__: one for one in (Kept, LabelCount, LayeredShard, Part)}

Told = Part | LayeredShard | LabelCount | Fault | str
"""What a slice's job tells: files, memory, episodes, faults, and speakers by their id."""


def write_inputs(run: Run, paths: Sequence[str]) -> str:
    """Writes the list of the files that a run was asked for, and tells where."""
    inputs = f"{WORK}/inputs-{run.name}"
    storage_of(run.output).write(inputs, wire.encode(tuple(paths), {}))
    return inputs


def read_inputs(output: str, inputs: str) -> tuple[str, ...]:
    """The paths of such a list.

    Raises:
      EmonetError: it is gone or damaged.
    """
    paths: tuple[str, ...] = wire.decode(storage_of(output).read(inputs), {})
    return paths


def slice_run(run: Run, key: str, tonight: Sequence[Part]) -> Run:
    """The run as one of its slices sees it.

    Args:
      run: of the night.
      key: of the slice.
      tonight: the layers of memory that the slice before it left, newest first.
    """
    return dataclasses.replace(
        run, folder=f"{_folder(key)}/", memory=tuple(tonight), memory_before=run.memory
    )


def keep(run: Run, key: str, expected: Sequence[tuple[str, int]], told: Iterable[Told]) -> None:
    """Writes down that a slice is done, if nothing of it was lost.

    Args:
      run: of the night.
      key: of the slice.
      expected: id and number of utterances of each of its episodes.
      told: all that its job tells.

    Raises:
      EmonetError: something was lost or doubled, named by episode and count.
    """
    kept, faults = _kept_of(told)
    faults += _faults(expected, kept)
    if faults:
        raise EmonetError(refusal(run, tally_faults(faults)))
    storage_of(run.output).write(_kept_path(key), wire.encode(kept, _RECORDS))


def kept(output: str, key: str) -> Kept | None:
    """What a slice wrote that is done; None for one that is not."""
    found = storage_of(output).version(_kept_path(key))
    return found and wire.decode(found[0], _RECORDS)


def forget(output: str, key: str) -> None:
    """Removes what a slice wrote."""
    storage = storage_of(output)
    # first that it is done
    storage.delete(_kept_path(key))
    for file in storage.files(_folder(key)):
        storage.delete(file.path)


def put_together(
    run: Run, labels: Sequence[Part], memory: Sequence[Part]
) -> Iterator[Part | LayeredShard]:
    """Writes the night's labels and memory from what its slices wrote.

    Args:
      run: of the night.
      labels: files of all slices, in timeline order.
      memory: the layers after the last slice, newest first.

    Raises:
      EmonetError: one of the files is gone or damaged.
    """
    storage = storage_of(run.output)
    for shard in range(run.shards):
        pieces = [part for part in labels if part.shard == shard]
        if pieces:
            tables = read_pieces(storage, pieces)
            yield write_stream(run, "labels", shard, tables)
    for shard in range(run.memory_shards):
        layers = layers_of(memory, "memory", shard, run.memory_shards)
        if layers:
            yield write_memory(run, shard, whole_memory(run.output, layers).items())


def _folder(key: str) -> str:
    return f"{WORK}/{key}"


def _kept_path(key: str) -> str:
    return f"{_folder(key)}/kept"


def _kept_of(told: Iterable[Told]) -> tuple[Kept, list[Fault]]:
    by_kind: dict[type, list[Any]] = {kind: [] for kind in Told.__args__}
    for one in told:
        by_kind[type(one)].append(one)
    labels, memory, counts, speakers = (
        tuple(by_kind[kind]) for kind in (Part, LayeredShard, LabelCount, str)
    )
    return Kept(labels, memory, counts, speakers), by_kind[Fault]


def _faults(expected: Sequence[tuple[str, int]], kept: Kept) -> Iterator[Fault]:
    done: Counter[str] = Counter()
    for count in kept.counts:
        done[count.episode_id] += sum(dict(count.labels).values())
    for episode_id, rows in expected:
        if done[episode_id] != rows:
            message = f"{rows} utterances read, {done[episode_id]} labelled or rejected"
            yield Fault(episode_id, message)
    written, labelled = sum(part.rows for part in kept.labels), done.total()
    if written != labelled:
        yield Fault("", f"{labelled} utterances labelled, {written} written")
    remembered = sum(shard.rows for shard in kept.memory)
    if remembered != len(kept.speakers):
        yield Fault("", f"{len(kept.speakers)} speakers to remember, {remembered} written")
