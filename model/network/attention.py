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

import torch
from torch import Tensor

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
