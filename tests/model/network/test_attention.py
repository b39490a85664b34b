from __future__ import annotations

import pytest
import torch

from model.network.attention import Span, attend

torch.set_num_threads(1)  # as in every process of the job
HEADS, WIDTH, ROWS = 12, 12 * 64, 512


def attended(projected: torch.Tensor, spans: list[Span], begin: int) -> torch.Tensor:
    """What the rows of a span attend to that lies at `begin`, behind one row that reads itself."""
    before = [Span(begin, 1, begin, begin, None)] if begin else []
    return attend(projected, HEADS, [*before, *spans], fused=True)[begin : spans[-1].end]


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("length", [2, 7, 17, 48, 100])
def test_a_sequences_bits_depend_neither_on_its_neighbours_nor_on_its_place(
    length: int, dtype: torch.dtype, *, onednn: bool
) -> None:
    torch.manual_seed(0)
    sequence = torch.randn(length, 3 * WIDTH).to(dtype)
    with torch.backends.mkldnn.flags(enabled=onednn):  # without it, bfloat16 is emulated
        alone = attended(sequence, [Span(length, 1, length, length, None)], 0)
        for begin, count in ((0, 5), (3, 1), (64, 4), (5, 2)):
            buffer = torch.randn(ROWS, 3 * WIDTH).to(dtype)
            end = begin + count * length
            buffer[end - length : end] = sequence
            beside = attended(buffer, [Span(end, count, length, length, None)], begin)
            torch.testing.assert_close(beside[-length:], alone, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_bias_of_keys_counts_for_all_queries(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    projected, bias = torch.randn(40, 3 * WIDTH).to(dtype), torch.randn(1, HEADS, 1, 30).to(dtype)
    spans = [Span(20, 1, 20, 20, None), Span(30, 1, 10, 30, bias)]
    fused, explicit = (attend(projected, HEADS, spans, fused=which) for which in (True, False))
    torch.testing.assert_close(
        fused, explicit, rtol=0, atol=1e-5 if dtype == torch.float32 else 0.03
    )
    assert not fused[30:].any()
    unbiased = attend(projected, HEADS, [spans[0], Span(30, 1, 10, 30, None)], fused=True)
    torch.testing.assert_close(unbiased[:20], fused[:20], rtol=0, atol=0)
    assert (unbiased[20:30] != fused[20:30]).any()
