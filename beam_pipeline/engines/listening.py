"""Where what must listen listens: on this machine alone, unless somebody says otherwise.

Beam's servers ask for `[::]`, every network there is, and take orders from whoever reaches them. A
process that imports this module has them on this machine alone.
"""

from __future__ import annotations

import argparse
import socket
import sys
from typing import Any

import grpc
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker import worker_pool_main

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_EVERYWHERE = ("0.0.0.0", "[::]")


class _Grpc:
    """The module `grpc` as Beam's servers see it: who asks for `[::]` is given `host`."""

    def __init__(self, host: str):
        self.host = host

    def __getattr__(self, name: str) -> Any:
        return getattr(grpc, name)

    def server(self, *arguments: Any, **settings: Any) -> grpc.Server:
        server = grpc.server(*arguments, **settings)
        add = server.add_insecure_port
        server.add_insecure_port = lambda address: add(address.replace("[::]", self.host, 1))
        return server


def listen_on(host: str) -> None:
    """Lets all servers of Beam's that this process starts from now on listen on `host`."""
    for module in (worker_handlers, local_job_service, worker_pool_main):
        module.grpc = _Grpc(host)


listen_on(LOOPBACK[0])


def seen_from_elsewhere(host: str) -> str:
    """What others reach a server by that listens on `host`."""
    return socket.getfqdn() if host in _EVERYWHERE else host


def add_host(parser: argparse.ArgumentParser) -> None:
    """Adds the flag `--host`."""
    parser.add_argument(
        "--host",
        default=LOOPBACK[0],
        help="where it listens: an address of this machine, [::] for all (default: %(default)s)",
    )


def warn_of(program: str, host: str) -> None:
    """Tells who can reach a server, if it is more than this machine."""
    if host not in LOOPBACK:
        print(
            f"{program}: warning: whoever reaches {seen_from_elsewhere(host)} can run what they "
            "like as this user; let nobody but the engine and its workers",
            file=sys.stderr,
        )
