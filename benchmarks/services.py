"""Engines and worker pools of this machine, started and stopped within bounded times."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

START_S = 180.0
"""How long a service may take until it listens; far more than a busy machine with cold discs."""

STOP_S = 10.0
"""How long a service may take to end before it is killed."""

PORTS = range(20_000, 32_000)
"""Below the ports that Linux gives to connections outwards."""

FORWARD = str(Path(__file__).with_name("forward.py"))


@dataclasses.dataclass(frozen=True)
class Host:
    """A place for workers with a network of its own, or this machine.

    Attributes:
      address: of it, as seen from here.
      gateway: of this machine, as seen from it.
      enter: what runs a command there.
    """

    address: str = "127.0.0.1"
    gateway: str = "127.0.0.1"
    enter: tuple[str, ...] = ()

    @property
    def is_apart(self) -> bool:
        """Whether it has a network of its own."""
        return bool(self.enter)


@dataclasses.dataclass(frozen=True)
class Engine:
    """An engine that takes jobs.

    Attributes:
      flags: of `emonet label`, to submit one.
      pools: the processes that start workers, which are their children.
    """

    flags: tuple[str, ...]
    pools: tuple[int, ...] = ()

    def workers(self) -> list[int]:
        """The processes that work now."""
        return [worker for pool in self.pools for worker in children(pool)]


@contextlib.contextmanager
def job_service(logs: Path, workers: int) -> Iterator[Engine]:
    """Beam's portable job service, and a pool of worker processes."""
    port = free_port()
    with (
        pool(logs / "pool.log", Host()) as (address, process),
        service(
            [sys.executable, "-P", "-m", "beam_pipeline.engines.in_process", "--port", str(port)],
            logs / "job-service.log",
            port,
        ),
    ):
        flags = (*_submitted(port, address), f"--direct_num_workers={workers}")
        yield Engine(flags, (process,))


@contextlib.contextmanager
def prism(logs: Path, program: str, places: Sequence[Host]) -> Iterator[Engine]:
    """Prism, and a pool of workers on each host; each environment of a job goes to the next."""
    port = free_port()
    with contextlib.ExitStack() as running:
        start = running.enter_context
        start(service([program, f"--job_port={port}", "--serve_http=false"],
                      logs / "prism.log", port))  # fmt: skip
        pools = []
        for number, host in enumerate(places):
            if host.is_apart:
                # Prism tells all workers that it is at localhost
                relay = [sys.executable, FORWARD, str(port), f"{host.gateway}:{port}"]
                start(service([*host.enter, *relay], logs / f"relay-{number}.log"))
            pools.append(start(pool(logs / f"pool-{number}.log", host)))
        balancer = free_port()
        balanced = [sys.executable, FORWARD, str(balancer), *(address for address, _ in pools)]
        start(service(balanced, logs / "balancer.log", balancer))
        flags = _submitted(port, f"localhost:{balancer}")
        yield Engine(flags, tuple(process for _, process in pools))


def _submitted(port: int, pool_address: str) -> tuple[str, ...]:
    return (
        "--runner=PortableRunner",
        f"--job_endpoint=localhost:{port}",
        "--environment_type=EXTERNAL",
        f"--environment_config={pool_address}",
    )


@contextlib.contextmanager
def pool(log: Path, host: Host) -> Iterator[tuple[str, int]]:
    """A pool that starts a process for each worker that an engine asks for.

    Yields:
      Its address, as seen from here, and its process.
    """
    port = free_port()
    main = ["-P", "-m", "beam_pipeline.engines.worker_pool"]
    listens = [f"--service_port={port}", f"--host={host.address}"]
    command = [*host.enter, sys.executable, *main, *listens]
    with service(command, log, port, host.address) as process:
        yield f"{host.address}:{port}", process.pid


@contextlib.contextmanager
def service(
    command: Sequence[str], log: Path, port: int | None = None, address: str = "127.0.0.1"
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that listens, until the block ends; then all that it started is ended with it.

    Raises:
      RuntimeError: it ended by itself, or did not listen in time.
    """
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
    try:
        if port is not None:
            _wait_until_it_listens(process, command, log, address, port)
        yield process
    finally:
        _end(process)


def _wait_until_it_listens(
    process: subprocess.Popen[bytes], command: Sequence[str], log: Path, address: str, port: int
) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1):
            return
        time.sleep(0.05)
    tail = log.read_text(errors="replace")[-500:]
    raise RuntimeError(f"{' '.join(command)} does not listen at {address}:{port}: {tail}")


def _end(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)


def children(parent: int) -> list[int]:
    """The processes that a process started and that live."""
    # a child belongs to the thread that started it
    threads = Path(f"/proc/{parent}/task").glob("*/children")
    started = [int(child) for thread in threads for child in _read(thread).split()]
    return [child for child in started if _lives(child)]


def _read(file: Path) -> str:
    """What a file of /proc says; nothing if its process or thread has ended by now."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _lives(process: int) -> bool:
    fields = _read(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()
    return bool(fields) and fields[0] != "Z"


def free_port() -> int:
    """A port that nothing listens on now.

    It is none of those that a connection outwards is given (`ip_local_port_range`), so that it is
    free still when the service that it is meant for has started.
    """
    for port in random.sample(PORTS, len(PORTS)):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise RuntimeError(f"no port from {PORTS.start} to {PORTS.stop - 1} is free")


@contextlib.contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """Network namespaces, each joined to this machine by a cable (veth) of its own.

    Where the machine does not allow them, this machine as often as they were asked for.
    """
    with contextlib.ExitStack() as made:
        try:
            found = [made.enter_context(_namespace(number)) for number in range(count)]
        except (OSError, subprocess.CalledProcessError):
            found = [Host()] * count
        yield found


@contextlib.contextmanager
def _namespace(number: int) -> Iterator[Host]:
    name = f"emonet-{os.getpid()}-{number}"
    here, there = f"em{os.getpid() % 100000}h{number}", f"em{os.getpid() % 100000}w{number}"
    # of this process alone, as its names are
    network = f"10.{64 + os.getpid() % 128}.{number}"
    enter = ("ip", "netns", "exec", name)
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        _run("ip", "addr", "add", f"{network}.1/30", "dev", here)
        _run("ip", "link", "set", here, "up")
        _run(*enter, "ip", "addr", "add", f"{network}.2/30", "dev", there)
        _run(*enter, "ip", "link", "set", there, "up")
        _run(*enter, "ip", "link", "set", "lo", "up")
        yield Host(f"{network}.2", f"{network}.1", enter)
    finally:
        # the cable goes with it
        _run("ip", "netns", "delete", name)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def prism_program() -> str | None:
    """Where Prism is: next to this Python, where `make engines` puts it, or on PATH."""
    return shutil.which("prism", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
