from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_models import LABELS, made_up

from model.errors import ModelError
from model.folds import load_said, save_said

DATA = [made_up(6, seed=seed) for seed in range(3)]
SAID = np.random.default_rng(0).normal(size=(18, 3)).astype(np.float32)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "folds.safetensors"
    save_said(path, SAID, DATA, LABELS)
    return path


def test_what_was_said_comes_back_whatever_order_the_episodes_are_given_in(kept: Path) -> None:
    for data in (DATA, DATA[::-1]):
        said = load_said(kept, data, LABELS)
        assert said.dtype == np.float32
        np.testing.assert_array_equal(said, SAID)


def test_what_was_said_of_others_is_refused_by_what_differs(kept: Path) -> None:
    with pytest.raises(ModelError, match=rf"{kept}: was said of other data than"):
        load_said(kept, DATA[:2], LABELS)
    with pytest.raises(ModelError, match="was said of other labels than"):
        load_said(kept, DATA, LABELS[::-1])


def test_a_file_that_is_damaged_or_none_of_ours_is_refused(kept: Path) -> None:
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)
    with pytest.raises(ModelError, match="is damaged"):
        load_said(kept, DATA, LABELS)
    for other in (b"", b"no tensors", kept.read_bytes()[:40]):
        kept.write_bytes(other)
        with pytest.raises(ModelError, match="cannot be read"):
            load_said(kept, DATA, LABELS)
    with pytest.raises(ModelError, match="cannot be read"):
        load_said(kept.with_name("none"), DATA, LABELS)
