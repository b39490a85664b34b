"""Peak memory and time an utterance of `emonet label`, by the number of utterances.

    python benchmarks/scale.py 7000 30000 120000

The corpus is made up: episodes of 15 utterances, a file each, twenty a show. The encoder is a small
random one of width 384, so that what is measured is the job and not the model; the shipped one
takes some 300 MiB more. The peak is that of all processes together.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import small_models
from label import resident

from beam_pipeline.output.manifest import read_manifests
from model.checkpoint import save_checkpoint

TURNS = 15
EPISODES = 20
CAST = [f"Person {letter}" for letter in "ABCDEFGH"]


def write_corpus(folder: Path, utterances: int) -> None:
    """Writes episodes, each with three of its show's cast and a nameless speaker."""
    random = np.random.default_rng(utterances)
    for number in range(utterances // TURNS):
        show, episode = f"Show {number // EPISODES:05d}", number % EPISODES + 1
        cast = [*random.choice(CAST, 3, replace=False), None]
        rows = [
            {
                "show": show,
                "season": 1,
                "episode": episode,
                "speaker": cast[random.integers(len(cast))],
                "text": " ".join(random.choice(small_models.WORDS, random.integers(3, 15))),
            }
            for _ in range(TURNS)
        ]
        path = folder / show / f"{episode:02d}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def checkpoint(folder: Path) -> Path:
    """A model over a small random encoder of the width of the shipped one."""
    small_models._SIZE["hidden_size"] = 384
    reference = small_models.save_encoder("bert", folder / "encoder")
    save_checkpoint(folder / "checkpoint", small_models.untrained(reference, history=10), {})
    return folder / "checkpoint"


def measure(utterances: int, model: Path) -> str:
    """Labels so many utterances, and gives a row of the table."""
    with tempfile.TemporaryDirectory(dir=model.parent) as folder:
        write_corpus(Path(folder, "in"), utterances)
        command = [sys.executable, "-P", "-m", "emonet", "label", f"{folder}/in", "--any-language"]
        flags = ["--output", f"{folder}/out", "--checkpoint", str(model)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun, peak = time.monotonic(), 0.0
        job = subprocess.Popen([*command, *flags], stdout=subprocess.DEVNULL)
        while job.poll() is None:
            peak = max(peak, resident(job.pid))
            time.sleep(0.2)
        if job.returncode:
            raise SystemExit(f"emonet label ended with status {job.returncode}")
        seconds = time.monotonic() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        counts = read_manifests(f"{folder}/out")["0"]["counts"]
        assert counts["utterances"] == utterances // TURNS * TURNS
    return (
        f"{utterances:>9,}  {peak:5.2f} GiB  {seconds:7.0f} s  "
        f"{1000 * used / utterances:6.2f} ms of a core an utterance"
    )


def main(*sizes: str) -> None:
    """Measures each size in processes of its own."""
    print(f"{len(os.sched_getaffinity(0))} cores")
    with tempfile.TemporaryDirectory() as folder:
        model = checkpoint(Path(folder))
        for size in sizes:
            print(measure(int(size), model), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
