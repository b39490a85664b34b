"""The log of a training: losses, learning rates and scores, for whoever plots or compares them.

CHECKPOINT/training.jsonl has two kinds of lines:

    {"training": "context", "step": 20, "loss": 1.71, "encoder_lr": 7e-05, "head_lr": 0.0005}
    {"training": "context", "epoch": 1, "loss": 1.7, "dev_weighted_f1": 36, "dev_f1": {"Mad": 38}}

Where the package `tensorboard` is installed, CHECKPOINT/tensorboard has the same numbers.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.training.progress import Epoch, Progress

LOG, TENSORBOARD = "training.jsonl", "tensorboard"

_EVERY = 10
"""Steps of a line, whose loss is their mean."""


class TrainingLog(Progress):
    """Writes the log, and hands everything on to another progress."""

    def __init__(self, folder: Path, progress: Progress):
        """Adds to the log that an interrupted training has left.

        Args:
          folder: of the checkpoint; it exists when the first step begins.
          progress: receives everything as well.
        """
        self.folder, self.progress = folder, progress
        self.training = ""
        self.losses: list[float] = []
        path = folder / LOG
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        entries = [json.loads(line) for line in lines if line.endswith("}")]  # the last may be half
        self.known = {(one["training"], one["epoch"]) for one in entries if "epoch" in one}

    def begin(self, step: str) -> None:
        """See `Progress`."""
        self.training, self.losses = step, []
        self.progress.begin(step)

    def resumed(self, number: int | None) -> None:
        """See `Progress`."""
        self.progress.resumed(number)

    def advance(self, done: int, total: int) -> None:
        """See `Progress`."""
        self.progress.advance(done, total)

    def stepped(self, number: int, loss: float, learning_rates: Mapping[str, float]) -> None:
        """Writes a line every few steps."""
        self.losses.append(loss)
        if number % _EVERY == 0:
            mean = sum(self.losses) / len(self.losses)
            self._write({"step": number, "loss": mean, **learning_rates})
            self.losses = []
        self.progress.stepped(number, loss, learning_rates)

    def finished(self, epoch: Epoch) -> None:
        """Writes a line an epoch, once."""
        if self.training and (self.training, epoch.number) not in self.known:
            scores = {"dev_weighted_f1": epoch.dev, "dev_f1": dict(epoch.dev_f1)}
            self._write({"epoch": epoch.number, "loss": epoch.loss, **scores})
        self.progress.finished(epoch)

    def _write(self, entry: Mapping[str, Any]) -> None:
        line = json.dumps({"training": self.training, **entry}, ensure_ascii=False)
        with (self.folder / LOG).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        if self._tensorboard:
            kind = "epoch" if "epoch" in entry else "step"
            numbers = {**entry, **entry.get("dev_f1", {})}
            for name, value in numbers.items():
                if name not in (kind, "dev_f1"):
                    self._tensorboard.add_scalar(
                        f"{self.training}/{kind}/{name}", value, entry[kind]
                    )
            self._tensorboard.flush()

    @functools.cached_property
    def _tensorboard(self) -> Any:
        """What writes TensorBoard's files; None where it is not installed."""
        if not importlib.util.find_spec("tensorboard"):
            return None
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self.folder / TENSORBOARD))
