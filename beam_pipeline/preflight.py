"""Whether the engine that is asked for is there, before anything is sent to it.

Beam waits for what does not answer, for minutes or for ever, and fails with traces of its own. Here
each thing that a job would wait for is asked once, within `PATIENCE_S`, and what is off is one
sentence. Where the job runs is known here and in `options.py`, and in no stage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    PipelineOptions,
    PortableOptions,
    StandardOptions,
)
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc
from apache_beam.runners import PipelineRunner, create_runner
from apache_beam.runners.portability.flink_runner import FlinkRunner
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.transforms.environments import DockerEnvironment, ExternalEnvironment

from beam_pipeline.preflight_flink import PATIENCE_S, check_job_server, find_cluster
from beam_pipeline.records import EmonetError
from beam_pipeline.worker_pool import DESCRIBE, SERVICE, description

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def check_engine(arguments: Sequence[str], paths: Sequence[str]) -> None:
    """Refuses a job that its engine could not take, or would never end.

    Args:
      arguments: flags of Beam, as `beam_options` gives them.
      paths: what is to be labelled.

    Raises:
      EmonetError: there is no such runner; a flag of it is off; its cluster, job server or worker
        pool is not there, is of another version, or cannot read what is to be labelled.
    """
    options = PipelineOptions(list(arguments))
    runner = _runner(options.view_as(StandardOptions).runner)
    faults = PipelineOptionsValidator(options, runner).validate()
    if faults:
        raise EmonetError(f"options of Beam: {' '.join(faults)}")
    if not isinstance(runner, PortableRunner):
        return
    hosts = ["localhost"]
    endpoint = options.view_as(PortableOptions).job_endpoint
    if endpoint and endpoint != "embed":
        _check_job_service(endpoint)
        hosts = [endpoint.rpartition(":")[0]]
    if isinstance(runner, FlinkRunner):
        cluster = find_cluster(options.view_as(FlinkRunnerOptions))
        hosts = cluster.hosts if cluster else hosts
        if not endpoint:
            check_job_server(options, cluster)
    # a copy, as a runner notes in it what it takes by default
    environment = runner.default_environment(PipelineOptions(list(arguments)))
    if isinstance(environment, DockerEnvironment) and (
        environment.container_image == DockerEnvironment.default_docker_image()
    ):
        raise EmonetError(
            "workers would be of Beam's own image, which has no emonet: give --environment_type "
            "EXTERNAL --environment_config HOST:PORT of a worker pool, or DOCKER and your image"
        )
    if isinstance(environment, ExternalEnvironment):
        _check_pools(environment.url, hosts, paths[:1])


def _runner(name: str) -> PipelineRunner:
    try:
        return create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        known = ", ".join(StandardOptions.KNOWN_RUNNER_NAMES)
        raise EmonetError(f"--runner {name}: there is no such runner; Beam has {known}") from error


def _check_job_service(endpoint: str) -> None:
    with grpc.insecure_channel(endpoint) as channel:
        stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
        request = beam_job_api_pb2.DescribePipelineOptionsRequest()
        try:
            stub.DescribePipelineOptions(request, timeout=PATIENCE_S)
        except grpc.RpcError as error:
            raise EmonetError(
                f"--job_endpoint {endpoint}: no job service of Beam's answers ({error.code().name})"
            ) from error


def _check_pools(url: str, hosts: Sequence[str], paths: Sequence[str]) -> None:
    """Asks each pool what it is; `localhost` is that of whoever starts workers."""
    host, _, port = url.rpartition(":")
    addresses = [f"{one}:{port}" for one in hosts] if host in LOOPBACK else [url]
    ours = description([])["versions"]
    with ThreadPoolExecutor(max_workers=len(addresses)) as together:
        for fault in together.map(lambda address: _pool_fault(address, paths, ours), addresses):
            if fault:
                raise EmonetError(fault)


def _pool_fault(address: str, paths: Sequence[str], ours: Mapping[str, str]) -> str | None:
    where = f"worker pool {address}"
    try:
        said = _describe(address, paths)
    except grpc.RpcError as error:
        return f"{where}: {_silence(error.code())}"
    theirs = said["versions"]
    other = [
        f"{name} {theirs.get(name)} there and {version} here"
        for name, version in sorted(ours.items())
        if theirs.get(name) != version
    ]
    if other:
        return f"{where}: its workers are not of what runs here: {', '.join(other)}"
    if said["unread"]:
        return (
            f"{where}: cannot read {said['unread'][0]}; give it by a full path that all workers "
            "share, or as gs://"
        )
    return None


def _describe(address: str, paths: Sequence[str]) -> dict[str, Any]:
    with grpc.insecure_channel(address) as channel:
        describe = channel.unary_unary(f"/{SERVICE}/{DESCRIBE}")
        answer = describe(json.dumps(list(paths)).encode(), timeout=PATIENCE_S)
        return json.loads(answer)  # type: ignore[no-any-return]


def _silence(code: grpc.StatusCode) -> str:
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return (
            "does not say what it is made of; start it by `python -m beam_pipeline.worker_pool` "
            "with the Python that is to run the job"
        )
    return f"nothing answers there ({code.name})"
