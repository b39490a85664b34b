"""A pool of workers for engines that ask for workers over the network.

    python -P -m beam_pipeline.engines.worker_pool --service_port 50000

It serves the protocol of Beam's own pool, and does three things otherwise. Workers are of the
Python it runs in, where Beam's starts whatever `python` comes first on its PATH, and a job whose
workers are of another Python waits for ever. A worker belongs to the connection that asked for it,
where Beam's tells workers apart by their names alone: the TaskManagers of a Flink number theirs
alike, and those that share a pool end one another's. And it tells what it is, so that a job can be
refused before it is submitted.

Like Beam's it runs what anyone who reaches its port asks for. So it listens on this machine alone,
unless it is given `--host`: then let nobody but the engine reach it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc

from beam_pipeline.corpus.paths import file_size
from beam_pipeline.engines.listening import add_host, warn_of

SERVICE, DESCRIBE = "emonet.WorkerPool", "Describe"
"""A call in addition to Beam's own on the same port. Takes the paths of some files as JSON, and
gives `description` of them as JSON."""

PACKAGES = ("apache-beam", "numpy", "pyarrow", "torch", "transformers")
"""What must be equal: what a job is sent as is read by the same code, and the last bit of a
probability depends on all of them."""

_WORK = """\
import sys
from apache_beam.runners.worker.sdk_worker import SdkHarness
control, name = sys.argv[1:]
# without the timed flush of its buffers, which loses elements
SdkHarness(control, worker_id=name, state_cache_size=0, data_buffer_time_limit_ms=-1).run()
"""

_OPTIONS = [
    # engines may ask whether the connection is there as often as they like, as in Beam's pool
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.max_ping_strikes", 0),
    # else a second pool on the port would take its part of the calls, without a word
    ("grpc.so_reuseport", 0),
]

_STOP_S = 10.0
"""How long a worker that is told to end may take before it is killed, as in Beam's pool."""


def description(paths: Sequence[str]) -> dict[str, Any]:
    """What workers started here are made of, and what they can read.

    Args:
      paths: of some files.

    Returns:
      `versions` by name, that of `emonet` being a hash of its code; `unread`, those of the paths
      that cannot be read from here.
    """
    versions = {name: version(name) for name in PACKAGES}
    versions["python"] = ".".join(map(str, sys.version_info[:2]))
    versions["emonet"] = _source()
    return {
        "versions": versions,
        "unread": [path for path in paths if file_size(path) is None],
    }


def _source() -> str:
    """12 hex digits over our own code, which changes more often than our version."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for package in ("beam_pipeline", "model"):
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


class Workers(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):  # type: ignore[misc]
    """Starts a process for each worker that an engine asks for, and ends it when that engine asks.

    A worker whose engine is gone, or asks over a new connection, ends by itself: its engine's
    stream of work has ended.
    """

    def __init__(self) -> None:
        self._running: dict[tuple[str, str], subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def StartWorker(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Starts the worker of a `StartWorkerRequest`; a `StartWorkerResponse`."""
        # what it prints must not mix with the line that tells the pool's port
        process = subprocess.Popen(
            # a model.py where the pool was started must not take the place of ours
            [sys.executable, "-P", "-c", _WORK, request.control_endpoint.url, request.worker_id],
            stdout=2,
        )
        with self._lock:
            self._running = {key: one for key, one in self._running.items() if one.poll() is None}
            self._running[context.peer(), request.worker_id] = process
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Ends the worker of a `StopWorkerRequest`; a `StopWorkerResponse`."""
        with self._lock:
            process = self._running.pop((context.peer(), request.worker_id), None)
        if process:
            _end([process])
        return beam_fn_api_pb2.StopWorkerResponse()

    def end(self) -> None:
        """Ends all workers."""
        with self._lock:
            _end(list(self._running.values()))


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def serve(host: str, port: int) -> tuple[int, grpc.Server, Workers]:
    """Starts a pool.

    Args:
      host: where it listens.
      port: 0 for any that is free.

    Returns:
      The port it listens on; the server, which is stopped with its last reference; and its workers.

    Raises:
      RuntimeError: the port is taken.
    """

    def describe(request: bytes, context: grpc.ServicerContext) -> bytes:
        return json.dumps(description(json.loads(request))).encode()

    server = grpc.server(ThreadPoolExecutor(), options=_OPTIONS)
    workers = Workers()
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(workers, server)
    methods = {DESCRIBE: grpc.unary_unary_rpc_method_handler(describe)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, methods)])
    bound = int(server.add_insecure_port(f"{host}:{port}"))
    server.start()
    return bound, server, workers


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m beam_pipeline.engines.worker_pool")
    parser.add_argument("--service_port", type=int, required=True, help="its port")
    add_host(parser)
    flags = parser.parse_args(arguments)
    warn_of("worker pool", flags.host)
    try:
        port, server, workers = serve(flags.host, flags.service_port)
    except RuntimeError as error:
        print(f"worker pool: {error}", file=sys.stderr)
        return 1
    # workers go with their pool
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"worker pool: listens on port {port}, for workers of {sys.executable}", flush=True)
    try:
        server.wait_for_termination()
    finally:
        workers.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
