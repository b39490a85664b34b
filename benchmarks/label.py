"""The job against a bare loop over the same texts: wall time, rate, peak memory and their ratio.

The bare loop is what no job can beat: the same model, threads and episodes in one process, no
Beam, no files, no start-up counted. The job is the whole command, from start to commit.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apache_beam
import numpy as np
import torch

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.transcripts import read_transcripts
from model.checkpoint import PRETRAINED, load_model, open_checkpoint
from model.dataset import Transcript, group_turns
from model.network.emonet import READ_AT_ONCE, EmoNet, Encoding, histories


def bare_loop(model: EmoNet, transcripts: Sequence[Transcript], threads: int) -> float:
    """Seconds to label everything with `threads` threads, each at episodes of its own."""

    def encode(group: Sequence[Transcript]) -> list[Encoding]:
        torch.set_num_threads(1)
        return model.encode_all(group)

    begun = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        groups = pool.map(encode, group_turns(transcripts, len, READ_AT_ONCE))
        embeddings = np.concatenate([one.embeddings for group in groups for one in group])
    windows = histories(transcripts, model.settings.history)
    model.speaker_logits(embeddings, windows)
    return time.monotonic() - begun


def whole_job(data: str, output: str) -> tuple[float, float]:
    """Seconds of `emonet label`, and the peak of the memory of all its processes in GiB."""
    command = [sys.executable, "-P", "-m", "emonet", "label", data, "--output", output]
    begun = time.monotonic()
    job = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak, ended = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.2):
            peak = max(peak, resident(job.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = job.wait()
    seconds = time.monotonic() - begun
    ended.set()
    watcher.join()
    if status:
        raise SystemExit(f"emonet label ended with status {status}")
    return seconds, peak


def resident(root: int) -> float:
    """GiB of a process and all its descendants."""
    parents, pages = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(folder.name)], pages[int(folder.name)] = int(fields[1]), int(fields[21])
    family = {root}
    for process in sorted(parents):
        if parents[process] in family:
            family.add(process)
    return sum(pages.get(process, 0) for process in family) * os.sysconf("SC_PAGE_SIZE") / 2**30


def main(data: str) -> None:
    """Measures both sides and prints them."""
    threads = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as output:
        seconds, peak = whole_job(data, output)
    transcripts = read_transcripts([data], ReadOptions(corpus="benchmark"))
    utterances = sum(map(len, transcripts))
    torch.set_num_threads(1)
    model = load_model(open_checkpoint(PRETRAINED)).for_inference()
    bare = bare_loop(model, transcripts, threads)
    print(f"{platform.processor() or platform.machine()}, {threads} threads, {model.precision}")
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"Beam {apache_beam.__version__}"
    )
    print(f"{len(transcripts)} episodes, {utterances:,} utterances")
    print(f"job        {seconds:7.1f} s  {utterances / seconds:6.0f} utterances/s  {peak:.2f} GiB")
    print(f"bare loop  {bare:7.1f} s  {utterances / bare:6.0f} utterances/s")
    print(f"ratio      {bare / seconds:.3f}")


if __name__ == "__main__":
    main(sys.argv[1])
