"""A night slice by slice, so that no more of it is in memory than a slice.

The timeline is cut between episodes. A slice is a job of its own that begins with the memory the
slice before it left, so that all slices together say what one job over the whole night says
(`memory.last_n` is associative). A slice that is done is kept until the night is committed, and
goes by the hash of all that it depends on: the same command again goes on from there.
"""

from __future__ import annotations

import dataclasses
import functools
import gc
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult

from beam_pipeline.look_through import LookedThrough, Planned, look_through
from beam_pipeline.output.layers import layers_after
from beam_pipeline.output.manifest import Part
from beam_pipeline.output.work import WORK, Kept, forget, kept, put_together
from beam_pipeline.pipeline import Job, build_commit, build_slice
from beam_pipeline.records import EmonetError
from beam_pipeline.spill import spill_folder

logger = logging.getLogger(__name__)

SLICE_UTTERANCES = 16 * 1024
"""How many utterances a slice has, and one episode more at most: the engine holds each 12 to 28 KB
until the slice ends, which is less than the model and its libraries take."""


def label_in_slices(
    job: Job, paths: Sequence[str], options: Sequence[str], at_most: int, *, fresh: bool
) -> None:
    """Labels a night on the in-process engine, slice by slice, and commits it.

    Args:
      job: of the night.
      paths: its files.
      options: flags of Beam.
      at_most: how many utterances a slice has, unless it is a single episode.
      fresh: whether slices are labelled again that an interrupted run has done.

    Raises:
      EmonetError: as the job says.
    """
    output = job.run.output
    parent = None if output.startswith("gs://") else Path(output, WORK)
    with spill_folder(parent) as folder:
        found = look_through(paths, job.reading, job.run, folder)
        keys, labels, memory = _label_slices(job, options, found, at_most, fresh=fresh)
        parts = [*put_together(job.run, labels, memory)]
        build = functools.partial(build_commit, job=job, found=found, keys=keys, parts=parts)
        run(options, build).wait_until_finish()
    for key in keys:
        forget(output, key)


def cut(episodes: Iterable[Planned], at_most: int) -> Iterator[list[Planned]]:
    """Consecutive episodes of so many utterances at most, unless it is a single one."""
    slice_: list[Planned] = []
    rows = 0
    for episode in episodes:
        if slice_ and rows + episode.rows > at_most:
            yield slice_
            slice_, rows = [], 0
        slice_.append(episode)
        rows += episode.rows
    if slice_:
        yield slice_


def key_after(before: str, episodes: Iterable[Planned]) -> str:
    """The key of a slice: the hash of what it reads, and of all that went before it.

    Args:
      before: the key of the slice before it, or `first_key`.
      episodes: of the slice.
    """
    return _hash([before, *(one.lies.sha256 for one in episodes)])


def first_key(job: Job) -> str:
    """The hash of all that any slice of a night depends on but its episodes."""
    return _hash(
        [
            metadata.version("emonet"),
            job.run.model_id,
            job.source.precision,
            job.source.label_shift and job.source.label_shift.sha256,
            dataclasses.asdict(job.run.origin),
            job.run.memory_sha256,
        ]
    )


def run(options: Sequence[str], add: Callable[[beam.Pipeline], None]) -> PipelineResult:
    """Hands a pipeline to the engine; one elsewhere may still be at work when this returns.

    Args:
      options: flags of Beam.
      add: adds a job to the pipeline.
    """
    pipeline = beam.Pipeline(options=PipelineOptions(list(options)))
    add(pipeline)
    # what is imported stays: a collection of garbage has a million objects less to walk
    gc.freeze()
    try:
        return pipeline.run()
    finally:
        gc.unfreeze()


def _label_slices(
    job: Job, options: Sequence[str], found: LookedThrough, at_most: int, *, fresh: bool
) -> tuple[list[str], list[Part], tuple[Part, ...]]:
    """The keys of all slices, done; their files of labels; and the memory after the last."""
    keys: list[str] = []
    labels: list[Part] = []
    memory: tuple[Part, ...] = ()
    key = first_key(job)
    for episodes in cut(found.episodes, at_most):
        key = key_after(key, episodes)
        done = None if fresh else kept(job.run.output, key)
        if done:
            utterances = sum(one.rows for one in episodes)
            logger.info("kept", extra={"episodes": len(episodes), "utterances": utterances})
        else:
            done = _label_slice(job, options, key, episodes, memory)
        keys.append(key)
        labels += done.labels
        memory = tuple(layers_after(memory, "memory", done.memory))
    return keys, labels, memory


def _label_slice(
    job: Job,
    options: Sequence[str],
    key: str,
    episodes: Sequence[Planned],
    memory: Sequence[Part],
) -> Kept:
    build = functools.partial(build_slice, job=job, key=key, episodes=episodes, memory=memory)
    run(options, build).wait_until_finish()
    done = kept(job.run.output, key)
    if done is None:
        raise EmonetError(
            f"the engine ended, and a slice of night {job.run.night} is not done; --verbose shows "
            "its log"
        )
    return done


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:32]
