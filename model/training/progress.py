"""How a training goes, step by step and epoch by epoch, for whoever wants to know."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Epoch:
    """What one epoch gave: mean loss of a step, and weighted F1 on dev in percent."""

    number: int
    loss: float
    dev: float


class Progress:
    """What a training reports; here to nobody."""

    def begin(self, step: str) -> None:
        """A step of the recipe begins."""

    def resumed(self, number: int | None) -> None:
        """A run goes on with the epoch of this number; None if none is left."""

    def advance(self, done: int, total: int) -> None:
        """So many optimizer steps of all are done."""

    def finished(self, epoch: Epoch) -> None:
        """An epoch is done, now or before the run was interrupted."""


SILENT = Progress()
