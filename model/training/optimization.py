"""How weights move: the optimizer's groups, the learning rate, the moving average."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn


def adamw(
    parameters: Mapping[str, nn.Parameter],
    *,
    encoders: tuple[str, ...],
    encoder_lr: float,
    head_lr: float,
    weight_decay: float,
) -> torch.optim.AdamW:
    """AdamW with a learning rate for encoders, which are pre-trained, and one for the rest.

    Args:
      parameters: by name.
      encoders: how the names of the encoders' parameters begin.
      encoder_lr: the encoders' peak learning rate; a group keeps its own as `initial_lr`.
      head_lr: that of everything else.
      weight_decay: of both.
    """
    groups: list[dict[str, Any]] = []
    for name, rate in (("encoder_lr", encoder_lr), ("head_lr", head_lr)):
        in_encoder = name == "encoder_lr"
        chosen = [p for of, p in parameters.items() if of.startswith(encoders) == in_encoder]
        groups.append({"params": chosen, "lr": rate, "initial_lr": rate, "name": name})
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], weight_decay=weight_decay
    )


def ema_decay(step: int, decay: float) -> float:
    """Decay of the weights' moving average at a step: less at first, while weights move far."""
    return min(decay, (1 + step) / (10 + step))


def lr_factor(step: int, steps: int, warmup: float) -> float:
    """Factor of the peak learning rate at a step: rises over `warmup` of all, then falls to 0."""
    rising = max(1, math.ceil(steps * warmup))
    return (step + 1) / rising if step < rising else (steps - step) / max(1, steps - rising)
