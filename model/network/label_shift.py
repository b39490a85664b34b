"""A label shift: how often a corpus has each label, against what a model expects (label shift).

    logits' = (logits + log_prior_shift) / temperature

The logits are those of the checkpoint as it is, so a shift belongs to one checkpoint. Shift and
temperature are what Alexandari et al. 2020, "Maximum Likelihood with Bias-Corrected Calibration is
Hard-To-Beat at Label Shift Adaptation", call bias-corrected temperature scaling.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from model.errors import ModelError
from model.network.settings import Calibration

_VERSION = 1


@dataclasses.dataclass(frozen=True)
class LabelShift:
    """A fitted shift.

    Attributes:
      model_id: of the checkpoint.
      labels: its classes.
      log_prior_shift: added to the logits of each class, in nats.
      temperature: divisor of all logits after that.
    """

    model_id: str
    labels: tuple[str, ...]
    log_prior_shift: tuple[float, ...]
    temperature: float

    @property
    def sha256(self) -> str:
        """Hex digest of all that labels depend on."""
        content = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def shifted(self, logits: np.ndarray) -> np.ndarray:
        """Logits of the checkpoint, (utterances, classes), under this shift."""
        return np.asarray((logits + np.array(self.log_prior_shift)) / self.temperature)

    def undone(self, logits: np.ndarray) -> np.ndarray:
        """Logits of the checkpoint, of those under this shift; (utterances, classes) each."""
        return np.asarray(logits * self.temperature - np.array(self.log_prior_shift))

    def after(self, calibration: Calibration) -> Calibration:
        """The numbers of a model that is calibrated and then shifted."""
        bias = np.array(calibration.class_bias or [0.0] * len(self.labels))
        bias = bias + calibration.temperature * np.array(self.log_prior_shift)
        return dataclasses.replace(
            calibration,
            class_bias=tuple(bias.tolist()),
            temperature=calibration.temperature * self.temperature,
        )


def write_label_shift(path: Path, shift: LabelShift, about: dict[str, Any]) -> None:
    """Writes a shift, and how it was fitted, as JSON."""
    content = {"version": _VERSION, **dataclasses.asdict(shift), "fit": about}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_label_shift(path: Path) -> LabelShift:
    """What `write_label_shift` wrote.

    Raises:
      ModelError: it cannot be read, or is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            raise ModelError(f"{path}: is of another version of emonet; fit it anew")
        shift = LabelShift(
            str(content["model_id"]),
            tuple(map(str, content["labels"])),
            tuple(map(float, content["log_prior_shift"])),
            float(content["temperature"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: cannot be read as a calibration ({type(error).__name__}); "
            "`emonet calibrate` writes one"
        ) from error
    numbers = (*shift.log_prior_shift, shift.temperature)
    if len(shift.log_prior_shift) != len(shift.labels) or not all(map(math.isfinite, numbers)):
        raise ModelError(f"{path}: has not one finite number a label; fit it anew")
    if shift.temperature <= 0:
        raise ModelError(f"{path}: its temperature is not positive; fit it anew")
    return shift
