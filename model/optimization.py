"""How the weights of a context move: the optimizer's groups, the learning rate, the average."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn


def adamw(
    parameters: Mapping[str, nn.Parameter],
    *,
    encoder_rate: float,
    head_rate: float,
    weight_decay: float,
) -> torch.optim.AdamW:
    """AdamW with a rate for the context's encoder, which knows much already, and one for the rest.

    Args:
      parameters: by name; those of the encoder begin with `context.`.
      encoder_rate: the highest rate of the encoder; a group keeps its own as `initial_lr`.
      head_rate: that of everything else.
      weight_decay: of both.
    """
    groups = []
    for in_encoder, rate in ((True, encoder_rate), (False, head_rate)):
        chosen = [p for name, p in parameters.items() if name.startswith("context.") == in_encoder]
        groups.append({"params": chosen, "lr": rate, "initial_lr": rate})
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], weight_decay=weight_decay
    )


def average_share(step: int, averaging: float) -> float:
    """What a step leaves of the weights' moving average: less at first, far from where they go."""
    return min(averaging, (1 + step) / (10 + step))


def rate_share(step: int, steps: int, warmup: float) -> float:
    """Of the full learning rate, at a step: rising over `warmup` of all, then falling to zero."""
    rising = max(1, math.ceil(steps * warmup))
    return (step + 1) / rising if step < rising else (steps - step) / max(1, steps - rising)
