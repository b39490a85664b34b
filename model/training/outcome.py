"""What a finished model says of dev."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model.network.settings import Calibration


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a model says of dev.

    Attributes:
      calibration: the numbers that its logits are calibrated with.
      labels: (utterances,) int64, the chosen class; of no meaning where there is no gold label.
      weighted_f1: in percent.
      log_loss: mean negative log likelihood of the gold labels, in nats.
      seconds: that training its context and utterance-only classifier took.
      scores: all of `Scores.as_json`; empty in results of before.
      priors: mean probability of each class, which is what the model expects of text like dev's;
        empty in results of before.
    """

    calibration: Calibration
    labels: np.ndarray
    weighted_f1: float
    log_loss: float
    seconds: float
    scores: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    priors: Sequence[float] = ()

    @property
    def of_dev(self) -> dict[str, Any]:
        """What a checkpoint records of it."""
        return {
            "dev_weighted_f1": self.weighted_f1,
            "dev_scores": dict(self.scores),
            "dev_priors": list(self.priors),
        }
