"""The same corpora on every engine that runs on one machine: the same bytes, and how fast.

python benchmarks/engines.py "demo/Tolsay Ferry" emotion-detection-trn.json

Seconds are those of `emonet label` from its start to the commit, with the start of the workers.
Exits with 1 if any file of any engine differs from those of the first.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apache_beam
import torch
from services import Engine, hosts, job_service, prism, prism_program

from beam_pipeline.output.manifest import Manifest, read_manifest, written_bytes
from beam_pipeline.storage import storage_of

NIGHT = "0"
LIMIT_S = 1800.0
"""A run that takes longer hangs."""

Started = contextlib.AbstractContextManager[Engine]


@contextlib.contextmanager
def in_process(workers: int) -> Iterator[Engine]:
    """The engine of `emonet label` itself."""
    yield Engine((f"--direct_num_workers={workers}",))


@contextlib.contextmanager
def prism_on_two_hosts(logs: Path) -> Iterator[Engine]:
    """Prism here, its workers elsewhere; the encode stage asks for workers of its own."""
    program = prism_program()
    if program is None:
        raise SystemExit("no prism next to this Python or on PATH; `make engines` builds it")
    with hosts(2) as places:
        if not any(host.is_apart for host in places):
            print("no right to make network namespaces here: Prism's two pools are on loopback")
        with prism(logs, program, places) as engine:
            yield engine


def label(corpus: str, output: str, engine: Engine) -> tuple[Manifest, float]:
    """Labels a corpus; its manifest, and the seconds it took."""
    command = [sys.executable, "-P", "-m", "emonet", "label", corpus, "--output", output]
    begun = time.monotonic()
    subprocess.run(
        [*command, "--night", NIGHT, "--corpus", "engines", *engine.flags],
        stdout=subprocess.DEVNULL,
        timeout=LIMIT_S,
        check=True,
    )
    seconds = time.monotonic() - begun
    held = read_manifest(storage_of(output), NIGHT)
    assert held is not None
    return held[0], seconds


def main(*corpora: str) -> None:
    """Runs all corpora on all engines and prints a table."""
    print(
        f"{platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} cores; "
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"Beam {apache_beam.__version__}"
    )
    found = [corpus for corpus in corpora if Path(corpus).exists()]
    for corpus in set(corpora) - set(found):
        print(f"{corpus}: is not there, and left out")
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder)
        engines: dict[str, Callable[[], Started]] = {
            "in process, 1 worker": lambda: in_process(1),
            "in process, 2 workers": lambda: in_process(2),
            "job service, 1 process": lambda: job_service(logs, 1),
            "job service, 2 processes": lambda: job_service(logs, 2),
            "Prism, pools on 2 hosts": lambda: prism_on_two_hosts(logs),
        }
        first: dict[str, object] = {}
        differing = 0
        for name, start in engines.items():
            with start() as engine:
                for number, corpus in enumerate(found):
                    output = f"{folder}/{name}/{number}"
                    manifest, seconds = label(corpus, output, engine)
                    wrote = written_bytes(storage_of(output), manifest)
                    same = wrote == first.setdefault(corpus, wrote)
                    differing += not same
                    utterances = manifest["counts"]["utterances"]
                    print(
                        f"{name:26} {Path(corpus).name:28} {utterances:>7,} {seconds:7.1f} s "
                        f"{utterances / seconds:6.0f}/s  "
                        f"{'the same bytes' if same else 'OTHER BYTES'}",
                        flush=True,
                    )
    if differing:
        raise SystemExit(f"{differing} runs wrote other bytes than the first engine")


if __name__ == "__main__":
    # so that no service or network is left behind
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main(*sys.argv[1:])
