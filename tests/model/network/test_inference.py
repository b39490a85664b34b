from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from model.network.inference import ROWS, PreparedLinear
from model.network.precision import Precision

torch.set_num_threads(1)  # as in every process of the job
WIDTH, OUT = 96, 160


def maps() -> list[nn.Linear]:
    torch.manual_seed(0)
    return [nn.Linear(WIDTH, OUT), nn.Linear(WIDTH, OUT)]


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("precision", Precision)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), gelu=st.booleans(), data=st.data())
def test_a_rows_bits_depend_neither_on_its_neighbours_nor_on_its_place(
    seed: int, data: st.DataObject, precision: Precision, *, gelu: bool, onednn: bool
) -> None:
    random = np.random.default_rng(seed)
    rows = torch.from_numpy(random.standard_normal((ROWS, WIDTH), dtype=np.float32))
    count = data.draw(st.integers(1, 60))
    chosen, places = (random.choice(ROWS, count, replace=False) for _ in range(2))
    with torch.backends.mkldnn.flags(enabled=onednn), torch.inference_mode():
        linear = PreparedLinear(maps(), precision)
        together = linear(rows, gelu=gelu)
        moved = torch.from_numpy(random.standard_normal((ROWS, WIDTH), dtype=np.float32)) * 9
        moved[places] = rows[chosen]
        torch.testing.assert_close(
            linear(moved, gelu=gelu)[places], together[chosen], rtol=0, atol=0
        )


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("precision", Precision)
def test_maps_of_one_input_are_computed_as_one(precision: Precision, *, onednn: bool) -> None:
    states = torch.randn(ROWS, WIDTH)
    with torch.backends.mkldnn.flags(enabled=onednn), torch.inference_mode():
        linear = PreparedLinear(maps(), precision)
        plain = torch.cat([one(states) for one in maps()], dim=1)
        bound = 1e-5 if precision is Precision.FLOAT32 else 0.05
        found, activated = linear(states), linear(states, gelu=True)
        torch.testing.assert_close(found.float(), plain, rtol=0, atol=bound)
        expected = functional.gelu(plain)
        torch.testing.assert_close(activated.float(), expected, rtol=0, atol=bound)
