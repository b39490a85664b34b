"""How a training goes, step by step and epoch by epoch, for whoever wants to know."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Epoch:
    """What one epoch gave.

    Attributes:
      number: from 1 on.
      loss: mean loss of a step.
      dev: weighted F1 on dev, in percent.
      dev_f1: F1 on dev of each class, in percent; empty in checkpoints of before.
    """

    number: int
    loss: float
    dev: float
    dev_f1: Mapping[str, float] = dataclasses.field(default_factory=dict)


class Progress:
    """What a training reports; here to nobody."""

    def begin(self, step: str) -> None:
        """A step of the recipe begins."""

    def resumed(self, number: int | None) -> None:
        """A run goes on with the epoch of this number; None if none is left."""

    def advance(self, done: int, total: int) -> None:
        """So many optimizer steps of all are done."""

    def stepped(self, number: int, loss: float, learning_rates: Mapping[str, float]) -> None:
        """An optimizer step is done: its number, the loss of its batch, and the learning rates."""

    def finished(self, epoch: Epoch) -> None:
        """An epoch is done, now or before the run was interrupted."""


SILENT = Progress()
