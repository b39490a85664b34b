"""Real pools of workers, and the flags that lead to one."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def pool_process(environment: dict[str, str], cwd: Path) -> Iterator[int]:
    """The port of a pool in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "beam_pipeline.engines.worker_pool", "--service_port", "0"],
        env={**environment, "PYTHONPATH": str(ROOT)},
        cwd=cwd,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline().split("port ")[1].split(",")[0])
        finally:
            process.terminate()


def on_a_pool(address: str) -> tuple[str, ...]:
    """Flags that lead to a pool, with a job service in this process."""
    flags = ("--environment_type=EXTERNAL", f"--environment_config={address}")
    return ("--runner=PortableRunner", "--job_endpoint=embed", *flags)
