"""The job on one screen."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import apache_beam as beam

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.look_through import LookedThrough, Planned
from beam_pipeline.output.layers import LayeredShard
from beam_pipeline.output.manifest import Part
from beam_pipeline.output.run import Run
from beam_pipeline.output.tables import write_labels, write_pieces
from beam_pipeline.output.work import slice_run
from beam_pipeline.stages.encode import EncodeEpisodes
from beam_pipeline.stages.inputs import ListInputs
from beam_pipeline.stages.label import LabelEpisodes
from beam_pipeline.stages.model_cache import ModelSource
from beam_pipeline.stages.read import Read, ReadEpisodes
from beam_pipeline.stages.recall import RecallSpeakers
from beam_pipeline.stages.slices import KeepSlice, ReadKept, ReadSlice
from beam_pipeline.stages.write import Outcome, WriteRun, WriteTables


@dataclasses.dataclass(frozen=True)
class Job:
    """All that a job is made from.

    Attributes:
      inputs: where the list of its files is, below OUT.
      reading: how they are read.
      source: where the model is.
      run: what is written and what it builds on.
      accelerator: what the encode stage asks the engine for, None for nothing.
    """

    inputs: str
    reading: ReadOptions
    source: ModelSource
    run: Run
    accelerator: str | None = None


def build(pipeline: beam.Pipeline, job: Job) -> None:
    """Adds the job of a whole night to a pipeline."""
    requested = pipeline | ListInputs(job.run.output, job.inputs)
    read = requested | ReadEpisodes(job.reading, job.run)
    outcome = _label(read, job)
    outcome | WriteTables(job.run, write_labels) | WriteRun(job.run, job.inputs, job.reading)


def build_slice(
    pipeline: beam.Pipeline,
    job: Job,
    key: str,
    episodes: Sequence[Planned],
    memory: Sequence[Part],
) -> None:
    """Adds the job of one slice of a night to a pipeline.

    Args:
      pipeline: that is added to.
      job: of the night.
      key: of the slice.
      episodes: of the slice.
      memory: the layers that the slice before it left, newest first.
    """
    run = slice_run(job.run, key, memory)
    read = pipeline | ReadSlice([(one.episode_id, one.lies) for one in episodes])
    outcome = _label(read, dataclasses.replace(job, run=run))
    expected = [(one.episode_id, one.rows) for one in episodes]
    outcome | WriteTables(run, write_pieces) | KeepSlice(run, key, expected)


def build_commit(
    pipeline: beam.Pipeline,
    job: Job,
    found: LookedThrough,
    keys: Sequence[str],
    parts: Sequence[Part | LayeredShard],
) -> None:
    """Adds the job that commits a night whose slices are done to a pipeline.

    Args:
      pipeline: that is added to.
      job: of the night.
      found: what it consists of.
      keys: of its slices.
      parts: its files of labels and memory.
    """
    written = pipeline | ReadKept(job.run.output, keys, parts, found.records)
    written | WriteRun(job.run, job.inputs, job.reading)


def _label(read: Read, job: Job) -> Outcome:
    encoded = read.episodes | EncodeEpisodes(job.source, job.accelerator)
    recalled = encoded | RecallSpeakers(job.run)
    labelled, faults = (encoded, recalled) | LabelEpisodes(job.source, job.run.model_id)
    return Outcome(
        labelled, read.rejected, recalled.memory, recalled.speakers, read.sources, faults
    )
