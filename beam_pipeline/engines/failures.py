"""The error of a job that failed on an engine elsewhere: which, where, and its log."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    GoogleCloudOptions,
    PipelineOptions,
    PortableOptions,
    StandardOptions,
)
from apache_beam.runners.portability.flink_runner import MAGIC_HOST_NAMES, FlinkRunner
from apache_beam.runners.portability.portable_runner import PipelineResult as PortableResult
from apache_beam.runners.runner import PipelineResult

from beam_pipeline.engines.preflight import runner_of
from beam_pipeline.records import EmonetError, own_sentence


def failure_elsewhere(
    error: BaseException, running: PipelineResult, arguments: Sequence[str]
) -> EmonetError | None:
    """A sentence for an error that has none of ours: the job, its engine, where its log is.

    Args:
      error: what waiting for the job ended with.
      running: the job.
      arguments: flags of Beam, as `beam_options` gives them.

    Returns:
      None if the error says enough, is an interrupt, or the job ran in this process.
    """
    if own_sentence(error) is not None or not isinstance(error, Exception):
        return None
    options = PipelineOptions(list(arguments))
    if isinstance(running, PortableResult):
        job, (engine, log) = running._job_id, _portable(options)
    elif type(runner_of(options.view_as(StandardOptions).runner)).__name__ == "DataflowRunner":
        job, engine = running.job_id(), "Dataflow"
        google = options.view_as(GoogleCloudOptions)
        page = f"jobs/{google.region}/{job}?project={google.project}"
        log = f"https://console.cloud.google.com/dataflow/{page} has its log"
    else:
        return None
    kind = error.code().name if isinstance(error, grpc.RpcError) else type(error).__name__
    return EmonetError(
        f"job {job} failed on {engine} with {kind}; {log}, --verbose shows the trace"
    )


def _portable(options: PipelineOptions) -> tuple[str, str]:
    """The engine behind a job service, and where it logs."""
    endpoint = options.view_as(PortableOptions).job_endpoint
    master = options.view_as(FlinkRunnerOptions).flink_master
    runner = runner_of(options.view_as(StandardOptions).runner)
    if isinstance(runner, FlinkRunner) and master not in MAGIC_HOST_NAMES:
        page = FlinkRunner.add_http_scheme(master)
        return f"Flink at {master}", f"{page} and the logs of its worker pools tell why"
    if endpoint and endpoint != "embed":
        return f"the job service at {endpoint}", "its log and those of its worker pools tell why"
    return "the job service that was started for it", "it logs here"
