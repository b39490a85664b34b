from __future__ import annotations

import pytest
import torch

from model.network.attention import attend
from model.network.windows import MASKED

torch.set_num_threads(1)  # as in every process of the job
HEADS, HEAD_SIZE = 12, 64


def attended(rows: torch.Tensor) -> torch.Tensor:
    """Attention over (3, rows, length, d) queries, keys and values, laid out as encoders do."""
    count, length = rows.shape[1:3]
    query, key, value = (
        part.view(count, length, HEADS, HEAD_SIZE).transpose(1, 2) for part in rows
    )
    mask = torch.full((length, length), MASKED, dtype=rows.dtype).triu(1)
    mask = mask.expand(count, 1, length, length)
    return attend(query, key, value, mask, HEAD_SIZE**-0.5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("length", [16, 48, 128])
def test_a_rows_bits_do_not_depend_on_the_rows_beside_it(length: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    rows = torch.randn(3, 6, length, HEADS * HEAD_SIZE).to(dtype)
    together = attended(rows)
    for count in (1, 2, 5):
        parts = torch.split(rows, count, 1), torch.split(together, count)
        for apart, whole in zip(*parts, strict=True):
            torch.testing.assert_close(attended(apart.contiguous()), whole, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_tokens_bits_do_not_depend_on_what_comes_after_it(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    rows = torch.randn(3, 1, 512, HEADS * HEAD_SIZE).to(dtype)
    whole = attended(rows)
    for length in (16, 48, 128, 256, 384):
        cut = attended(rows[:, :, :length].contiguous())
        torch.testing.assert_close(cut, whole[:, :length], rtol=0, atol=0)
