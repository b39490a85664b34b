"""Attention whose bits do not depend on how long a row is.

    softmax(q k' / sqrt(d) + mask) v

The last product adds up over the keys of a row. Masked keys add zeros, and still MKL's float32
kernel rounds otherwise for a longer row, because it splits a sum over more than about 250 terms in
two and adds the halves. So the sum is taken here in blocks of keys, one after another: a block is
never split, and a block of masked keys adds exactly nothing. oneDNN's bfloat16 kernel adds up in
one order whatever the length, and is left alone. So does torch's own, on processors that have no
bfloat16; but which of its loops it takes, each with an order of its own, depends on how a matrix
lies in memory, and of one row alone it lies otherwise than of many. So all are laid out alike.
"""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers.models.mpnet.modeling_mpnet import MPNetSelfAttention

BLOCKED = "key_blocked"
"""The name under which BERT and RoBERTa find it (`attn_implementation`)."""

_KEYS = 128


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scaling: float) -> Tensor:
    """Attention in blocks of keys.

    Args:
      query: (rows, heads, length, head size), as key and value.
      key: see query.
      value: see query.
      mask: added to the scores, (rows, 1 or heads, length, length).
      scaling: what scores are multiplied by.

    Returns:
      (rows, length, heads, head size).
    """
    query, key, value = (part.contiguous() for part in (query, key, value))
    scores = torch.matmul(query, key.transpose(2, 3)) * scaling + mask
    probabilities = scores.softmax(dim=-1)
    keys = _KEYS if value.dtype == torch.float32 else value.shape[2]
    blocks = zip(
        torch.split(probabilities, keys, dim=3), torch.split(value, keys, dim=2), strict=True
    )
    first, *others = (torch.matmul(weights, values) for weights, values in blocks)
    for other in others:
        first += other
    return first.transpose(1, 2).contiguous()


def block_keys(network: nn.Module) -> None:
    """Lets an encoder of the MPNet family attend in blocks, which has no name to choose it by."""
    for module in network.modules():
        if isinstance(module, MPNetSelfAttention):
            module.__class__ = _MPNetAttention


class _MPNetAttention(MPNetSelfAttention):
    """With MPNet's relative positions as part of the mask (Song et al. 2020, section 3.2)."""

    def forward(  # type: ignore[override]
        self, hidden_states: Tensor, attention_mask: Tensor, position_bias: Tensor, **_: Any
    ) -> tuple[Tensor]:
        shape = (*hidden_states.shape[:-1], -1, self.attention_head_size)
        query, key, value = (
            part(hidden_states).view(shape).transpose(1, 2) for part in (self.q, self.k, self.v)
        )
        scaling = self.attention_head_size**-0.5
        mask = attention_mask + position_bias.to(attention_mask.dtype)
        attended = attend(query, key, value, mask, scaling)
        return (self.o(attended.flatten(2)),)


def _attend_by_name(
    _module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    scaling: float,
    **_: Any,
) -> tuple[Tensor, None]:
    return attend(query, key, value, attention_mask, scaling), None


transformers.AttentionInterface.register(BLOCKED, _attend_by_name)
