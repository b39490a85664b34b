"""Whether the engine that is asked for is there, before anything is sent to it.

Beam waits for what does not answer, for minutes or for ever, and fails with traces of its own. Here
each thing that a job would wait for is asked once, within a few seconds, and what is off is one
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
    GoogleCloudOptions,
    PipelineOptions,
    PortableOptions,
    StandardOptions,
)
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc
from apache_beam.runners import PipelineRunner, create_runner
from apache_beam.runners.portability.flink_runner import FlinkRunner
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.transforms.environments import (
    DockerEnvironment,
    Environment,
    ExternalEnvironment,
)

from beam_pipeline.corpus.paths import file_size
from beam_pipeline.engines import timeouts
from beam_pipeline.engines.flink import (
    check_job_server,
    find_cluster,
)
from beam_pipeline.engines.listening import LOOPBACK
from beam_pipeline.engines.worker_pool import DESCRIBE, SERVICE, description
from beam_pipeline.records import EmonetError

BUCKETS = ("temp_location", "staging_location")
"""Either will do: Beam takes the one for the differing."""

PROBED_FILES = 1000
"""How many files each pool looks for at most."""


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
    runner = runner_of(options.view_as(StandardOptions).runner)
    _check_options(options, runner)
    if isinstance(runner, PortableRunner):
        hosts = _engine_hosts(options, runner)
        # a copy, as a runner notes in it what it takes by default
        environment = runner.default_environment(PipelineOptions(list(arguments)))
        _check_environment(environment, hosts, paths)


def runner_of(name: str) -> PipelineRunner:
    """The runner that `--runner` names.

    Raises:
      EmonetError: there is none of that name.
    """
    try:
        runner = create_runner(name)
    except (ValueError, TypeError, ImportError, AttributeError) as error:
        raise _no_such_runner(name) from error
    if not isinstance(runner, PipelineRunner):
        raise _no_such_runner(name)
    return runner


def _check_options(options: PipelineOptions, runner: PipelineRunner) -> None:
    """Refuses flags that Beam itself finds fault with."""
    validator = PipelineOptionsValidator(options, runner)
    if validator.is_service_runner():
        faults = _dataflow_faults(validator, options.view_as(GoogleCloudOptions))
    else:
        faults = validator.validate()
    if faults:
        raise EmonetError(f"options of Beam: {' '.join(faults)}")


def _engine_hosts(options: PipelineOptions, runner: PortableRunner) -> Sequence[str]:
    """The hosts that run workers, of an engine that is there and can take the job."""
    hosts: Sequence[str] = ["localhost"]
    endpoint = options.view_as(PortableOptions).job_endpoint
    if not endpoint and type(runner) is PortableRunner:
        raise EmonetError("--runner PortableRunner: give --job_endpoint HOST:PORT of a job service")
    if endpoint and endpoint != "embed":
        _check_job_service(endpoint)
        hosts = [endpoint.rpartition(":")[0]]
    if isinstance(runner, FlinkRunner):
        cluster = find_cluster(options.view_as(FlinkRunnerOptions))
        hosts = cluster.hosts if cluster else hosts
        if not endpoint:
            check_job_server(options, cluster)
    return hosts


def _check_environment(
    environment: Environment, hosts: Sequence[str], paths: Sequence[str]
) -> None:
    """Refuses workers that have no emonet, or could not read what is to be labelled."""
    if isinstance(environment, DockerEnvironment) and (
        environment.container_image == DockerEnvironment.default_docker_image()
    ):
        raise EmonetError(
            "workers would be of Beam's own image, which has no emonet: give --environment_type "
            "EXTERNAL --environment_config HOST:PORT of a worker pool, or DOCKER and your image"
        )
    if isinstance(environment, ExternalEnvironment):
        # what cannot be read here either is refused by the job, which labels the rest
        probed = [
            path
            for path in _probed_files(paths)
            if path.startswith("gs://") or file_size(path) is not None
        ]
        _check_pools(environment.url, hosts, probed)


def _no_such_runner(name: str) -> EmonetError:
    known = ", ".join(StandardOptions.KNOWN_RUNNER_NAMES)
    return EmonetError(f"--runner {name}: there is no such runner; Beam has {known}")


def _dataflow_faults(validator: PipelineOptionsValidator, google: GoogleCloudOptions) -> list[str]:
    """What Beam finds, which without a bucket would go on to make one and here asks after it."""
    if all(validator.validate_gcs_path(google, name) for name in BUCKETS):
        raise EmonetError(
            f"--temp_location {google.temp_location or 'is not given'}: Dataflow needs "
            "gs://BUCKET/PATH, where the job and its temporary files go"
        )
    # for credentials, then for each bucket
    return timeouts.within(
        "Google Cloud Storage, asked after --temp_location", validator.validate, answers=3
    )


def _check_job_service(endpoint: str) -> None:
    with grpc.insecure_channel(endpoint) as channel:
        stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
        request = beam_job_api_pb2.DescribePipelineOptionsRequest()
        try:
            stub.DescribePipelineOptions(request, timeout=timeouts.SECONDS)
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


def _probed_files(paths: Sequence[str]) -> list[str]:
    """Files, spread evenly over all; of those in buckets the first alone, as each costs a call."""
    here = [path for path in paths if not path.startswith("gs://")]
    there = [path for path in paths if path.startswith("gs://")]
    return here[:: -(-len(here) // PROBED_FILES) or 1] + there[:1]


def _pool_fault(address: str, paths: Sequence[str], ours: Mapping[str, str]) -> str | None:
    where = f"worker pool {address}"
    try:
        described = _describe(address, paths)
    except grpc.RpcError as error:
        return f"{where}: {_silence(error.code(), address)}"
    theirs = described["versions"]
    differing = [
        f"{name} {theirs.get(name)} there and {version} here"
        for name, version in sorted(ours.items())
        if theirs.get(name) != version
    ]
    if differing:
        return f"{where}: its workers are not of what runs here: {', '.join(differing)}"
    if described["unread"]:
        return (
            f"{where}: cannot read {described['unread'][0]}; give it by a full path that all "
            "workers share, or as gs://"
        )
    return None


def _describe(address: str, paths: Sequence[str]) -> dict[str, Any]:
    with grpc.insecure_channel(address) as channel:
        describe = channel.unary_unary(f"/{SERVICE}/{DESCRIBE}")
        answer = describe(json.dumps(list(paths)).encode(), timeout=timeouts.SECONDS)
        return json.loads(answer)  # type: ignore[no-any-return]


def _silence(code: grpc.StatusCode, address: str) -> str:
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return (
            "does not say what it is made of; start it by "
            "`python -m beam_pipeline.engines.worker_pool` with the Python that is to run the job"
        )
    hint = "" if address.rpartition(":")[0] in LOOPBACK else "; it listens where its --host says"
    return f"nothing answers there ({code.name}){hint}"
