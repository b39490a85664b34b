from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import safetensors.torch
import torch
from small_models import LABELS, made_up, small_settings, transcript, untrained
from small_training import (
    DATA,
    DEV,
    LEARNING,
    PAST_DATA,
    PAST_DEV,
    PAST_SETTINGS,
    SETTINGS,
    TRAINING,
    run,
)

import model.train
from model.artifact import WEIGHTS, load_model, open_checkpoint
from model.batches import read_context, read_corpus
from model.calibration import fit_temperature
from model.dataset import SPEAKERS, Transcript, gold_indices
from model.errors import ModelError
from model.evaluate import evaluate, predict
from model.offsets import class_offsets
from model.references import EncoderReference
from model.settings import TrainingSettings
from model.train import uncalibrated


def test_progress_counts_every_step(tmp_path: Path, small_bert: EncoderReference) -> None:
    seen: list[tuple[int, int]] = []
    steps: list[int] = []
    # an epoch has more or fewer batches as long dialogues and short ones come one after another
    data = [made_up(12, seed=seed, dialogues=12 if seed % 2 else 1) for seed in range(6)]
    run(
        tmp_path,
        small_bert,
        dataclasses.replace(TRAINING, batch_turns=5),
        data=data,
        advance=lambda done, total: seen.append((done, total)),
        finished=lambda _: steps.append(len(seen)),
    )
    assert len(set(np.diff([0, *steps]))) > 1
    assert seen == [(step + 1, len(seen)) for step in range(len(seen))]


def test_a_corpus_is_read_in_the_order_of_its_places(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    trained = untrained(small_bert, history=3)
    # by their ids the episodes stand the other way round
    data = [dataclasses.replace(t, episode=f"{9 - n}") for n, t in enumerate(DATA)]
    sorted_, dev = read_corpus(trained, data, DEV)
    shuffled, dev_again = read_corpus(trained, data[::-1], DEV[::-1])
    context, context_again = (read_context(trained, t, LABELS) for t in (data, data[::-1]))
    assert context.turns == sorted_.turns
    for one, other in ((sorted_, shuffled), (dev, dev_again), (context, context_again)):
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


def test_it_learns_what_a_word_says(tmp_path: Path, small_encoder: EncoderReference) -> None:
    data, dev = word_says(0, range(8)), word_says(1, range(8, 10))
    settings = small_settings(tag="none", history=0)
    training = dataclasses.replace(LEARNING, epochs=30, patience=30, encoder_rate=3e-3)
    run(tmp_path, small_encoder, training, data=data, dev=dev, settings=settings)
    trained = load_model(open_checkpoint(tmp_path)).for_inference()
    assert evaluate(trained, dev, remembered=data).weighted_f1 > 0.9


def test_what_words_say_is_learned_beside_a_context_that_learns_nothing(
    tmp_path: Path, small_encoder: EncoderReference
) -> None:
    data, dev = word_says(0, range(8)), word_says(1, range(8, 10))
    settings = small_settings(tag="none", history=0, trained_layers=0, utterance_layers=2)
    training = dataclasses.replace(LEARNING, epochs=30, patience=30, encoder_rate=3e-3)
    run(tmp_path, small_encoder, training, data=data, dev=dev, settings=settings)
    trained = load_model(open_checkpoint(tmp_path)).for_inference()
    assert evaluate(trained, dev, remembered=data).weighted_f1 > 0.9


def test_other_labels_of_like_dialogue_teach_the_encoder(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    data, dev = word_says(0, [0]), word_says(1, range(8, 10))
    other = {"joy": "bright", "neutral": "plain", "sadness": "dark"}
    second = [
        dataclasses.replace(t, labels=[other[str(label)] for label in t.labels])
        for t in word_says(2, range(20, 30))
    ]
    # with turns as places the one transcript would do, and there were nothing left to gain
    settings = small_settings(tag="none", history=0, turn_places=False, utterance_layers=0)
    training = dataclasses.replace(
        LEARNING, epochs=20, patience=20, batch_turns=4, encoder_rate=3e-3, second_weight=2
    )
    alone, beside = (
        max(
            epoch.dev
            for epoch in run(
                tmp_path / f"{len(taught)}",
                small_bert,
                training,
                data=data,
                dev=dev,
                settings=settings,
                second=taught,
            )
        )
        for taught in ([], second)
    )
    assert beside > alone + 10


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


@pytest.mark.parametrize("control", ["no history", "shuffled", "episode", "no second stage"])
def test_without_the_speakers_own_past_it_cannot_learn_that(
    tmp_path: Path, small_bert: EncoderReference, control: str
) -> None:
    settings = dataclasses.replace(PAST_SETTINGS, history=0 if control == "no history" else 2)
    training = dataclasses.replace(
        LEARNING,
        speakers=control if control in SPEAKERS else "corpus",
        memory_epochs=0 if control == "no second stage" else LEARNING.memory_epochs,
    )
    run(tmp_path, small_bert, training, data=PAST_DATA, dev=PAST_DEV, settings=settings)
    assert open_checkpoint(tmp_path).provenance["dev_weighted_f1"] < 70


def test_the_context_is_the_same_with_and_without_memory(
    tmp_path: Path, small_bert: EncoderReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    # dev would leave nothing of what is learned of a past by lot
    monkeypatch.setattr(model.train, "speaker_share", lambda *_: 1.0)
    folders = [tmp_path / f"{history}" for history in (0, 3)]
    for folder, history in zip(folders, (0, 3), strict=True):
        settings = dataclasses.replace(SETTINGS, history=history)
        run(folder, small_bert, settings=settings)
    without, memory = (safetensors.torch.load_file(folder / WEIGHTS) for folder in folders)
    context = [name for name in without if name.startswith("context.")]
    assert context
    assert all(torch.equal(without[name], memory[name]) for name in context)
    assert memory["project.weight"].any()
    assert (
        open_checkpoint(folders[0]).provenance["epochs"]
        == (open_checkpoint(folders[1]).provenance["epochs"])
    )


def test_a_checkpoint_is_as_sure_of_its_labels_as_dev_says(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    before, after = PAST_DEV
    # without a wrong label there is no being too sure
    wrong = [after.labels[5 * (n // 5)] for n in range(len(after))]
    dev = [before, dataclasses.replace(after, labels=wrong)]
    run(tmp_path, small_bert, LEARNING, data=PAST_DATA, dev=dev, settings=PAST_SETTINGS)
    checkpoint = open_checkpoint(tmp_path)
    assert checkpoint.provenance["temperature"] > 1.5
    logits = predict(load_model(checkpoint).for_inference(), dev, remembered=PAST_DATA)
    gold = gold_indices(dev, checkpoint.settings.labels)
    # weights are stored in bfloat16
    assert fit_temperature(logits, gold) == pytest.approx(1, abs=0.1)


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


def test_dev_data_without_a_gold_label_is_refused_before_anything_is_made(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    unlabelled = [dataclasses.replace(t, labels=[None] * len(t)) for t in DEV]
    with pytest.raises(ModelError, match="none of the 24 utterances to score on has a gold label"):
        run(tmp_path / "checkpoint", small_bert, dev=unlabelled)
    assert not (tmp_path / "checkpoint").exists()


def test_an_output_that_cannot_be_written_is_refused_before_the_data_is_read(
    tmp_path: Path, small_bert: EncoderReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.delattr(model.train, "read_corpus")
    with pytest.raises(ModelError, match=r"file/checkpoint/.training: cannot be written \(Not a"):
        run(tmp_path / "file" / "checkpoint", small_bert)


@pytest.mark.parametrize("field", ["epochs", "patience", "batch_turns"])
def test_training_settings_that_train_nothing_are_refused(field: str) -> None:
    with pytest.raises(ModelError, match=field):
        TrainingSettings(**{field: 0})


TAUGHT = dataclasses.replace(TRAINING, taught=0.5)


def crossed(
    data: Sequence[Transcript],
    folder: Path,
    encoder: EncoderReference,
    training: TrainingSettings = TRAINING,
) -> np.ndarray:
    return model.train.cross_logits(
        data,
        DEV,
        settings=SETTINGS,
        training=dataclasses.replace(training, epochs=1),
        encoder=encoder,
        second=(),
        folder=folder,
        folds=2,
        advance=lambda done, total: None,
    )


def test_what_is_said_of_an_episode_was_not_learned_from_it(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    said = crossed(DATA, tmp_path / "as it is", small_bert)
    assert said.shape == (sum(map(len, DATA)), len(SETTINGS.labels))
    other = [next(label for label in LABELS if label != gold) for gold in DATA[0].labels]
    changed = [dataclasses.replace(DATA[0], labels=other), *DATA[1:]]
    then = crossed(changed, tmp_path / "changed", small_bert)
    ends = np.cumsum([len(t) for t in DATA])[:-1]
    pairs = zip(np.split(said, ends), np.split(then, ends), strict=True)
    same = [np.array_equal(one, two) for one, two in pairs]
    # the first and the third lie in one part, which the changed labels are no lesson for
    assert same == [True, False, True, False]


def test_those_who_teach_are_not_taught(tmp_path: Path, small_bert: EncoderReference) -> None:
    np.testing.assert_array_equal(
        crossed(DATA, tmp_path / "taught", small_bert, TAUGHT),
        crossed(DATA, tmp_path / "alone", small_bert),
    )


def test_a_context_is_taught_by_what_others_say(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    utterances, classes = sum(map(len, DATA)), len(SETTINGS.labels)
    settings = dataclasses.replace(SETTINGS, history=0)
    training = dataclasses.replace(TAUGHT, taught=0.9, head_rate=1.0, averaging=0)
    for number, label in enumerate(SETTINGS.labels):
        said = np.tile(np.float32(9) * np.eye(classes, dtype=np.float32)[number], (utterances, 1))
        folder = tmp_path / label
        run(folder, small_bert, training, settings=settings, teacher=said)
        logits = predict(load_model(open_checkpoint(folder)).for_inference(), DEV)
        assert (logits.argmax(axis=1) == number).mean() > 0.9


def test_a_teacher_takes_the_place_of_the_folds_in_teaching_alone(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    shape = sum(map(len, DATA)), len(LABELS)
    teacher, said, other = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    models = []
    for number, folds in enumerate((None, said, other)):
        folder = tmp_path / str(number)
        run(folder, small_bert, TAUGHT, said=folds, teacher=teacher)
        models.append(uncalibrated(open_checkpoint(folder)))
    for one, folds in zip(models[1:], (said, other), strict=True):
        torch.testing.assert_close(one.context.state_dict(), models[0].context.state_dict())
        moved = (one.classify.bias - models[0].classify.bias).numpy(force=True)
        offsets = class_offsets(folds, gold_indices(DATA, SETTINGS.labels))
        np.testing.assert_allclose(moved, offsets, atol=1e-5)
    run(tmp_path / "own", small_bert, TAUGHT, said=said)
    own = uncalibrated(open_checkpoint(tmp_path / "own"))
    assert not torch.allclose(own.classify.weight, models[1].classify.weight)


def test_there_must_be_somebody_to_be_taught_by(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    with pytest.raises(ModelError, match=r"taught is 0.5, and without folds there is no teacher"):
        run(tmp_path, small_bert, TAUGHT)
    with pytest.raises(ModelError, match="taught is 2, not within 0 and 1"):
        TrainingSettings(taught=2)


def test_folds_that_are_finished_are_not_trained_again(
    tmp_path: Path, small_bert: EncoderReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "whole", small_bert, TAUGHT, folds=2)
    with monkeypatch.context() as patch:
        patch.setattr(model.train, "class_offsets", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "again", small_bert, TAUGHT, folds=2)
    with monkeypatch.context() as patch:
        patch.setattr(model.train.TrainingRun, "epoch", lambda *_: pytest.fail("trained again"))
        run(tmp_path / "again", small_bert, TAUGHT, folds=2)
    whole, again = ((tmp_path / name / WEIGHTS).read_bytes() for name in ("whole", "again"))
    assert whole == again
    assert not (tmp_path / "again" / ".training").exists()


def test_offsets_move_the_labels_towards_a_higher_score(
    tmp_path: Path, small_bert: EncoderReference
) -> None:
    run(tmp_path / "with", small_bert, folds=2)
    run(tmp_path / "without", small_bert)
    with_, without = (load_model(open_checkpoint(tmp_path / name)) for name in ("with", "without"))
    torch.testing.assert_close(with_.context.state_dict(), without.context.state_dict())
    assert not torch.equal(with_.classify.bias, without.classify.bias)
    with pytest.raises(ModelError, match="folds is 5, not 0 or within 2 and the 4 episodes"):
        run(tmp_path / "too many", small_bert, folds=5)
