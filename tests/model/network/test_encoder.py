from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import save_bert, sentences, transcript, untrained

from model.encoders.known_encoders import PACKAGED_ENCODERS
from model.encoders.references import DEFAULT_ENCODER, EncoderReference, locate, reference_to
from model.errors import ModelError
from model.network.encoder import Encoder, load_encoder
from model.network.packing import Batch, View, pack
from model.network.padding import collate, pad_rows
from model.network.precision import Precision
from model.network.windows import Window

TURN = "Ann: i never told you where the ship was, and you did not ask me!"


def plain(encoder: Encoder, tokens: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states as `transformers` computes them under its usual mask, and that mask."""
    folder = locate(encoder.reference.name)
    network = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    length = max(map(len, tokens))
    ids = torch.from_numpy(pad_rows(tokens, length, encoder.pad_id))
    kept = torch.from_numpy(pad_rows([[1] * len(row) for row in tokens], length, 0))
    with torch.inference_mode():
        return network(input_ids=ids, attention_mask=kept).last_hidden_state, kept


def apart(encoder: Encoder, tokens: list[list[int]]) -> Batch:
    """Texts in a buffer, each by itself."""
    windows = [Window(turn, turn, turn + 1) for turn in range(len(tokens))]
    (batch,) = pack(tokens, windows, 128, encoder.pad_id, View())
    return batch


def assert_parity(reference: EncoderReference) -> None:
    encoder = load_encoder(reference)
    tokens = encoder.tokenize([TURN, "yes .", ""], 32)
    tokens.sort(key=len, reverse=True)  # as they lie in the buffer
    expected, kept = plain(encoder, tokens)
    for prepared in (False, True):
        if prepared:
            encoder.for_inference(Precision.FLOAT32)
        with torch.inference_mode():
            states = encoder(apart(encoder, tokens))
        assert states.shape == (128, encoder.width)
        ours = states[: kept.sum()]
        torch.testing.assert_close(ours, expected[kept.bool()], rtol=0, atol=1e-5)


def test_one_turn_is_read_as_transformers_reads_it(small_encoder: EncoderReference) -> None:
    assert_parity(small_encoder)


def test_the_default_encoder_reads_one_turn_as_transformers_does(
    default_encoder: EncoderReference,
) -> None:
    assert_parity(default_encoder)


def test_a_turn_is_read_out_as_the_mean_of_its_tokens(small_encoder: EncoderReference) -> None:
    model = untrained(small_encoder, tag="none").for_inference(precision="float32")
    turns = model.context_turns(transcript([TURN, "yes ."]))
    with torch.inference_mode():
        read = model.read(model.context, apart(model.context, turns))[:2]
    expected, kept = plain(model.context, turns)
    for turn, length in enumerate(kept.sum(dim=1).tolist()):
        mean = expected[turn, :length].mean(dim=0)
        torch.testing.assert_close(read[turn], mean, rtol=0, atol=1e-5)


@pytest.mark.parametrize("reach", [None, 2])
@pytest.mark.parametrize("slopes", [None, np.array([4, 2, 1, 0.5], np.float32)])
def test_a_packed_turn_is_read_as_under_a_mask(
    small_encoder: EncoderReference, reach: int | None, slopes: np.ndarray | None
) -> None:
    encoder, view = load_encoder(small_encoder), View(reach, slopes)
    turns = encoder.tokenize([TURN, "yes .", "go home", "yes .", "no"], 32)
    windows = [Window(0, 1, 3), Window(3, 3, 5)]
    (packed,) = pack(turns, windows, 128, encoder.pad_id, view)
    with torch.inference_mode():
        padded = [
            collate(turns, [window], 16, encoder.pad_id, view, encoder.device) for window in windows
        ]
        expected = [
            encoder(one)[: sum(map(len, turns[w.start : w.end]))]
            for one, w in zip(padded, windows, strict=True)
        ]
        encoder.for_training()
        fused = [encoder(one)[: len(rows)] for one, rows in zip(padded, expected, strict=True)]
        states = encoder(packed)[: sum(map(len, turns))]
    torch.testing.assert_close(states, torch.cat(expected), rtol=0, atol=1e-5)
    torch.testing.assert_close(torch.cat(fused), torch.cat(expected), rtol=0, atol=1e-5)
    assert [one.turns.tolist() for one in padded] == [[-1, 1, 2, -1], [3, 4, -1]]
    assert packed.turns.tolist() == [-1, 1, 2, 3, 4, -1]


def test_a_turn_is_cut_to_its_limit_and_keeps_its_last_special_token(
    small_encoder: EncoderReference,
) -> None:
    encoder = load_encoder(small_encoder)
    short, long = encoder.tokenize(["yes", "yes " * 50], 8)
    assert len(long) == 8
    assert (long[0], long[-1]) == (short[0], short[-1])
    assert encoder.tokenize([], 8) == []


def test_positions_are_those_that_tokens_can_have(small_encoder: EncoderReference) -> None:
    encoder = load_encoder(small_encoder)
    assert encoder.max_tokens == 128
    (tokens,) = encoder.tokenize(["yes " * 200], 128)
    assert torch.isfinite(encoder(apart(encoder, [tokens]))).all()


def test_positions_are_counted_in_whole_fillings(tmp_path: Path) -> None:
    save_bert(tmp_path / "bert", positions=100)
    assert load_encoder(reference_to(str(tmp_path / "bert"))).max_tokens == 64


def test_loading_says_nothing(
    default_encoder: EncoderReference,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    level = transformers.utils.logging.get_verbosity()
    bars = transformers.utils.logging.is_progress_bar_enabled()
    load_encoder(default_encoder)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    assert transformers.utils.logging.get_verbosity() == level
    assert transformers.utils.logging.is_progress_bar_enabled() == bars


@pytest.mark.parametrize(
    "name", ["nothing of the kind", "./nowhere", "../nowhere", "torch", "owner/name", "a.b", ""]
)
def test_a_name_that_stands_for_no_encoder_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="encoder"):
        reference_to(name)


def test_the_default_encoder_is_installed_with_the_program_under_its_own_license() -> None:
    reference = reference_to(DEFAULT_ENCODER)
    assert reference.name == DEFAULT_ENCODER
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= reference.files.keys()
    assert locate(DEFAULT_ENCODER) == PACKAGED_ENCODERS[DEFAULT_ENCODER]
    assert "MIT License" in (locate(DEFAULT_ENCODER) / "LICENSE").read_text()


def test_an_installed_package_with_weights_is_an_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "some_encoder"
    save_bert(package / "files")
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert locate("some-encoder") == package / "files"


@pytest.fixture
def own_bert(tmp_path: Path) -> Path:
    save_bert(tmp_path / "bert")
    return tmp_path / "bert"


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_without_a_needed_file_is_refused_by_its_name(own_bert: Path, file: str) -> None:
    (own_bert / file).unlink()
    with pytest.raises(ModelError, match=file):
        reference_to(str(own_bert))


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer_config.json"])
def test_an_encoder_that_changed_since_is_refused_with_both_hashes(
    own_bert: Path, file: str
) -> None:
    reference = reference_to(str(own_bert))
    content = bytearray((own_bert / file).read_bytes())
    content[len(content) // 2] ^= 1
    (own_bert / file).write_bytes(content)
    now = reference_to(str(own_bert)).files[file]
    with pytest.raises(ModelError, match=file) as error:
        load_encoder(reference)
    assert now[:12] in str(error.value)
    assert reference.files[file][:12] in str(error.value)


def test_weights_that_lack_a_tensor_are_refused_instead_of_drawn(own_bert: Path) -> None:
    tensors = safetensors.torch.load_file(own_bert / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    safetensors.torch.save_file(tensors, own_bert / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks 1 tensors, first encoder\.layer\.1\.output"):
        load_encoder(reference_to(str(own_bert)))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.safetensors", b"no safetensors at all"),
        ("model.safetensors", b""),
        ("model.safetensors", None),
        ("config.json", b"no JSON"),
        ("config.json", b"[]"),
        ("config.json", b'{"model_type": "bert", "hidden_size": "many"}'),
        ("config.json", b'{"model_type": "bert", "hidden_size": 48}'),
        ("tokenizer.json", b"{}"),
        ("tokenizer_config.json", b"no JSON"),
    ],
)
def test_an_encoder_whose_files_cannot_be_read_is_refused_in_one_sentence(
    own_bert: Path, file: str, content: bytes | None
) -> None:
    whole = (own_bert / file).read_bytes()
    (own_bert / file).write_bytes(whole[:-100] if content is None else content)
    with pytest.raises(ModelError) as refused:
        load_encoder(reference_to(str(own_bert)))
    sentence = str(refused.value)
    assert sentence.startswith(f"encoder '{own_bert}': ")
    assert "restore it" in sentence
    assert ("tokenizer" if "tokenizer" in file else file) in sentence
    assert "\n" not in sentence


def test_an_encoder_that_the_system_cannot_read_is_refused_by_its_file(own_bert: Path) -> None:
    (own_bert / "model.safetensors").unlink()
    # which can be opened, and not read from its begin
    (own_bert / "model.safetensors").symlink_to("/proc/self/mem")
    with pytest.raises(
        ModelError, match=r"model\.safetensors: cannot be read \(Input/output error"
    ):
        reference_to(str(own_bert))


def test_a_family_we_cannot_read_is_refused(own_bert: Path) -> None:
    config = json.loads((own_bert / "config.json").read_text())
    (own_bert / "config.json").write_text(json.dumps(config | {"model_type": "gpt2"}))
    with pytest.raises(ModelError, match="'gpt2'; supported are bert, roberta, mpnet"):
        load_encoder(reference_to(str(own_bert)))


def test_an_activation_we_do_not_compute_is_refused(own_bert: Path) -> None:
    config = json.loads((own_bert / "config.json").read_text())
    (own_bert / "config.json").write_text(json.dumps(config | {"hidden_act": "relu"}))
    with pytest.raises(ModelError, match=r"config\.json says hidden_act 'relu'.*expected 'gelu'"):
        load_encoder(reference_to(str(own_bert)))


def test_weights_of_a_model_with_a_head_and_under_the_oldest_names_are_read(own_bert: Path) -> None:
    expected = load_encoder(reference_to(str(own_bert))).state_dict()
    tensors = safetensors.torch.load_file(own_bert / "model.safetensors")
    renamed = {
        f"bert.{name}".replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): one
        for name, one in tensors.items()
    }
    renamed["cls.predictions.bias"] = torch.zeros(3)
    safetensors.torch.save_file(renamed, own_bert / "model.safetensors")
    found = load_encoder(reference_to(str(own_bert))).state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_an_encoder_loads_from_elsewhere_if_it_is_the_same(own_bert: Path, tmp_path: Path) -> None:
    reference = reference_to(str(own_bert))
    shutil.copytree(own_bert, tmp_path / "moved")
    moved = dataclasses.replace(reference, name=str(tmp_path / "moved"))
    assert load_encoder(moved).width == 32


@settings(max_examples=25)
@given(texts=st.lists(sentences, min_size=1, max_size=8))
def test_any_text_has_tokens_within_the_limit(
    small_encoders: dict[str, EncoderReference], texts: list[str]
) -> None:
    for reference in small_encoders.values():
        tokens = load_encoder(reference).tokenize(texts, 8)
        assert len(tokens) == len(texts)
        assert all(2 <= len(turn) <= 8 for turn in tokens)
