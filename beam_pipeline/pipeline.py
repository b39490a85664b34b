"""The job on one screen."""

from __future__ import annotations

import dataclasses

import apache_beam as beam

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.output.run import Run
from beam_pipeline.stages.encode import EncodeEpisodes
from beam_pipeline.stages.label import LabelEpisodes
from beam_pipeline.stages.model_cache import ModelSource
from beam_pipeline.stages.read import ReadEpisodes
from beam_pipeline.stages.recall import RecallSpeakers
from beam_pipeline.stages.write import Outcome, WriteRun, WriteTables


@dataclasses.dataclass(frozen=True)
class Job:
    """All that a job is made from.

    Attributes:
      paths: the input files.
      reading: how they are read.
      source: where the model is.
      run: what is written and what it builds on.
      accelerator: what the encode stage asks the engine for, None for nothing.
    """

    paths: tuple[str, ...]
    reading: ReadOptions
    source: ModelSource
    run: Run
    accelerator: str | None = None


def build(pipeline: beam.Pipeline, job: Job) -> None:
    """Adds the job to a pipeline."""
    read = pipeline | ReadEpisodes(list(job.paths), job.reading, job.run)
    encoded = read.episodes | EncodeEpisodes(job.source, job.accelerator)
    recalled = encoded | RecallSpeakers(job.run)
    labelled, faults = (encoded, recalled) | LabelEpisodes(job.source, job.run.model_id)
    outcome = Outcome(
        labelled, read.rejected, recalled.memory, recalled.speakers, read.sources, faults
    )
    outcome | WriteTables(job.run) | WriteRun(job.run, job.paths, job.reading)
