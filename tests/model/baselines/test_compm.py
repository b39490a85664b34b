from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import LABELS, cut, made_up, transcript, transcripts, untrained

from model.baselines.compm import CoMPM
from model.dataset import Transcript
from model.encoders.references import EncoderReference, locate
from model.errors import ModelError
from model.network.emonet import EmoNet
from model.network.encoder import Encoder, load_encoder
from model.network.padding import collate
from model.network.speaker import SpeakerGRU, speaker_windows
from model.network.windows import Window, tag_turns


def baseline(reference: EncoderReference, seed: int = 0) -> CoMPM:
    """With larger weights than usual, so that little stays hidden."""
    torch.manual_seed(seed)
    model = CoMPM(
        labels=LABELS,
        context=load_encoder(reference),
        memory=load_encoder(reference),
        trained_layers=2,
    )
    with torch.no_grad():
        for part in (model.gru, model.project, model.classify):
            for parameter in part.parameters():
                parameter.mul_(3)
    return model


def for_float32(reference: EncoderReference) -> CoMPM:
    return baseline(reference).for_inference(precision="float32")


def first_state(model: EmoNet, tokens: list[int]) -> torch.Tensor:
    """What EmoNet's context encoder says of one turn, read out from its first token."""
    view, device = model.view(model.context), model.device
    batch = collate([tokens], [Window(0, 0, 1)], 16, model.context.pad_id, view, device)
    return model.context(batch)[:1]  # type: ignore[no-any-return]


def by_transformers(encoder: Encoder) -> torch.nn.Module:
    """An encoder's weights, computed with by `transformers`."""
    folder = locate(encoder.reference.name)
    network = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager")
    return network.eval()  # type: ignore[no-any-return]


def published(model: CoMPM, whole: Transcript, turn: int) -> np.ndarray:
    """One utterance's logits, step by step as in the published code, a row at a time."""

    def first(encoder: torch.nn.Module, text: list[str], limit: int) -> torch.Tensor:
        pieces = [id_ for one in text for id_ in tokenizer(one, add_special_tokens=False).input_ids]
        tokens = [tokenizer.cls_token_id, *pieces[-(limit - 1) :]]
        no_mask = torch.zeros(1, 1, len(tokens), len(tokens))
        output = encoder(input_ids=torch.tensor([tokens]), attention_mask=no_mask)
        return output.last_hidden_state[:, 0]  # type: ignore[no-any-return]

    tokenizer = model.context.tokenizer
    tagged = tag_turns(whole.texts, whole.names, whole.dialogues, "local")
    here = [i for i in range(turn + 1) if whole.dialogues[i] == whole.dialogues[turn]]
    state = first(
        by_transformers(model.context), [tagged[i] for i in here], model.context.max_tokens
    )
    memory = torch.zeros(1, model.gru.hidden_size)
    who = whole.speakers[turn]
    earlier = [i for i in here[:-1] if who is not None and whole.speakers[i] == who]
    if earlier:
        rows = [
            first(by_transformers(model.memory), [whole.texts[i]], model.memory.max_tokens)
            for i in earlier
        ]
        memory = model.gru(torch.stack(rows))[0][-1]
    return model.classify(state + model.project(memory))[0].numpy()  # type: ignore[no-any-return]


@torch.inference_mode()
def test_every_utterance_is_labelled_as_the_published_code_does_one_by_one(
    small_encoder: EncoderReference,
) -> None:
    model = for_float32(small_encoder)
    whole = made_up(24, dialogues=2)
    logits = model.logits(whole)
    assert logits.dtype == np.float32
    longest = max(len(row) for row in model.read(whole).contexts)
    assert longest == model.context.max_tokens  # the second half of a dialogue loses its beginning
    one_by_one = [published(model, whole, turn) for turn in range(len(whole))]
    np.testing.assert_allclose(logits, one_by_one, atol=1e-5)


@torch.inference_mode()
def test_the_first_turn_of_a_dialogue_is_labelled_as_by_emonet(
    small_encoder: EncoderReference,
) -> None:
    model = for_float32(small_encoder)
    other = untrained(small_encoder, tag="local", turn_tokens=64, history=3)
    other.for_inference(precision="float32")
    other.classify.load_state_dict(model.classify.state_dict())
    whole = made_up(12, dialogues=12)
    turns = other.context_turns(whole)
    # CoMPM's rows lack the special token at the end
    ours = torch.cat([other.classify(first_state(other, turn[:-1])) for turn in turns])
    np.testing.assert_allclose(model.logits(whole), ours.numpy(), atol=1e-5)


@torch.inference_mode()
def test_the_memory_within_a_dialogue_is_that_of_emonets_gru_over_the_same_windows(
    small_bert: EncoderReference,
) -> None:
    model = for_float32(small_bert)
    whole = made_up(40, dialogues=2)
    reading = model.read(whole)
    memories = torch.randn(len(whole), model.memory.width)
    lower, upper = (emonets_gru(model.gru, layer) for layer in range(2))
    who = zip(whole.dialogues, whole.speakers, strict=True)
    speakers = [speaker and f"{dialogue} {speaker}" for dialogue, speaker in who]
    windows = torch.from_numpy(speaker_windows(speakers, len(whole)))
    with_own = torch.cat([windows, torch.arange(len(whole)).unsqueeze(1)], dim=1)
    expected = model.project(upper(lower(memories, with_own), windows))
    assert (expected.abs().sum(dim=1) > 0).sum() > 20
    np.testing.assert_allclose(model.recall(reading, memories), expected, atol=1e-5)


def emonets_gru(gru: torch.nn.GRU, layer: int) -> SpeakerGRU:
    ours = SpeakerGRU(width=gru.input_size, hidden=gru.hidden_size)
    for linear, side in ((ours.input, "ih"), (ours.hidden, "hh")):
        state = gru.state_dict()
        weight, bias = (state[f"{kind}_{side}_l{layer}"] for kind in ("weight", "bias"))
        linear.load_state_dict({"weight": weight, "bias": bias})
    return ours


@settings(max_examples=30)
@given(whole=transcripts(), data=st.data())
def test_later_turns_change_no_earlier_logit(
    small_bert: EncoderReference, whole: Transcript, data: st.DataObject
) -> None:
    model = for_float32(small_bert)
    turns = data.draw(st.integers(1, len(whole)))
    np.testing.assert_allclose(
        model.logits(cut(whole, turns)), model.logits(whole)[:turns], atol=1e-5
    )


def test_earlier_turns_of_the_dialogue_are_read_and_those_of_another_are_not(
    small_encoder: EncoderReference,
) -> None:
    model = for_float32(small_encoder)
    whole = made_up(8, dialogues=2)
    other = dataclasses.replace(whole, texts=["sorry i am late", *whole.texts[1:]])
    before, after = model.logits(whole), model.logits(other)
    assert (np.abs(before[:4] - after[:4]) > 1e-4).any(axis=1).all()
    np.testing.assert_allclose(before[4:], after[4:], atol=1e-5)


def test_what_a_speaker_said_is_remembered_and_an_unknown_one_has_no_memory(
    small_bert: EncoderReference,
) -> None:
    model = for_float32(small_bert)
    texts = ["you lost my boat", "no", "yes", "oh"]
    reading = model.read(transcript(texts, names=["Ann Lee", None, "Ann Lee", None]))
    assert reading.spoken == [[0, 2]]
    recalled = model.recall(reading, model.memorize(reading))
    assert [bool(row.any()) for row in recalled] == [False, False, True, False]


def test_low_precision_gives_nearly_the_same(default_encoder: EncoderReference) -> None:
    whole = made_up(20, dialogues=2)
    exact = baseline(default_encoder).for_inference(precision="float32").logits(whole)
    fast = baseline(default_encoder).for_inference(precision="bfloat16").logits(whole)
    assert 0 < np.abs(fast - exact).max() < 0.1 * exact.std()


def test_more_layers_than_the_encoder_has_are_refused(small_bert: EncoderReference) -> None:
    with pytest.raises(ModelError, match="trained_layers is 3, not within 0 and the encoders' 2"):
        CoMPM(
            labels=LABELS,
            context=load_encoder(small_bert),
            memory=load_encoder(small_bert),
            trained_layers=3,
        )
