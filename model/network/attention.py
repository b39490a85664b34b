"""Attention over a flat buffer of tokens, span by span.

    softmax(q k' / sqrt(d) + bias) v

A span has the shape of the sequence that it is, whatever lies beside it in the buffer, so the
products of one sequence are of the same shapes in every call.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


@dataclasses.dataclass(frozen=True)
class Span:
    """Consecutive rows of a buffer that read rows of it: one sequence, or several of one length.

    The rows that a sequence reads end where it ends itself.

    Attributes:
      end: the row after the last sequence.
      count: how many sequences; if more than one, each reads itself.
      queries: rows of a sequence.
      keys: rows that it reads, at least `queries`.
      bias: added to the scores, (1 or count, 1 or heads, 1 or queries, keys); None for zeros.
    """

    end: int
    count: int
    queries: int
    keys: int
    bias: Tensor | None


def attend(projected: Tensor, heads: int, spans: Sequence[Span], *, fused: bool) -> Tensor:
    """Each span's attention.

    Args:
      projected: queries, keys and values side by side, (rows, 3 d).
      heads: how many d is divided into.
      spans: what reads what; their queries follow upon one another from the first row on.
      fused: whether torch's own kernel attends.

    Returns:
      (rows, d); zeros for rows behind the last span.
    """
    rows, width = len(projected), projected.shape[1] // 3
    query, key, value = projected.view(rows, 3, heads, -1).permute(1, 2, 0, 3)
    attended = []
    for span in spans:
        parts = (
            part[:, span.end - span.count * length : span.end]
            .unflatten(1, (span.count, length))
            .transpose(0, 1)
            for part, length in ((query, span.queries), (key, span.keys), (value, span.keys))
        )
        kernel = functional.scaled_dot_product_attention if fused else _explicit
        attended.append(kernel(*parts, attn_mask=span.bias).transpose(1, 2).reshape(-1, width))
    behind = rows - spans[-1].end
    return torch.cat([*attended, projected.new_zeros(behind, width)])


def _explicit(query: Tensor, key: Tensor, value: Tensor, *, attn_mask: Tensor | None) -> Tensor:
    """(count, heads, queries, head size) by one product after another; faster with gradients."""
    query, key, value = (part.contiguous() for part in (query, key, value))
    scores = torch.matmul(query, key.transpose(2, 3)) * query.shape[3] ** -0.5
    if attn_mask is not None:
        scores = scores + attn_mask
    return torch.matmul(scores.softmax(dim=-1), value)
