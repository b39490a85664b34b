"""One night through the job, and the later nights that stand on its memory."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.runner import PipelineResult

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import file_sha256, located, total_size
from beam_pipeline.engines import IN_PROCESS
from beam_pipeline.engines.failures import failure_elsewhere
from beam_pipeline.output.acceptance import Acceptance
from beam_pipeline.output.files import read_files, read_reading
from beam_pipeline.output.manifest import Manifest, Origin, read_manifest
from beam_pipeline.output.run import Run, begin_run, spread
from beam_pipeline.output.work import write_inputs
from beam_pipeline.pipeline import Job, build
from beam_pipeline.records import EmonetError
from beam_pipeline.slices import SLICE_UTTERANCES, label_in_slices, run
from beam_pipeline.stages.model_cache import ModelSource
from beam_pipeline.storage import storage_of
from model.checkpoint import Checkpoint
from model.network.encoder import fastest_device
from model.network.precision import precision_on


@dataclasses.dataclass(frozen=True)
class Night:
    """What is labelled as one batch.

    Attributes:
      name: of the night.
      paths: its files.
      reading: how they are read.
      acceptance: what must come of it for its commit.
      fresh: whether slices are labelled again that an interrupted run has done.
    """

    name: str
    paths: tuple[str, ...]
    reading: ReadOptions
    acceptance: Acceptance = dataclasses.field(default_factory=Acceptance)
    fresh: bool = False


@dataclasses.dataclass(frozen=True)
class Engine:
    """What labels a night: a model and Beam's options.

    Attributes:
      checkpoint: the model.
      encoder: where its encoder is, None for where the checkpoint says.
      options: flags of Beam.
      accelerator: what the encode stage asks the engine for, None for nothing.
      slice_utterances: how many a slice has, on the in-process engine.
    """

    checkpoint: Checkpoint
    encoder: str | None
    options: Sequence[str]
    accelerator: str | None = None
    slice_utterances: int = SLICE_UTTERANCES


def label_night(output: str, night: Night, engine: Engine) -> Manifest:
    """Runs the job and waits for its commit.

    Returns:
      The manifest of this very run.

    Raises:
      EmonetError: as `begin_run` and the job say; or the engine ended without a commit, or failed
        elsewhere.
    """
    job = _job(output, night, engine)
    try:
        if _in_process(engine):
            slice_utterances = engine.slice_utterances
            label_in_slices(job, night.paths, engine.options, slice_utterances, fresh=night.fresh)
        else:
            _label_whole(job, engine)
    finally:
        storage_of(output).delete(job.inputs)
    held = read_manifest(storage_of(output), night.name)
    if held is None or held[0]["run"] != job.run.name:
        raise EmonetError(
            f"the engine ended, and night {night.name} is not committed by run {job.run.name}; "
            "--verbose shows its log"
        )
    return held[0]


def _label_whole(job: Job, engine: Engine) -> None:
    """Runs the job of a whole night on an engine elsewhere."""
    running = run(engine.options, lambda pipeline: build(pipeline, job))
    try:
        running.wait_until_finish()
    except BaseException as error:
        # an engine elsewhere would go on, and commit what the caller believes to have failed
        with contextlib.suppress(Exception):
            running.cancel()
        failure = failure_elsewhere(error, running, engine.options)
        if failure:
            raise failure from error
        raise


def submit_night(output: str, night: Night, engine: Engine) -> tuple[Run, PipelineResult]:
    """Hands the job to the engine, which may still be at work when this returns.

    Raises:
      EmonetError: as `begin_run` says.
    """
    job = _job(output, night, engine)
    return job.run, run(engine.options, lambda pipeline: build(pipeline, job))


def _in_process(engine: Engine) -> bool:
    options = PipelineOptions(list(engine.options)).view_as(StandardOptions)
    return bool(options.runner == IN_PROCESS)


def _job(output: str, night: Night, engine: Engine) -> Job:
    checkpoint, reading = engine.checkpoint, night.reading
    precision = precision_on(fastest_device())
    begun = begin_run(
        output,
        night.name,
        checkpoint.model_id,
        checkpoint.settings.labels,
        origin_of(checkpoint),
        [located(path, reading.folder) for path in (*night.paths, *reading.companions)],
        night.acceptance,
    )
    size = total_size([located(path, night.reading.folder) for path in night.paths])
    shift = checkpoint.label_shift
    begun = dataclasses.replace(
        spread(begun, size),
        precision=precision,
        calibration={**dataclasses.asdict(shift), "sha256": shift.sha256} if shift else None,
    )
    source = ModelSource(str(checkpoint.folder), engine.encoder, precision, shift)
    return Job(write_inputs(begun, night.paths), reading, source, begun, engine.accelerator)


def recorded_night(output: str, manifest: Manifest) -> Night:
    """The night as it was requested when it was labelled, whatever the working directory is.

    Raises:
      EmonetError: one of its files has other content than it had, or can be read although it could
        not, or the other way round.
    """
    storage = storage_of(output)
    read = sorted(read_files(storage, manifest), key=lambda one: str(one["source"]))
    # what lies in an archive is read with it
    members = {path for one in read for path in one["members"]}
    requested = [one for one in read if one["path"] not in members]
    for one in requested:
        if file_sha256(one["path"]) != one["sha256"]:
            raise EmonetError(
                f"{one['path']}: is not there as night {manifest['night']} read it, which is to be "
                "run again; put it back, or run that night by hand with --replace"
            )
    # by the paths as they were given, for a show may be called after one
    reading = ReadOptions.recorded(read_reading(storage, manifest))
    sources = Counter(one["source"] for one in requested) - Counter(reading.companions)
    return Night(manifest["night"], tuple(sorted(sources.elements())), reading)


def origin_of(checkpoint: Checkpoint) -> Origin:
    """What the memory of a model is made of."""
    return Origin(checkpoint.embedder_id, checkpoint.width, checkpoint.settings.history)
