"""The score of CoMPM, trained as EmoNet is on the same data: weighted F1 by epoch and seed.

    python benchmarks/compm_score.py TRAIN --dev DEV --seeds 0 1 2 --output FOLDER

Settings are EmoNet's defaults; an interrupted training goes on with the same command.

Writes `seed-0.npz` and so on: `logits` (utterances, classes) of dev in the best epoch, `gold` (-1
for none), `labels`, the `episodes` of the utterances, and `dev`, the score of each epoch.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.transcripts import read_transcripts
from model.baselines.compm_training import train_compm
from model.dataset import Data, gold_indices, label_set
from model.encoders.references import DEFAULT_ENCODER, reference_to
from model.network.settings import Settings, TrainingSettings
from model.training.progress import Epoch, Progress


class Lines(Progress):
    """Prints a line an epoch."""

    def __init__(self, seed: int):
        self.seed, self.begun = seed, time.monotonic()

    def finished(self, epoch: Epoch) -> None:
        """Prints the seconds since the training was begun, or went on."""
        seconds = time.monotonic() - self.begun
        line = f"{self.seed:>4} {epoch.number:>5} {epoch.loss:7.4f} {epoch.dev:6.2f}"
        print(f"{line} {seconds:8.0f}", flush=True)


def main() -> None:
    """Trains a model a seed."""
    parser = argparse.ArgumentParser(description="The score of CoMPM")
    parser.add_argument("data", help="what it learns from")
    parser.add_argument("--dev", required=True, help="what it is chosen and scored on")
    parser.add_argument("--output", required=True, type=Path, help="folder of the logits")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=TrainingSettings.epochs)
    parser.add_argument("--episodes", type=int, help="learn from the first ones alone")
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    options = ReadOptions(corpus="benchmark")
    data = read_transcripts([flags.data], options)[: flags.episodes]
    dev = read_transcripts([flags.dev], options)
    labels = label_set(data)
    print(f"{sum(map(len, data)):,} utterances to learn from, {sum(map(len, dev)):,} of dev")
    print("seed epoch    loss     F1  seconds")
    for seed in flags.seeds:
        trained = train_compm(
            Data(data, dev),
            Settings(labels),
            TrainingSettings(seed=seed, epochs=flags.epochs),
            reference_to(flags.encoder),
            flags.output,
            Lines(seed),
        )
        np.savez(
            flags.output / f"seed-{seed}.npz",
            logits=trained.logits,
            gold=gold_indices(dev, labels),
            labels=labels,
            episodes=[t.episode for t in dev for _ in t.texts],
            dev=[epoch.dev for epoch in trained.epochs],
        )


if __name__ == "__main__":
    main()
