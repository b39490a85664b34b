from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import (
    LABELS,
    WORDS,
    cut,
    made_up,
    sentences,
    small_settings,
    transcript,
    transcripts,
    untrained,
)

from model.dataset import Transcript
from model.encoders.references import EncoderReference
from model.errors import ModelError
from model.evaluation.scores import evaluate, predict
from model.network.emonet import EmoNet, histories
from model.network.precision import Precision, autocast
from model.network.settings import Calibration, TrainingSettings
from model.network.speaker import recalled_windows
from model.network.utterance import utterance_only
from model.training.batches import corpus_logits, read_corpus

ONE_TURN = dataclasses.asdict(utterance_only(small_settings(), TrainingSettings())[0])
precisions = pytest.mark.parametrize("precision", Precision)


def assert_cutting_changes_nothing(model: EmoNet, whole: Transcript, *, cuts: list[int]) -> None:
    """Bit for bit, in context logits and in embeddings."""
    everything = model.encode(whole)
    assert everything.context_logits.shape == (len(whole), len(model.settings.labels))
    assert everything.embeddings.dtype == np.float16
    for turns in cuts:
        prefix = model.encode(cut(whole, turns))
        np.testing.assert_array_equal(prefix.context_logits, everything.context_logits[:turns])
        np.testing.assert_array_equal(prefix.embeddings, everything.embeddings[:turns])


@precisions
@pytest.mark.parametrize("per_turn_positions", [False, True])
@pytest.mark.parametrize("tag", ["none", "local", "global"])
def test_cutting_later_turns_changes_no_earlier_logit(
    small_encoder: EncoderReference, tag: str, *, per_turn_positions: bool, precision: str
) -> None:
    model = untrained(small_encoder, tag=tag, per_turn_positions=per_turn_positions)
    model.for_inference(precision=precision)
    whole = made_up(24, dialogues=2)
    assert_cutting_changes_nothing(model, whole, cuts=[1, 2, 5, 11, 12, 13, 20, 23])


@precisions
@pytest.mark.parametrize("window_turns", [1, 3])
def test_a_window_of_turns_keeps_prefix_invariance(
    small_encoder: EncoderReference, window_turns: int, *, precision: str
) -> None:
    model = untrained(small_encoder, window_turns=window_turns)
    model.for_inference(precision=precision)
    assert_cutting_changes_nothing(model, made_up(16), cuts=[1, 7, 8, 15])


@precisions
def test_cutting_later_turns_changes_no_earlier_logit_of_the_default_encoder(
    default_encoder: EncoderReference, *, precision: str
) -> None:
    model = untrained(default_encoder, turn_tokens=32)
    model.for_inference(precision=precision)
    whole = made_up(18)
    assert len(model.windows(model.context_turns(whole), whole.dialogues)) > 3
    assert_cutting_changes_nothing(model, whole, cuts=[1, 4, 9, 13, 17])


@precisions
def test_whole_positions_of_the_default_encoder_keep_prefix_invariance(
    default_encoder: EncoderReference, *, precision: str
) -> None:
    model = untrained(default_encoder, window_tokens=512, turn_tokens=128)
    model.for_inference(precision=precision)
    whole = made_up(30, words=30)
    assert len(model.windows(model.context_turns(whole), whole.dialogues)) > 1
    assert_cutting_changes_nothing(model, whole, cuts=[10, 29])


@precisions
@settings(max_examples=30)
@given(whole=transcripts(), data=st.data())
def test_any_cut_of_any_transcript_changes_nothing_before_it(
    small_bert: EncoderReference, whole: Transcript, data: st.DataObject, *, precision: str
) -> None:
    model = untrained(small_bert).for_inference(precision=precision)
    turns = data.draw(st.integers(1, len(whole)))
    assert_cutting_changes_nothing(model, whole, cuts=[turns])


@precisions
@settings(max_examples=20)
@given(whole=transcripts(), others=st.lists(transcripts(max_turns=6), max_size=4), data=st.data())
def test_an_encoding_does_not_depend_on_the_episodes_that_are_read_with_it(
    small_encoders: Mapping[str, EncoderReference],
    whole: Transcript,
    others: list[Transcript],
    data: st.DataObject,
    *,
    precision: str,
) -> None:
    family = data.draw(st.sampled_from(sorted(small_encoders)))
    model = untrained(small_encoders[family]).for_inference(precision=precision)
    place = data.draw(st.integers(0, len(others)))
    together = model.encode_all([*others[:place], whole, *others[place:]])[place]
    alone = model.encode(whole)
    np.testing.assert_array_equal(together.context_logits, alone.context_logits)
    np.testing.assert_array_equal(together.embeddings, alone.embeddings)


@precisions
def test_earlier_turns_of_a_dialogue_are_read(
    small_encoder: EncoderReference, *, precision: str
) -> None:
    model = untrained(small_encoder).for_inference(precision=precision)
    whole = made_up(6)
    other = dataclasses.replace(whole, texts=["sorry i am late", *whole.texts[1:]])
    before, after = model.encode(whole), model.encode(other)
    assert (before.context_logits != after.context_logits).any(axis=1).all()
    np.testing.assert_array_equal(before.embeddings[1:], after.embeddings[1:])


@precisions
def test_places_of_turns_are_of_no_account_where_each_stands_alone(
    small_encoder: EncoderReference, *, precision: str
) -> None:
    whole = made_up(8, dialogues=8)
    in_window, in_turn = (
        untrained(small_encoder, per_turn_positions=per_turn_positions).for_inference(
            precision=precision
        )
        for per_turn_positions in (False, True)
    )
    np.testing.assert_array_equal(
        in_window.encode(whole).context_logits, in_turn.encode(whole).context_logits
    )


def test_a_turn_counts_the_less_the_farther_back_it_lies(small_bert: EncoderReference) -> None:
    model = untrained(small_bert, per_turn_positions=True, window_tokens=128)
    model.for_inference(precision="float32")

    def moved(turns: int) -> float:
        """By how much a turn moves the logits of the one that comes so many turns later."""
        logits = [
            model.encode(transcript([first, *["so it is"] * turns])).context_logits[-1]
            for first in ("i love it", "sorry i am late")
        ]
        return float(np.abs(logits[0] - logits[1]).max())

    assert moved(1) > 3 * moved(12) > 0


@precisions
def test_turns_that_see_themselves_alone_do_not_see_the_one_before(
    small_encoder: EncoderReference, *, precision: str
) -> None:
    model = untrained(small_encoder, window_turns=1).for_inference(precision=precision)
    whole = made_up(6)
    other = dataclasses.replace(whole, texts=["sorry i am late", *whole.texts[1:]])
    before, after = model.encode(whole).context_logits, model.encode(other).context_logits
    np.testing.assert_array_equal(before[1:], after[1:])
    assert (before[0] != after[0]).any()


@precisions
def test_changing_one_dialogue_changes_no_logit_of_another(
    small_encoder: EncoderReference, *, precision: str
) -> None:
    model = untrained(small_encoder).for_inference(precision=precision)
    whole = made_up(24, dialogues=4)
    inside = np.array([dialogue == "d1" for dialogue in whole.dialogues])
    texts = ["you lost my boat" if hit else t for t, hit in zip(whole.texts, inside, strict=True)]
    before = model.encode(whole).context_logits
    after = model.encode(dataclasses.replace(whole, texts=texts)).context_logits
    np.testing.assert_array_equal(before[~inside], after[~inside])
    assert (before[inside] != after[inside]).any()


@precisions
@settings(max_examples=30)
@given(texts=st.lists(sentences, min_size=1, max_size=12), data=st.data())
def test_an_embedding_depends_on_its_text_alone(
    small_encoders: Mapping[str, EncoderReference],
    texts: list[str],
    data: st.DataObject,
    *,
    precision: str,
) -> None:
    family = data.draw(st.sampled_from(sorted(small_encoders)))
    model = untrained(small_encoders[family]).for_inference(precision=precision)
    together = model.embed(texts)
    chosen = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=20))
    np.testing.assert_array_equal(model.embed([texts[i] for i in chosen]), together[chosen])


@precisions
def test_an_embedding_of_the_default_encoder_depends_on_its_text_alone(
    default_encoder: EncoderReference, *, precision: str
) -> None:
    model = untrained(default_encoder).for_inference(precision=precision)
    texts = [" ".join(WORDS[start : start + start % 40]) for start in range(60)]
    together = model.embed(texts)
    for chosen in ([0], [59], [7, 8], [30, 2, 41], list(range(0, 60, 3))):
        np.testing.assert_array_equal(model.embed([texts[i] for i in chosen]), together[chosen])


@pytest.mark.usefixtures("precision")
def test_embeddings_have_mean_zero_and_variance_one(small_encoder: EncoderReference) -> None:
    embeddings = untrained(small_encoder).for_inference().embed(["go home", "", "yes " * 40])
    assert embeddings.shape == (3, 32)
    np.testing.assert_allclose(embeddings.astype(np.float64).mean(axis=1), 0, atol=1e-3)
    np.testing.assert_allclose(embeddings.astype(np.float64).var(axis=1), 1, atol=2e-3)


@pytest.mark.usefixtures("precision")
def test_an_episode_without_utterances_has_an_encoding_without_rows(
    small_encoder: EncoderReference,
) -> None:
    encoding = untrained(small_encoder).for_inference().encode(transcript([]))
    assert encoding.context_logits.shape == (0, len(LABELS))
    assert encoding.embeddings.shape == (0, 32)


def test_low_precision_gives_nearly_the_labels_of_float32(
    default_encoder: EncoderReference,
) -> None:
    whole = made_up(40, dialogues=4)
    exact = untrained(default_encoder).for_inference(precision="float32").encode(whole)
    quick = untrained(default_encoder).for_inference(precision="bfloat16").encode(whole)
    assert (exact.context_logits != quick.context_logits).any()
    margin = np.diff(np.sort(exact.context_logits, axis=1)[:, -2:], axis=1)[:, 0]
    clear = margin > 0.1 * margin.max()
    agree = exact.context_logits.argmax(axis=1) == quick.context_logits.argmax(axis=1)
    assert agree[clear].all()


def test_the_sum_of_both_parts_is_one_joint_forward(
    small_encoder: EncoderReference, precision: str
) -> None:
    data = [made_up(12, seed=seed, dialogues=2) for seed in range(3)]
    model = untrained(small_encoder, history=4).eval()
    texts = [text for one in data for text in one.texts]
    utterance, in_training = model.read_utterances(texts)
    with autocast(model.device):
        context = corpus_logits(model, read_corpus(model, data, LABELS))
    model.for_inference()
    embeddings = model.embed(texts)
    speaker = model.speaker_logits(embeddings, histories(data, 4))
    together = context + utterance + speaker
    apart = predict(model, data)
    # in training softmax is float32, in use it is bfloat16, whose numbers have eight bits
    bound = 1e-5 if precision == "float32" else 2**-6 * np.abs(together).max()
    if precision == "float32":  # what lies between two numbers of float16 may become either
        np.testing.assert_allclose(in_training, embeddings, rtol=2**-10, atol=1e-5)
    np.testing.assert_allclose(apart, together, rtol=0, atol=bound)
    for addend in (context, utterance, speaker):
        assert np.abs(addend).max() > 1e-2


@precisions
def test_utterance_only_logits_depend_on_the_text_alone(
    small_encoder: EncoderReference, *, precision: str
) -> None:
    model = untrained(small_encoder).for_inference(precision=precision)
    texts = made_up(20).texts
    logits, embeddings = model.read_utterances(texts)
    np.testing.assert_array_equal(embeddings, model.embed(texts))
    backwards, _ = model.read_utterances(texts[::-1])
    np.testing.assert_array_equal(backwards[::-1], logits)
    for turn in (0, 7, 19):
        one, _ = model.read_utterances(texts[turn : turn + 1])
        np.testing.assert_array_equal(one, logits[[turn]])
    assert len(np.unique(logits, axis=0)) > 10


@pytest.mark.usefixtures("precision")
def test_without_history_and_utterance_only_classifier_an_utterance_is_encoded_once(
    small_encoder: EncoderReference,
) -> None:
    calls = []
    model = untrained(small_encoder, history=0, utterance_encoder_layers=0).for_inference()
    model.embedder.register_forward_pre_hook(lambda *_: calls.append(1))
    encoding = model.encode(made_up(12))
    assert not calls
    assert encoding.embeddings.shape == (12, model.embedder.width)
    remembering = untrained(small_encoder, history=1, utterance_encoder_layers=0).for_inference()
    np.testing.assert_array_equal(
        encoding.context_logits, remembering.encode(made_up(12)).context_logits
    )


@pytest.mark.usefixtures("precision")
def test_lower_layers_embed_what_a_pass_through_them_alone_gives(
    small_encoder: EncoderReference,
) -> None:
    texts = made_up(12).texts
    lower = untrained(small_encoder, utterance_encoder_layers=0, embedding_layers=1)
    whole = untrained(small_encoder, utterance_encoder_layers=0, embedding_layers=0)
    del whole.embedder.layers[1:]
    one, other = (model.for_inference().embed(texts) for model in (lower, whole))
    np.testing.assert_array_equal(one, other)
    # what an utterance-only classifier reads has all layers, and so does its embedding
    forked = untrained(small_encoder, utterance_encoder_layers=1, embedding_layers=1)
    assert len(forked.embedder.layers) == len(forked.context.layers)


def test_the_utterance_only_classifier_gives_the_logits_of_a_model_of_one_turn(
    small_encoder: EncoderReference,
) -> None:
    whole = made_up(12)
    one_turn = untrained(small_encoder, seed=1, **ONE_TURN)
    with torch.no_grad():  # layers that were moved, as training moves them
        for parameter in one_turn.context.layers[-1].parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    without, model = (untrained(small_encoder, utterance_encoder_layers=1) for _ in range(2))
    with torch.no_grad():
        without.utterance.classify.weight.zero_()
        without.utterance.classify.bias.zero_()
    model.utterance.load(one_turn.context, one_turn.classify)
    for one in (one_turn, without, model):
        one.for_inference(precision="float32")
    both = without.encode(whole).context_logits + one_turn.encode(whole).context_logits
    np.testing.assert_allclose(model.encode(whole).context_logits, both, rtol=0, atol=1e-5)


def test_calibrated_logits_are_those_of_the_parts_by_the_numbers(
    small_bert: EncoderReference,
) -> None:
    data, bias = [made_up(9, seed=seed) for seed in range(3)], (0.5, -0.75, 0.25)
    numbers = Calibration(0.7, 0.3, speaker_weight=0.4, class_bias=bias, temperature=1.25)
    plain = untrained(small_bert, history=3).for_inference(precision="float32")
    calibrated = untrained(small_bert, calibration=numbers, history=3)
    utterance, embeddings = plain.read_utterances([text for one in data for text in one.texts])
    context = np.concatenate([plain.encode(one).context_logits for one in data]) - utterance
    speaker = plain.speaker_logits(embeddings, histories(data, 3))
    expected = (0.7 * (context + 0.4 * speaker) + 0.3 * utterance + np.array(bias)) / 1.25
    found = predict(calibrated.for_inference(precision="float32"), data)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert found.dtype == np.float32


@pytest.mark.usefixtures("precision")
def test_predicting_is_a_plain_loop_over_the_timeline(small_bert: EncoderReference) -> None:
    data = [made_up(9, seed=seed) for seed in range(3)]
    model = untrained(small_bert, history=3).for_inference()
    encodings = [model.encode(episode) for episode in data]
    speaker = model.speaker_logits(
        np.concatenate([encoding.embeddings for encoding in encodings]), histories(data, 3)
    )
    context = np.concatenate([encoding.context_logits for encoding in encodings])
    np.testing.assert_array_equal(predict(model, data), context + speaker)


@pytest.mark.usefixtures("precision")
def test_labelling_an_episode_with_what_was_recalled_gives_the_bits_of_the_whole_timeline(
    small_bert: EncoderReference,
) -> None:
    data = [made_up(15, seed=seed) for seed in range(3)]
    model = untrained(small_bert, history=4).for_inference()
    *earlier, last = (model.encode(episode) for episode in data)
    embeddings = np.concatenate([encoding.embeddings for encoding in earlier])
    spoke = np.array([who for episode in data[:-1] for who in episode.speakers], dtype=object)
    recalled = {who: embeddings[spoke == who][-4:] for who in set(data[-1].speakers) if who}
    windows = recalled_windows(data[-1].speakers, last.embeddings, recalled, 4)
    alone = last.context_logits + model.speaker_logits(*windows)
    np.testing.assert_array_equal(alone, predict(model, data)[30:])


@pytest.mark.usefixtures("precision")
def test_the_order_of_arrival_changes_neither_logits_nor_scores(
    small_bert: EncoderReference,
) -> None:
    data = [made_up(9, seed=seed) for seed in range(4)]
    model = untrained(small_bert).for_inference()
    np.testing.assert_array_equal(predict(model, data[::-1]), predict(model, data))
    assert evaluate(model, data[::-1]).as_json() == evaluate(model, data).as_json()


@pytest.mark.usefixtures("precision")
def test_remembered_episodes_give_a_history_from_their_place_on_the_timeline(
    small_bert: EncoderReference,
) -> None:
    first, second, third = (made_up(9, seed=seed) for seed in range(3))
    model = untrained(small_bert).for_inference()
    whole = predict(model, [first, second, third])
    np.testing.assert_array_equal(predict(model, [second], history=[third, first]), whole[9:18])
    np.testing.assert_array_equal(
        predict(model, [third], history=[third, second, first]), whole[18:]
    )
    assert (predict(model, [third]) != whole[18:]).any()


def test_progress_counts_the_labelled_utterances(small_bert: EncoderReference) -> None:
    done: list[int] = []
    data = [made_up(3, seed=1), made_up(5, seed=2)]
    model = untrained(small_bert).for_inference()
    predict(model, data, history=[made_up(7)], advance=done.append)
    assert done == [3, 5]


def test_only_upper_layers_and_the_head_are_trained(small_encoder: EncoderReference) -> None:
    names = untrained(small_encoder, trained_layers=1).trained().keys()
    inside = {name for name in names if name.startswith("context.")}
    assert inside
    assert all(".encoder.layer.1." in name for name in inside)
    assert not any(name.startswith("embedder.") for name in names)
    head = {name.split(".")[0] for name in names - inside}
    assert head == {"gru", "project", "utterance", "classify"}
    none: dict[str, Any] = {"trained_layers": 0, "history": 0, "utterance_encoder_layers": 0}
    without = untrained(small_encoder, **none).trained()
    assert without.keys() == {"classify.weight", "classify.bias"}


def test_asking_what_is_trained_changes_nothing(small_bert: EncoderReference) -> None:
    model = untrained(small_bert, trained_layers=1)
    names = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert names == model.trained().keys()
    ready = model.for_inference()
    assert not any(parameter.requires_grad for parameter in ready.parameters())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tag": "name"}, "tag is 'name', not one of none, local, global"),
        ({"history": -1}, "history"),
        ({"hidden": 0}, "hidden"),
        ({"trained_layers": -1}, "trained_layers"),
        ({"embedding_layers": -1}, "embedding_layers is -1"),
        ({"utterance_encoder_layers": -1}, "utterance_encoder_layers"),
        ({"window_turns": 0}, "window_turns is 0"),
        ({"turn_tokens": 7}, "turn_tokens is 7"),
        ({"turn_tokens": 65}, r"turn_tokens is 65, not within 8 and window_tokens \(64\)"),
    ],
)
def test_settings_that_make_no_model_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        small_settings(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window_tokens": 129}, "window_tokens is 129, the encoder has 128 positions"),
        ({"trained_layers": 3}, "trained_layers is 3, the encoder has 2 layers"),
        ({"utterance_encoder_layers": 3}, "utterance_encoder_layers is 3, the encoder has 2"),
        (
            {"utterance_encoder_layers": 0, "embedding_layers": 3},
            "3 layers are wanted of encoder .* it has 2",
        ),
    ],
)
def test_settings_that_the_encoder_cannot_serve_are_refused_with_both_sides(
    small_encoder: EncoderReference, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        untrained(small_encoder, **changes)


@precisions
@pytest.mark.parametrize("window_tokens", [100, 128])
def test_windows_as_long_as_the_encoder_allows_are_read(
    small_encoder: EncoderReference, window_tokens: int, *, precision: str
) -> None:
    model = untrained(small_encoder, window_tokens=window_tokens, turn_tokens=window_tokens)
    encoding = model.for_inference(precision=precision).encode(transcript(["yes " * 200]))
    assert np.isfinite(encoding.context_logits).all()
