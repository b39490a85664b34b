"""Who can reach a job, a pool and an engine: real processes, and the kernel's tables of sockets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from made_up_corpora import write_season
from services import Host, free_port, job_service, pool, service
from sockets import Socket, Watch, listening
from worker_pools import on_a_pool

from beam_pipeline.engines import listening as ours
from beam_pipeline.output.manifest import read_manifests
from emonet.cli.options import beam_options
from model.checkpoint import Checkpoint

LOOKS = 20
"""Far fewer than there are in the seconds that the smallest job takes."""


def test_a_job_in_one_process_listens_nowhere(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    corpus, output = write_season(tmp_path / "quay", range(1, 9)), str(tmp_path / "out")
    command = [sys.executable, "-P", "-m", "emonet", "label", str(corpus)]
    flags = ["--checkpoint", str(tiny_checkpoint.folder), "--direct_num_workers=3"]
    with (
        subprocess.Popen([*command, "--output", output, *flags], stdout=subprocess.DEVNULL) as job,
        Watch(job.pid) as watch,
    ):
        assert job.wait() == 0
    assert watch.looks > LOOKS
    assert read_manifests(output)["0"]["counts"]["episodes"] == 8
    assert watch.seen == set()


def reached(flags: Sequence[str]) -> set[int]:
    """The ports of this process and its children while a job runs, all of this machine alone."""
    with (
        Watch(os.getpid()) as watch,
        beam.Pipeline(options=PipelineOptions(beam_options(flags))) as job,
    ):
        ran = job | beam.Create([1, 2]) | beam.Map(lambda one: one + 1)
        assert_that(ran, equal_to([2, 3]))
    assert not [one for one in watch.seen if one.is_reached_from_elsewhere]
    return {one.port for one in watch.seen}


BY_BEAMS_FLAGS = {
    "threads": ["--direct_running_mode=multi_threading"],
    "processes": ["--direct_running_mode=multi_processing"],
    "loopback": ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"],
}


@pytest.mark.parametrize("flags", BY_BEAMS_FLAGS.values(), ids=BY_BEAMS_FLAGS.keys())
def test_what_beams_own_flags_ask_for_listens_on_this_machine_alone(flags: Sequence[str]) -> None:
    # control, data, state and log
    assert len(reached(["--direct_num_workers=2", *flags])) >= 4


def test_a_pool_and_the_job_that_uses_it_listen_on_this_machine_alone(tmp_path: Path) -> None:
    with pool(tmp_path / "log", Host()) as (address, _):
        ports = reached(on_a_pool(address))
    assert int(address.rpartition(":")[2]) in ports
    assert len(ports) >= 5


def test_an_engine_listens_on_this_machine_alone_while_it_runs_a_job(tmp_path: Path) -> None:
    with job_service(tmp_path, 2) as engine:
        # of the engine: jobs with their files, control, data, state, log; and the pool
        assert len(reached(engine.flags)) >= 6


@pytest.mark.parametrize(
    ("module", "flag"),
    [
        ("beam_pipeline.engines.worker_pool", "--service_port"),
        ("beam_pipeline.engines.in_process", "--port"),
    ],
)
def test_who_listens_elsewhere_says_so(tmp_path: Path, module: str, flag: str) -> None:
    port, log = free_port(), tmp_path / "log"
    # every address of 127.0.0.0/8 is this machine's; one of a network would be there for others
    command = [sys.executable, "-P", "-m", module, f"{flag}={port}", "--host=127.0.0.9"]
    with service(command, log, port, "127.0.0.9") as process:
        hosts = {one.host for one in listening(process.pid) if one.port == port}
    assert hosts == {"127.0.0.9"}
    assert "warning: whoever reaches 127.0.0.9 can run what they like as this user" in (
        log.read_text()
    )


def test_nobody_is_warned_of_what_stays_on_this_machine(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for host in ours.LOOPBACK:
        ours.warn_of("pool", host)
    assert capsys.readouterr().err == ""
    ours.warn_of("pool", "[::]")
    assert capsys.readouterr().err.startswith("pool: warning: whoever reaches ")


def test_the_watch_sees_what_others_can_reach() -> None:
    # datagrams, which nobody takes up
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wide:
        wide.bind(("", 0))
        (found,) = [one for one in listening(os.getpid()) if one.port == wide.getsockname()[1]]
    assert found == Socket("udp", "0.0.0.0", found.port)
    assert found.is_reached_from_elsewhere
