from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from small_models import LABELS, made_up, small_settings, transcript, untrained

import model.train
from model.artifact import SETTINGS, SUMS, WEIGHTS, load_model, open_checkpoint
from model.batches import Corpus, read_corpus
from model.dataset import Transcript
from model.emonet import EmoNet, Settings
from model.encoder import EncoderReference
from model.errors import ModelError
from model.evaluate import Scores, evaluate
from model.run import Epoch, TrainingSettings
from model.train import train

FILES = [SETTINGS, WEIGHTS, SUMS]
DATA = [made_up(12, seed=seed, dialogues=2) for seed in range(4)]
DEV = [made_up(12, seed=seed, dialogues=2) for seed in range(4, 6)]
SETTINGS_ = small_settings(history=3, trained_layers=1)
TRAINING = TrainingSettings(epochs=3, patience=3, batch_turns=16)


def run(
    output: Path, encoder: EncoderReference, training: TrainingSettings = TRAINING, **changes: Any
) -> list[Epoch]:
    options = {"data": DATA, "dev": DEV, "settings": SETTINGS_, **changes}
    data, dev = options.pop("data"), options.pop("dev")
    return train(data, dev, training=training, encoder=encoder, output=output, **options)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def uninterrupted(
    tmp_path_factory: pytest.TempPathFactory, small_bert: EncoderReference
) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    run(folder, small_bert)
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    return bytes_of(folder)


def test_a_seed_gives_one_checkpoint_to_the_byte(
    tmp_path: Path, small_bert: EncoderReference, uninterrupted: dict[str, bytes]
) -> None:
    run(tmp_path, small_bert)
    assert bytes_of(tmp_path) == uninterrupted


def test_another_seed_gives_other_weights(
    tmp_path: Path, small_bert: EncoderReference, uninterrupted: dict[str, bytes]
) -> None:
    run(tmp_path, small_bert, dataclasses.replace(TRAINING, seed=1))
    assert (tmp_path / WEIGHTS).read_bytes() != uninterrupted[WEIGHTS]


class DeathError(Exception):
    """What training is interrupted with."""


def interrupt_after(share: float) -> Any:
    def advance(done: int, total: int) -> None:
        if done > share * total:
            raise DeathError

    return advance


@pytest.mark.parametrize("share", [0, 0.34, 0.5, 0.99])
def test_an_interrupted_run_ends_as_one_that_was_not(
    tmp_path: Path, small_bert: EncoderReference, uninterrupted: dict[str, bytes], share: float
) -> None:
    with pytest.raises(DeathError):
        run(tmp_path, small_bert, advance=interrupt_after(share))
    with pytest.raises(ModelError, match="no finished checkpoint"):
        open_checkpoint(tmp_path)
    done: list[int] = []
    run(tmp_path, small_bert, advance=lambda step, _: done.append(step))
    assert bytes_of(tmp_path) == uninterrupted
    assert (done[0] > 1) == (share >= 0.34)


def test_a_run_that_died_before_its_checkpoint_is_not_trained_again(
    tmp_path: Path,
    small_bert: EncoderReference,
    uninterrupted: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(*_: object) -> None:
        raise DeathError

    with monkeypatch.context() as patch:
        patch.setattr(model.train, "save_checkpoint", die)
        with pytest.raises(DeathError):
            run(tmp_path, small_bert)
    run(tmp_path, small_bert, advance=die)
    assert bytes_of(tmp_path) == uninterrupted


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": dataclasses.replace(SETTINGS_, history=4)},
        {"training": dataclasses.replace(TRAINING, seed=1)},
        {"data": DATA[:3]},
        {"dev": DEV[:1]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_unfinished_run_with_other_settings_is_refused(
    tmp_path: Path, small_bert: EncoderReference, changes: dict[str, Any]
) -> None:
    with pytest.raises(DeathError):
        run(tmp_path, small_bert, advance=interrupt_after(0.5))
    with pytest.raises(ModelError, match="unfinished run with other data or settings"):
        run(tmp_path, small_bert, **changes)


@pytest.fixture
def scripted_dev(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, torch.Tensor]]]:
    """Dev scores of 10, 30, 20, 25, 40 percent, and the weights that each was given for."""
    seen: list[dict[str, torch.Tensor]] = []

    def dev_scores(trained: EmoNet, _: Corpus) -> Scores:
        seen.append({name: value.detach().clone() for name, value in trained.trained().items()})
        right = (10, 30, 20, 25, 40)[len(seen) - 1]
        wrong = 100 - right
        # both classes are as often right: weighted F1 is their share
        return Scores(("a", "b"), np.array([[right, wrong], [wrong, right]]))

    monkeypatch.setattr(model.train, "dev_scores", dev_scores)
    return seen  # type: ignore[return-value]


def test_training_stops_when_dev_gains_no_more_and_keeps_the_best_epoch(
    tmp_path: Path, small_bert: EncoderReference, scripted_dev: list[dict[str, torch.Tensor]]
) -> None:
    epochs = run(tmp_path, small_bert, TrainingSettings(epochs=5, patience=2, batch_turns=16))
    assert [epoch.dev for epoch in epochs] == pytest.approx([10, 30, 20, 25])
    stored = safetensors.torch.load_file(tmp_path / WEIGHTS)
    for name, tensor in scripted_dev[1].items():
        torch.testing.assert_close(stored[name], tensor.to(stored[name].dtype), rtol=0, atol=0)
    assert any((stored[name] != last).any() for name, last in scripted_dev[3].items())
    provenance = open_checkpoint(tmp_path).provenance
    assert provenance["epoch"] == 2
    assert provenance["dev_weighted_f1"] == pytest.approx(30)


def test_an_interruption_does_not_restart_patience(
    tmp_path: Path, small_bert: EncoderReference, scripted_dev: list[dict[str, torch.Tensor]]
) -> None:
    training = TrainingSettings(epochs=5, patience=2, batch_turns=16)
    with pytest.raises(DeathError):
        run(tmp_path, small_bert, training, advance=interrupt_after(0.6))
    assert len(scripted_dev) == 3
    assert len(run(tmp_path, small_bert, training)) == 4


def test_a_checkpoint_says_where_it_comes_from(uninterrupted: dict[str, bytes]) -> None:
    provenance = json.loads(uninterrupted[SETTINGS])["provenance"]
    assert provenance["training"] == dataclasses.asdict(TRAINING)
    assert provenance["train_utterances"] == sum(map(len, DATA))
    assert provenance["dev_utterances"] == sum(map(len, DEV))
    assert sum(provenance["train_labels"].values()) == sum(map(len, DATA))
    assert provenance["versions"].keys() == {"python", "torch", "transformers"}


def test_progress_counts_every_step(tmp_path: Path, small_bert: EncoderReference) -> None:
    seen: list[tuple[int, int]] = []
    run(tmp_path, small_bert, advance=lambda done, total: seen.append((done, total)))
    assert seen == [(step + 1, len(seen)) for step in range(len(seen))]


def test_a_corpus_is_read_in_the_order_of_its_places(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    trained = untrained(small_bert, history=3)
    # by their ids the episodes stand the other way round
    data = [dataclasses.replace(t, episode=f"{9 - n}") for n, t in enumerate(DATA)]
    sorted_, dev = read_corpus(trained, data, DEV)
    shuffled, dev_again = read_corpus(trained, data[::-1], DEV[::-1])
    for one, other in ((sorted_, shuffled), (dev, dev_again)):
        assert one.turns == other.turns
        assert one.windows == other.windows
        np.testing.assert_array_equal(one.histories, other.histories)
        np.testing.assert_array_equal(one.gold, other.gold)
    places = np.concatenate([np.full(len(t), n) for n, t in enumerate([*DATA, *DEV])])
    asked = np.concatenate([sorted_.histories, dev.histories])
    assert (places[asked] <= places[:, None])[asked >= 0].all()


def test_dev_remembers_what_was_said_in_the_training_set(small_bert: EncoderReference) -> None:
    trained = untrained(small_bert, history=3)
    _, dev = read_corpus(trained, DATA, DEV)
    known = {who for t in DATA for who in t.speakers}
    speakers = [who for t in DEV for who in t.speakers]
    assert any(speakers)
    for who, history in zip(speakers, dev.histories, strict=True):
        assert (history >= 0).all() == (who in known and who is not None)


def word_says(seed: int, episodes: Sequence[int]) -> list[Transcript]:
    """A word of the turn itself decides its label."""
    cues = {"joy": "glad", "neutral": "door", "sadness": "lost"}
    random = np.random.default_rng(seed)
    made = []
    for episode in episodes:
        labels = random.choice(LABELS, 24).tolist()
        texts = [f"we {random.choice(['all', 'then'])} {cues[label]} now" for label in labels]
        made.append(
            transcript(
                texts,
                episode=f"{episode}",
                place=(episode,),
                dialogues=[f"d{turn // 4}" for turn in range(24)],
                labels=labels,
            )
        )
    return made


def past_says(seed: int, speakers: int, first: int) -> list[Transcript]:
    """What a speaker said in one episode, without a label, decides their label in the next."""
    random = np.random.default_rng(seed)
    names = [f"{first}-{number}" for number in range(speakers)]
    feelings = random.choice(["joy", "sadness"], speakers).tolist()
    before = ["i love it" if feeling == "joy" else "i hate it" for feeling in feelings]
    order = random.permutation(speakers).tolist()
    scenes = [f"d{turn // 4}" for turn in range(speakers)]
    return [
        transcript(before, episode=f"{first}a", place=(first, 1), names=names, dialogues=scenes),
        transcript(
            ["well it is so"] * speakers,
            episode=f"{first}b",
            place=(first, 2),
            names=[names[number] for number in order],
            dialogues=scenes,
            labels=[feelings[number] for number in order],
        ),
    ]


LEARNING = TrainingSettings(epochs=6, patience=6, batch_turns=16, encoder_rate=1e-3, head_rate=1e-2)


def test_it_learns_what_a_word_says(tmp_path: Path, small_encoder: EncoderReference) -> None:
    data, dev = word_says(0, range(8)), word_says(1, range(8, 10))
    settings = small_settings(tag="none", history=0)
    training = dataclasses.replace(LEARNING, epochs=30, patience=30, encoder_rate=3e-3)
    run(tmp_path, small_encoder, training, data=data, dev=dev, settings=settings)
    trained = load_model(open_checkpoint(tmp_path)).for_inference()
    assert evaluate(trained, dev, remembered=data).weighted_f1 > 0.9


PAST_DATA, PAST_DEV = past_says(0, 160, 1), past_says(1, 80, 2)
PAST_SETTINGS = Settings(
    ("joy", "sadness"),
    tag="none",
    history=2,
    hidden=16,
    window_tokens=64,
    turn_tokens=16,
    trained_layers=0,
)


def test_it_learns_what_only_the_speakers_past_says(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    run(
        tmp_path,
        small_bert,
        LEARNING,
        data=PAST_DATA,
        dev=PAST_DEV,
        settings=PAST_SETTINGS,
    )
    trained = load_model(open_checkpoint(tmp_path)).for_inference()
    scores = evaluate(trained, PAST_DEV, remembered=PAST_DATA)
    assert scores.confusion.sum() == 80
    assert scores.weighted_f1 > 0.9


@pytest.mark.parametrize("control", ["no history", "shuffled speakers"])
def test_without_the_speakers_own_past_it_cannot_learn_that(
    tmp_path: Path, small_bert: EncoderReference, control: str
) -> None:
    shuffled = control == "shuffled speakers"
    settings = dataclasses.replace(PAST_SETTINGS, history=2 if shuffled else 0)
    training = dataclasses.replace(LEARNING, shuffled_speakers=shuffled)
    epochs = run(tmp_path, small_bert, training, data=PAST_DATA, dev=PAST_DEV, settings=settings)
    assert max(epoch.dev for epoch in epochs) < 70


def test_utterances_without_gold_are_read_and_not_learned_from(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    unlabelled = dataclasses.replace(
        made_up(40, seed=9, dialogues=5), labels=[None] * 40, episode="unlabelled", place=(9,)
    )
    each_its_own_batch = dataclasses.replace(TRAINING, epochs=1, batch_turns=1)
    epochs = run(tmp_path, small_bert, each_its_own_batch, data=[*DATA, unlabelled])
    assert all(np.isfinite(epoch.loss) for epoch in epochs)


def test_a_dev_label_that_training_lacks_is_refused(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    with pytest.raises(ModelError, match="the data has the labels anger"):
        run(tmp_path, small_bert, dev=[transcript(["Grr."], episode="x", labels=["anger"])])


@pytest.mark.parametrize("field", ["epochs", "patience", "batch_turns"])
def test_training_settings_that_train_nothing_are_refused(field: str) -> None:
    with pytest.raises(ModelError, match=field):
        TrainingSettings(**{field: 0})
