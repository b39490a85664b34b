from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import LABELS, untrained

from model.encoders.references import EncoderReference
from model.network.speaker import SpeakerGRU, pad_to_multiple, recalled_windows, speaker_windows

SPEAKERS = st.lists(st.sampled_from(["ann", "bo", "cleo", None]), max_size=30)
WHO = np.array(["ann", "bo", None])
WIDTH, HIDDEN = 12, 7


def naive_window(speakers: list[str | None], at: int, n: int) -> list[int]:
    """Its definition: the last n of the same, known speaker, strictly before."""
    earlier = [j for j in range(at) if speakers[at] is not None and speakers[j] == speakers[at]]
    kept = earlier[max(0, len(earlier) - n) :]
    return [-1] * (n - len(kept)) + kept


@given(SPEAKERS, st.integers(0, 5))
def test_a_window_is_the_last_n_of_its_speaker_strictly_before(
    speakers: list[str | None], n: int
) -> None:
    windows = speaker_windows(speakers, n)
    assert windows.shape == (len(speakers), n)
    assert windows.tolist() == [naive_window(speakers, at, n) for at in range(len(speakers))]


@given(SPEAKERS, st.integers(0, 5), st.integers(0, 30))
def test_cutting_later_utterances_changes_no_window(
    speakers: list[str | None], n: int, cut: int
) -> None:
    whole, prefix = speaker_windows(speakers, n), speaker_windows(speakers[:cut], n)
    np.testing.assert_array_equal(prefix, whole[:cut])


def test_unknown_speakers_have_no_history_together() -> None:
    assert (speaker_windows([None, None, "ann", None], 3) == -1).all()


@given(SPEAKERS, SPEAKERS, st.integers(0, 5))
def test_an_episode_with_what_was_recalled_has_the_histories_of_the_whole_timeline(
    before: list[str | None], episode: list[str | None], n: int
) -> None:
    embeddings = np.arange(len(before) + len(episode), dtype=np.float16)[:, None]
    known = {who for who in episode if who is not None}
    recalled = {
        who: np.array(
            [row for row, name in zip(embeddings, before, strict=False) if name == who][-n:]
        )
        for who in sorted(known)
        if who in before and n
    }
    joined, windows = recalled_windows(episode, embeddings[len(before) :], recalled, n)
    whole = speaker_windows([*before, *episode], n)[len(before) :]
    np.testing.assert_array_equal(windows >= 0, whole >= 0)
    np.testing.assert_array_equal(joined[windows[windows >= 0]], embeddings[whole[whole >= 0]])


def gru_pair() -> tuple[SpeakerGRU, torch.nn.GRU]:
    """Ours and PyTorch's with the same weights; both have the gates in the order r, z, n."""
    torch.manual_seed(3)
    ours = SpeakerGRU(width=WIDTH, hidden=HIDDEN)
    theirs = torch.nn.GRU(WIDTH, HIDDEN, batch_first=True)
    theirs.load_state_dict(
        {
            "weight_ih_l0": ours.input.weight,
            "bias_ih_l0": ours.input.bias,
            "weight_hh_l0": ours.hidden.weight,
            "bias_hh_l0": ours.hidden.bias,
        }
    )
    return ours, theirs


@given(SPEAKERS.filter(bool), st.integers(1, 5), st.integers(0, 2**31))
def test_the_gru_is_that_of_pytorch_on_histories_of_any_length(
    speakers: list[str | None], n: int, seed: int
) -> None:
    ours, theirs = gru_pair()
    embeddings = torch.randn(len(speakers), WIDTH, generator=torch.Generator().manual_seed(seed))
    windows = speaker_windows(speakers, n)
    with torch.inference_mode():
        states = ours(embeddings, torch.from_numpy(windows))
        for state, window in zip(states, windows, strict=True):
            history = embeddings[window[window >= 0]]
            expected = theirs(history[None])[1][0, 0] if len(history) else torch.zeros(HIDDEN)
            torch.testing.assert_close(state, expected, rtol=0, atol=1e-6)


def test_an_empty_history_is_a_state_of_exact_zeros() -> None:
    ours, _ = gru_pair()
    states = ours(torch.randn(4, WIDTH), torch.full((3, 5), -1))
    assert states.shape == (3, HIDDEN)
    assert not states.any()


def test_short_histories_do_not_depend_on_the_window_they_stand_in() -> None:
    ours, _ = gru_pair()
    embeddings = torch.randn(3, WIDTH)
    short = ours(embeddings, torch.tensor([[0, 2]]))
    long = ours(embeddings, torch.tensor([[-1, -1, -1, 0, 2]]))
    torch.testing.assert_close(short, long, rtol=0, atol=0)


@given(st.integers(0, 20))
def test_rows_are_filled_up_to_a_multiple_of_eight(rows: int) -> None:
    padded = pad_to_multiple(torch.ones(rows, 2), -1)
    assert len(padded) % 8 == 0
    assert rows <= len(padded) < rows + 8
    assert (padded[:rows] == 1).all()
    assert (padded[rows:] == -1).all()


@pytest.fixture(scope="module")
def histories() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(300, 32)).astype(np.float16)
    return embeddings, speaker_windows(random.choice(WHO, 300).tolist(), 5)


@pytest.mark.parametrize("rows", [1, 2, 3, 9, 100])
def test_the_bits_of_a_speaker_logit_do_not_depend_on_the_rows_beside_it(
    small_bert: EncoderReference, histories: tuple[np.ndarray, np.ndarray], rows: int
) -> None:
    model = untrained(small_bert).for_inference()
    embeddings, windows = histories
    whole = model.speaker_logits(embeddings, windows)
    assert whole.shape == (300, len(LABELS))
    for start in (0, 57, 200):
        part = model.speaker_logits(embeddings, windows[start : start + rows])
        np.testing.assert_array_equal(part, whole[start : start + rows])


@settings(max_examples=30)
@given(st.data())
def test_the_bits_of_a_speaker_logit_depend_on_its_history_alone(
    default_encoder: EncoderReference, data: st.DataObject
) -> None:
    model = untrained(default_encoder, hidden=128).for_inference()
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(200, 384)).astype(np.float16)
    windows = speaker_windows(random.choice(WHO, 200).tolist(), 5)
    at = data.draw(st.integers(0, len(windows) - 1))
    kept = windows[at][windows[at] >= 0]
    alone = np.full((1, 5), -1)
    alone[0, 5 - len(kept) :] = np.arange(len(kept))
    # as a stage has it: the tail that was recalled, and the episode's own utterance
    part = model.speaker_logits(np.concatenate([embeddings[kept], embeddings[:1]]), alone)
    np.testing.assert_array_equal(part[0], model.speaker_logits(embeddings, windows)[at])


def test_a_speaker_without_history_adds_exact_zeros(small_bert: EncoderReference) -> None:
    model = untrained(small_bert).for_inference()
    logits = model.speaker_logits(np.ones((4, 32), np.float16), np.full((2, 10), -1))
    assert not logits.any()
    none = untrained(small_bert, history=0).for_inference()
    assert not none.speaker_logits(np.ones((4, 32), np.float16), np.zeros((2, 0), np.int64)).any()


def test_no_histories_are_no_logits(small_bert: EncoderReference) -> None:
    model = untrained(small_bert).for_inference()
    nothing = model.speaker_logits(np.zeros((0, 32), np.float16), np.zeros((0, 10), np.int64))
    assert nothing.shape == (0, len(LABELS))
