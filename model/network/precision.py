"""In which precision matrices are multiplied: float32, or bfloat16 where the processor does so.

Either can be forced on any processor. Where it has no bfloat16, torch emulates it: slower than
float32, and right.
"""

from __future__ import annotations

import contextlib
import enum
import os
from typing import Any

import torch
from torch import Tensor, nn

from model.errors import ModelError

VARIABLE = "EMONET_PRECISION"
"""The environment variable that forces a precision."""


class Precision(enum.StrEnum):
    """What matrices of the encoders are multiplied in; all else is float32."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


def precision_on(device: torch.device, forced: str | None = None) -> Precision:
    """The precision of a device.

    Args:
      device: one that matrices are multiplied on.
      forced: a precision; by default that of `EMONET_PRECISION`, and where this is unset or empty
        bfloat16 if the device has it in hardware, else float32.

    Raises:
      ModelError: what is forced is no precision.
    """
    name = "precision" if forced else VARIABLE
    forced = forced or os.environ.get(VARIABLE)
    if not forced:
        return Precision.BFLOAT16 if _has_bfloat16(device) else Precision.FLOAT32
    if forced not in list(Precision):
        raise ModelError(f"{name} is {forced!r}, expected {' or '.join(Precision)}")
    return Precision(forced)


def autocast(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Under it, matrices are multiplied in `precision_on(device)`; for training."""
    low = precision_on(device) is Precision.BFLOAT16
    return torch.autocast(device.type, torch.bfloat16, enabled=low)


def no_autocast(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Under it, matrices are multiplied in float32, also within `autocast`."""
    return torch.autocast(device.type, enabled=False)


class Classifier(nn.Linear):
    """A linear map from states to logits, in float32 whatever the precision.

    In bfloat16 the two likeliest classes of an utterance would often have the same logit, and
    numpy knows no bfloat16.
    """

    def forward(self, states: Tensor) -> Tensor:
        """Logits, (rows, classes) float32, of states (rows, d)."""
        with no_autocast(states.device):
            return super().forward(states.float())


def _has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
