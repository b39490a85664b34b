"""Linear maps prepared for inference: in their precision, and laid out for products of one shape.

Law of this module: a row of a product of `ROWS` rows has the same bits whatever rows are beside it
and wherever it lies.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.network.precision import Precision
from model.network.transformer import Linear, SelfAttention

ROWS = 1024
"""Tokens of a buffer: products of more rows are no faster on a core, and fall out of its cache."""

DTYPES = {Precision.FLOAT32: torch.float32, Precision.BFLOAT16: torch.bfloat16}
"""What a precision is to torch."""


class PreparedLinear(nn.Module):
    """One linear map, or several of the same input as one, with a GELU where one is wanted.

    oneDNN multiplies where it can, its weights laid out once and the GELU in the same pass.
    """

    def __init__(self, maps: Sequence[nn.Linear], precision: Precision):
        super().__init__()
        self.dtype = DTYPES[precision]
        self.weight = torch.cat([one.weight for one in maps]).detach().to(self.dtype)
        self.bias = torch.cat([one.bias for one in maps]).detach().to(self.dtype)
        self.by_onednn = _onednn_multiplies(self.weight)
        if self.by_onednn:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, ROWS)

    def forward(self, states: Tensor, *, gelu: bool = False) -> Tensor:
        """(rows, out) in the precision, of states (rows, in)."""
        states = states.to(self.dtype)
        if self.by_onednn:
            return torch.ops.mkldnn._linear_pointwise(  # type: ignore[no-any-return]
                states, self.weight, self.bias, "gelu" if gelu else "none", [], "none"
            )
        mapped = functional.linear(states, self.weight, self.bias)
        return functional.gelu(mapped) if gelu else mapped


def prepare(layers: nn.Module, precision: Precision) -> None:
    """Prepares layers of a transformer, in place: their own weights are given up.

    The residual stream and the layer norms stay in float32, which keeps the labels those of
    float32 but for near ties.
    """
    for attention in [part for part in layers.modules() if isinstance(part, SelfAttention)]:
        maps = [attention.get_submodule(name) for name in attention.names]
        attention.joint = PreparedLinear(maps, precision)  # type: ignore[arg-type]
        # the accelerator's kernel is another one for other shapes
        attention.fused = attention.joint.weight.device.type == "cpu"
        for name in attention.names:
            delattr(attention, name)
    for parent in list(layers.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, Linear):
                setattr(parent, name, PreparedLinear([child], precision))


def _onednn_multiplies(weight: Tensor) -> bool:
    onednn = torch.backends.mkldnn
    if weight.device.type != "cpu" or not (onednn.is_available() and onednn.enabled):  # type: ignore[no-untyped-call]
        return False
    return weight.dtype == torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
