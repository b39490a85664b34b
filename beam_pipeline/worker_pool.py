"""A pool of workers for engines that ask for workers over the network.

    python -m beam_pipeline.worker_pool --service_port 50000

It is Beam's pool with two things added. Beam's starts whatever `python` comes first on its PATH,
and a job whose workers are of another Python waits for ever; this one starts workers of the Python
it runs in. And it tells what it is, so that a job can be refused before it is submitted.

Like Beam's it runs what anyone who reaches its port asks for: let nobody but the engine reach it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer

from beam_pipeline.corpus.paths import file_size
from beam_pipeline.records import EmonetError

SERVICE, DESCRIBE = "emonet.WorkerPool", "Describe"
"""A call beside Beam's own on the same port. Takes the paths of some files as JSON, gives what
`description` says of them as JSON."""

PACKAGES = ("apache-beam", "numpy", "pyarrow", "torch", "transformers")
"""What must be equal: what a job is sent as is read by the same code, and the last bit of a
probability depends on all of them."""


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
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for package in ("beam_pipeline", "model"):
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def use_this_python() -> None:
    """Makes `python` mean the one that runs this, for all processes that are started from here.

    Raises:
      EmonetError: there is no `python` beside it.
    """
    folder = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])
    found = shutil.which("python")
    if found is None or str(Path(found).parent) != folder:
        raise EmonetError(
            f"{folder} has no `python`, by which Beam starts its workers; run the pool from a "
            "virtual environment"
        )


def serve(port: int) -> tuple[int, grpc.Server]:
    """Starts a pool.

    Args:
      port: 0 for any that is free.

    Returns:
      The port it listens on, and the server, which is stopped with its last reference.
    """

    def describe(request: bytes, context: grpc.ServicerContext) -> bytes:
        return json.dumps(description(json.loads(request))).encode()

    address, server = BeamFnExternalWorkerPoolServicer.start(use_process=True, port=port)
    methods = {DESCRIBE: grpc.unary_unary_rpc_method_handler(describe)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, methods)])
    return int(address.rpartition(":")[2]), server


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m beam_pipeline.worker_pool")
    parser.add_argument("--service_port", type=int, required=True, help="where it listens")
    flags = parser.parse_args(arguments)
    try:
        use_this_python()
        port, server = serve(flags.service_port)
    except (EmonetError, RuntimeError) as error:
        print(f"worker pool: {error}", file=sys.stderr)
        return 1
    # workers go with their pool: Beam ends them as the interpreter exits
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"worker pool: listens on port {port}, for workers of {sys.executable}", flush=True)
    server.wait_for_termination()
    return 0


if __name__ == "__main__":
    sys.exit(main())
