from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_models import LABELS, made_up

from model.errors import ModelError
from model.training.cross_fitting import load_oof_logits, save_oof_logits

DATA = [made_up(6, seed=seed) for seed in range(3)]
LOGITS = np.random.default_rng(0).normal(size=(18, 3)).astype(np.float32)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "oof_logits.safetensors"
    save_oof_logits(path, LOGITS, DATA, LABELS)
    return path


def test_logits_come_back_whatever_order_the_episodes_are_given_in(kept: Path) -> None:
    for data in (DATA, DATA[::-1]):
        logits = load_oof_logits(kept, data, LABELS)
        assert logits.dtype == np.float32
        np.testing.assert_array_equal(logits, LOGITS)


def test_logits_of_other_data_are_refused_by_what_differs(kept: Path) -> None:
    with pytest.raises(ModelError, match=rf"{kept}: has the logits of other data than"):
        load_oof_logits(kept, DATA[:2], LABELS)
    with pytest.raises(ModelError, match="has the logits of other labels than"):
        load_oof_logits(kept, DATA, LABELS[::-1])


def test_a_file_that_is_damaged_or_none_of_ours_is_refused(kept: Path) -> None:
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)
    with pytest.raises(ModelError, match="is damaged"):
        load_oof_logits(kept, DATA, LABELS)
    for other in (b"", b"no tensors", kept.read_bytes()[:40]):
        kept.write_bytes(other)
        with pytest.raises(ModelError, match="cannot be read"):
            load_oof_logits(kept, DATA, LABELS)
    with pytest.raises(ModelError, match="cannot be read"):
        load_oof_logits(kept.with_name("none"), DATA, LABELS)
