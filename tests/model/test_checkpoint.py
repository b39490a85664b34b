from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import made_up, save_bert, untrained

from model.checkpoint import (
    SETTINGS,
    SUMS,
    WEIGHTS,
    load_model,
    open_checkpoint,
    restore,
    save_checkpoint,
)
from model.encoders.references import EncoderReference, reference_to
from model.errors import ModelError
from model.evaluation.scores import predict
from model.network.precision import Precision
from model.network.settings import Calibration

FILES = [SETTINGS, WEIGHTS, SUMS]
PROVENANCE = {"seed": 3, "data_digest": "0" * 64}


@pytest.fixture(scope="module")
def checkpoint(
    tmp_path_factory: pytest.TempPathFactory, small_bert: EncoderReference
) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("checkpoint")
    save_checkpoint(folder, untrained(small_bert, trained_layers=1), PROVENANCE)
    before = {file: (folder / file).read_bytes() for file in FILES}
    yield folder
    assert {file: (folder / file).read_bytes() for file in FILES} == before


def test_a_checkpoint_is_read_as_it_was_written(
    checkpoint: Path, small_bert: EncoderReference
) -> None:
    opened = open_checkpoint(checkpoint)
    assert opened.settings == untrained(small_bert, trained_layers=1).settings
    assert opened.encoder == small_bert
    assert opened.provenance == PROVENANCE
    assert sorted(path.name for path in checkpoint.iterdir()) == sorted(FILES)


def test_the_numbers_of_a_calibration_come_back(
    small_bert: EncoderReference, tmp_path: Path
) -> None:
    numbers = Calibration(0.7, 0.3, class_bias=(0.1, -0.3, 0.2), temperature=1 / 3)
    save_checkpoint(tmp_path, untrained(small_bert, calibration=numbers), {})
    assert open_checkpoint(tmp_path).calibration == numbers
    assert load_model(open_checkpoint(tmp_path)).calibration == numbers


def test_a_checkpoint_of_version_1_is_read_with_the_settings_and_defaults_of_its_time(
    checkpoint: Path, tmp_path: Path
) -> None:
    content = json.loads((checkpoint / SETTINGS).read_text())
    content["version"] = 1
    del content["calibration"]  # it was in the weights
    named = content["settings"]
    assert named.pop("languages") == ["en"]
    assert named.pop("per_turn_positions")
    named["utterance_layers"] = named.pop("utterance_encoder_layers")
    old = shutil.copytree(checkpoint, tmp_path / "old")
    (old / SETTINGS).write_text(json.dumps(content))
    sums = (f"{hashlib.sha256((old / f).read_bytes()).hexdigest()}  {f}\n" for f in FILES[:2])
    (old / SUMS).write_text("".join(sums))
    settings = dataclasses.replace(open_checkpoint(checkpoint).settings, per_turn_positions=False)
    assert open_checkpoint(old).settings == settings
    assert load_model(open_checkpoint(old)).calibration == Calibration()


@pytest.mark.parametrize("precision", Precision)
def test_a_loaded_model_labels_as_the_saved_one_with_rounded_weights(
    tmp_path: Path, small_encoder: EncoderReference, precision: str
) -> None:
    saved, data = untrained(small_encoder), [made_up(20, seed=seed) for seed in range(2)]
    save_checkpoint(tmp_path, saved, {})
    loaded = load_model(open_checkpoint(tmp_path)).for_inference(precision=precision)
    rounded = {
        name: tensor.detach().to(torch.bfloat16).float() if tensor.ndim == 2 else tensor.detach()
        for name, tensor in saved.trained().items()
    }
    restore(saved.trained(), rounded)
    saved.for_inference(precision=precision)
    np.testing.assert_array_equal(predict(loaded, data), predict(saved, data))


def test_saving_a_loaded_model_gives_the_same_bytes(checkpoint: Path, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, load_model(open_checkpoint(checkpoint)), PROVENANCE)
    for file in FILES:
        assert (tmp_path / file).read_bytes() == (checkpoint / file).read_bytes()


def test_a_checkpoint_holds_what_was_trained_and_no_encoder_weights(checkpoint: Path) -> None:
    tensors = safetensors.torch.load_file(checkpoint / WEIGHTS)
    model = load_model(open_checkpoint(checkpoint))
    assert tensors.keys() == model.trained().keys()
    assert all(tensor.dtype == torch.bfloat16 for tensor in tensors.values() if tensor.ndim == 2)
    assert all(tensor.dtype == torch.float32 for tensor in tensors.values() if tensor.ndim == 1)


@pytest.fixture(scope="module")
def spoiled(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(checkpoint, tmp_path_factory.mktemp("spoiled") / "checkpoint"))


@pytest.mark.parametrize("file", FILES)
@settings(max_examples=60)
@given(data=st.data())
def test_one_flipped_byte_anywhere_is_refused_by_the_name_of_its_file(
    checkpoint: Path, spoiled: Path, file: str, data: st.DataObject
) -> None:
    content = bytearray((checkpoint / file).read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    (spoiled / file).write_bytes(content)
    try:
        with pytest.raises(ModelError, match=file):
            open_checkpoint(spoiled)
        with pytest.raises(ModelError, match=file):
            load_model(dataclasses.replace(open_checkpoint(checkpoint), folder=spoiled))
    finally:
        (spoiled / file).write_bytes((checkpoint / file).read_bytes())


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80])
def test_no_byte_of_the_sums_is_free_to_change(checkpoint: Path, spoiled: Path, flip: int) -> None:
    content = (checkpoint / SUMS).read_bytes()
    for position, byte in enumerate(content):
        changed = bytes([byte ^ flip])
        (spoiled / SUMS).write_bytes(content[:position] + changed + content[position + 1 :])
        with pytest.raises(ModelError, match=SUMS):
            open_checkpoint(spoiled)
    (spoiled / SUMS).write_bytes(content)


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_refused_by_its_name(checkpoint: Path, tmp_path: Path, file: str) -> None:
    folder = Path(shutil.copytree(checkpoint, tmp_path / "copy"))
    (folder / file).unlink()
    with pytest.raises(ModelError, match=f"{file} is missing"):
        open_checkpoint(folder)


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no finished checkpoint"):
        open_checkpoint(tmp_path / "nothing")


def test_half_a_checkpoint_never_loads(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(checkpoint, tmp_path / "copy"))
    model = load_model(open_checkpoint(checkpoint))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(safetensors.torch, "save_file", die)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(folder, model, {"seed": 4})
    with pytest.raises(ModelError, match="no finished checkpoint"):
        open_checkpoint(folder)


def test_another_encoder_is_refused_with_both_hashes(
    checkpoint: Path, small_bert: EncoderReference, small_encoders: dict[str, EncoderReference]
) -> None:
    other = small_encoders["mpnet"]
    opened = open_checkpoint(checkpoint, encoder=other.name)
    with pytest.raises(ModelError, match="is not the file it was made with") as error:
        load_model(opened)
    file = next(file for file in small_bert.files if file in str(error.value))
    assert small_bert.files[file][:12] in str(error.value)
    assert other.files[file][:12] in str(error.value)


def test_the_same_encoder_elsewhere_is_the_same_model(
    checkpoint: Path, small_bert: EncoderReference, tmp_path: Path
) -> None:
    moved = shutil.copytree(small_bert.name, tmp_path / "moved")
    opened = open_checkpoint(checkpoint, encoder=str(moved))
    assert opened.model_id == open_checkpoint(checkpoint).model_id
    data = [made_up(5)]
    here = predict(load_model(open_checkpoint(checkpoint)).for_inference(), data)
    np.testing.assert_array_equal(predict(load_model(opened).for_inference(), data), here)


def test_an_encoder_that_is_gone_is_refused(small_bert: EncoderReference, tmp_path: Path) -> None:
    save_bert(tmp_path / "bert")
    save_checkpoint(tmp_path / "kept", untrained(reference_to(str(tmp_path / "bert"))), {})
    shutil.rmtree(tmp_path / "bert")
    with pytest.raises(ModelError, match="neither a folder, nor an installed package"):
        load_model(open_checkpoint(tmp_path / "kept"))


def test_the_id_of_a_model_is_that_of_all_its_content(
    small_bert: EncoderReference, tmp_path: Path
) -> None:
    def id_of(model_name: str, provenance: dict[str, object], **changes: Any) -> str:
        model = untrained(small_bert, trained_layers=0, **changes)
        if model_name == "other weights":
            with torch.no_grad():
                model.classify.bias[0] += 1
        save_checkpoint(tmp_path / "model", model, provenance)
        return open_checkpoint(tmp_path / "model").model_id

    usual = id_of("usual", {"seed": 1})
    assert len(bytes.fromhex(usual)) == 8
    assert id_of("usual", {"seed": 1}) == usual
    others = [
        id_of("other weights", {"seed": 1}),
        id_of("usual", {"seed": 2}),
        id_of("usual", {"seed": 1}, tag="local"),
    ]
    assert len({usual, *others}) == 4


def test_weights_that_do_not_fit_the_settings_are_refused(small_bert: EncoderReference) -> None:
    model = untrained(small_bert, trained_layers=1)
    with pytest.raises(ModelError, match="disagree on 16 tensors, first context"):
        restore(model.trained(), untrained(small_bert, trained_layers=0).trained())


def test_a_tensor_of_another_shape_is_refused_by_its_name(small_bert: EncoderReference) -> None:
    model = untrained(small_bert, trained_layers=1)
    before = {name: value.detach().clone() for name, value in model.trained().items()}
    # one number would be stretched over the whole bias
    tensors = {name: value + 1 for name, value in before.items()} | {"classify.bias": torch.ones(1)}
    with pytest.raises(ModelError, match=r"classify.bias is of shape \(1,\), .* want \(3,\)"):
        restore(model.trained(), tensors)
    for name, value in model.trained().items():
        torch.testing.assert_close(value.detach(), before[name], rtol=0, atol=0)
