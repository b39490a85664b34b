"""Pools of workers: whose Python, whose worker. Processes and sockets are real, of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apache_beam as beam
import grpc
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc, endpoints_pb2
from apache_beam.testing.util import assert_that, equal_to
from worker_pools import on_a_pool, pool_process

from beam_pipeline.engines import worker_pool

WITHIN_S = 180
"""Far longer than a worker takes to start or to end on a busy machine."""


@pytest.fixture
def pool() -> Iterator[int]:
    """The port of a pool in this process."""
    port, server, workers = worker_pool.serve("localhost", 0)
    yield port
    server.stop(None)
    workers.end()


class EngineOfOneWorker(beam_fn_api_pb2_grpc.BeamFnControlServicer):  # type: ignore[misc]
    """What an engine is to its worker: a stream of work, on which nothing is ever asked."""

    def __init__(self) -> None:
        self.connected, self.lost, self.over = (threading.Event() for _ in range(3))

    def Control(self, answers: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        context.add_callback(self.lost.set)
        self.connected.set()
        self.over.wait()
        yield from ()

    @contextlib.contextmanager
    def asking(self, pool: int) -> Iterator[beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub]:
        """Asks a pool for the worker `1-1` and waits until it has come."""
        server = grpc.server(ThreadPoolExecutor(2))
        beam_fn_api_pb2_grpc.add_BeamFnControlServicer_to_server(self, server)
        control = endpoints_pb2.ApiServiceDescriptor(
            url=f"localhost:{server.add_insecure_port('localhost:0')}"
        )
        server.start()
        # engines that live in processes of their own have connections of their own
        alone = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(f"localhost:{pool}", options=alone) as channel:
            stub = beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(channel)
            stub.StartWorker(
                beam_fn_api_pb2.StartWorkerRequest(worker_id="1-1", control_endpoint=control)
            )
            assert self.connected.wait(WITHIN_S)
            yield stub
        self.over.set()
        server.stop(None)


STOP = beam_fn_api_pb2.StopWorkerRequest(worker_id="1-1")


def test_an_engine_ends_its_own_worker_and_not_that_of_another_by_the_same_name(
    pool: int,
) -> None:
    one, other = EngineOfOneWorker(), EngineOfOneWorker()
    with one.asking(pool) as ask_one, other.asking(pool) as ask_other:
        ask_one.StopWorker(STOP)
        assert one.lost.wait(WITHIN_S)
        assert not other.lost.is_set()
        ask_other.StopWorker(STOP)
        assert other.lost.wait(WITHIN_S)


def test_a_worker_whose_engine_has_no_more_work_ends_by_itself(tmp_path: Path) -> None:
    engine = EngineOfOneWorker()
    port, server, workers = worker_pool.serve("localhost", 0)
    with engine.asking(port):
        (process,) = workers._running.values()
        engine.over.set()
        assert process.wait(WITHIN_S) == 0
    server.stop(None)


def test_workers_end_with_their_pool(tmp_path: Path) -> None:
    engine = EngineOfOneWorker()
    with contextlib.ExitStack() as asking:
        with pool_process(dict(os.environ), cwd=tmp_path) as port:
            asking.enter_context(engine.asking(port))
        assert engine.lost.wait(WITHIN_S)


def test_workers_are_of_the_python_of_their_pool_whatever_comes_first_on_the_path(
    tmp_path: Path,
) -> None:
    wrong = tmp_path / "python"
    wrong.write_text("#!/bin/sh\nexit 1\n")
    wrong.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    with pool_process({**os.environ, "PATH": path}, cwd=tmp_path) as port:
        options = PipelineOptions(list(on_a_pool(f"localhost:{port}")))
        with beam.Pipeline(options=options) as job:
            ran = job | beam.Create([1]) | beam.Map(lambda _: sys.executable)
            assert_that(ran, equal_to([sys.executable]))


def test_a_port_that_is_taken_is_told(pool: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert worker_pool.main(["--service_port", str(pool)]) == 1
    assert capsys.readouterr().err.startswith("worker pool: ")


def test_a_description_crosses_the_network_as_it_is(pool: int) -> None:
    with grpc.insecure_channel(f"localhost:{pool}") as channel:
        describe = channel.unary_unary(f"/{worker_pool.SERVICE}/{worker_pool.DESCRIBE}")
        described = json.loads(describe(json.dumps(["/no/file", __file__]).encode(), timeout=30))
    assert described == worker_pool.description(["/no/file", __file__])
    assert described["unread"] == ["/no/file"]
