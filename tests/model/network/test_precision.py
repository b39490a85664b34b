from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from small_models import LABELS, made_up, untrained
from torch import nn

from model.baselines.compm import CoMPM
from model.encoders.references import EncoderReference
from model.errors import ModelError
from model.network.emonet import EmoNet
from model.network.encoder import load_encoder
from model.network.inference import PreparedLinear
from model.network.precision import VARIABLE, Precision, autocast, precision_on
from model.training.batches import corpus_logits, read_corpus

CPU = torch.device("cpu")
WHOLE = made_up(12, dialogues=2)


@pytest.mark.parametrize("has", [False, True])
def test_any_processor_computes_in_what_is_forced(
    precision: str, monkeypatch: pytest.MonkeyPatch, *, has: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has)
    assert precision_on(CPU) == precision
    with autocast(CPU):
        product = nn.Linear(4, 4)(torch.ones(2, 4))
    assert str(product.dtype) == f"torch.{precision}"


@pytest.mark.parametrize("variable", [None, ""])
@pytest.mark.parametrize("has", [False, True])
def test_without_being_forced_a_processor_computes_in_the_lowest_precision_it_has(
    monkeypatch: pytest.MonkeyPatch, *, has: bool, variable: str | None
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.delenv(VARIABLE, raising=False)
    if variable is not None:
        monkeypatch.setenv(VARIABLE, variable)
    assert precision_on(CPU) is (Precision.BFLOAT16 if has else Precision.FLOAT32)


def test_an_argument_goes_before_the_variable(precision: str, small_bert: EncoderReference) -> None:
    for forced in Precision:
        model = untrained(small_bert).for_inference(precision=forced)
        assert model.precision is forced
        layer = model.context.layers[0].get_submodule("intermediate.dense")
        assert isinstance(layer, PreparedLinear)
        assert str(layer.dtype) == f"torch.{forced}"
    assert untrained(small_bert).for_inference().precision == precision


def test_another_precision_is_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, small_bert: EncoderReference
) -> None:
    expected = "expected float32 or bfloat16"
    with pytest.raises(ModelError, match=f"^precision is 'float16', {expected}$"):
        untrained(small_bert).for_inference(precision="float16")
    monkeypatch.setenv(VARIABLE, "half")
    with pytest.raises(ModelError, match=f"^{VARIABLE} is 'half', {expected}$"):
        autocast(CPU)


GIVES: dict[str, Callable[[EmoNet], np.ndarray]] = {
    "encode": lambda model: model.encode(WHOLE).context_logits,
    "read_utterances": lambda model: model.read_utterances(WHOLE.texts)[0],
    "embed": lambda model: model.embed(WHOLE.texts),
    "speaker_logits": lambda model: model.speaker_logits(
        np.ones((4, model.embedder.width), np.float16), np.array([[0, 1, 2], [-1, 2, 3]])
    ),
    "corpus_logits": lambda model: corpus_logits(model, read_corpus(model, [WHOLE], LABELS)),
}


@pytest.mark.usefixtures("precision")
@pytest.mark.parametrize("gives", GIVES.values(), ids=GIVES.keys())
def test_numpy_gets_what_is_computed_under_autocast(
    small_encoder: EncoderReference, gives: Callable[[EmoNet], np.ndarray]
) -> None:
    model = untrained(small_encoder, history=3).eval()
    exact = gives(untrained(small_encoder, history=3).for_inference(precision="float32"))
    with autocast(CPU):
        found = gives(model)
    assert found.dtype == exact.dtype
    np.testing.assert_allclose(found, exact, rtol=0, atol=0.1 * np.abs(exact).max())


@pytest.mark.usefixtures("precision")
def test_a_baselines_logits_reach_numpy_under_autocast(small_bert: EncoderReference) -> None:
    context, memory = load_encoder(small_bert), load_encoder(small_bert)
    model = CoMPM(labels=("a", "b"), context=context, memory=memory, trained_layers=0).eval()
    with autocast(CPU):
        assert model.logits(WHOLE).dtype == np.float32


@pytest.mark.usefixtures("precision")
def test_a_classifier_gives_the_same_logits_under_autocast(small_bert: EncoderReference) -> None:
    model = untrained(small_bert)
    states = torch.randn(8, model.context.width)
    with autocast(CPU):
        under = [part(states) for part in (model.classify, model.utterance.classify)]
    for found, part in zip(under, (model.classify, model.utterance.classify), strict=True):
        torch.testing.assert_close(found, part(states), rtol=0, atol=0)
