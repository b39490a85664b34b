from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from small_training import HISTORY_DATA, HISTORY_DEV, HISTORY_SETTINGS, LEARNING, history_decides

from model.ablation.ablation import Ablation
from model.ablation.comparison import suite_table
from model.ablation.suite import SUITE, Variant, read_suite
from model.checkpoint import load_model, open_checkpoint
from model.dataset import Data
from model.encoders.references import EncoderReference
from model.errors import ModelError
from model.evaluation.scores import predict, score
from model.network.settings import Settings, TrainingSettings
from model.training.loop import TrainingLoop
from model.training.train import train

PAPERS = dataclasses.replace(LEARNING, fit_speaker_weight=False)
ALONE = Variant("alone", dataclasses.replace(HISTORY_SETTINGS, history=0), PAPERS, seeds=2)
HISTORY = Variant("history", HISTORY_SETTINGS, PAPERS, seeds=2, against="alone")
SHUFFLED = Variant(
    "shuffled",
    HISTORY_SETTINGS,
    dataclasses.replace(PAPERS, speakers="shuffled"),
    seeds=1,
    against="history",
)


@pytest.fixture
def ablation(small_bert: EncoderReference, tmp_path: Path) -> Ablation:
    return again(small_bert, tmp_path)


def again(encoder: EncoderReference, folder: Path) -> Ablation:
    return Ablation(Data(HISTORY_DATA, HISTORY_DEV), encoder=encoder, folder=folder)


def steps_of(folder: Path, name: str) -> list[Path]:
    return sorted(folder.glob(f"steps/{name}-*"))


def test_the_table_tells_what_an_idea_brings(ablation: Ablation, tmp_path: Path) -> None:
    variants = [ALONE, HISTORY, SHUFFLED]
    results = {v.name: [ablation.result(v, seed) for seed in range(v.seeds)] for v in variants}
    alone, history, shuffled = suite_table(variants, results, ablation.gold, ablation.dialogues)
    assert history["mean"] > 90 > 70 > max(alone["mean"], shuffled["mean"])
    assert history["log_loss"] < min(alone["log_loss"], shuffled["log_loss"])
    assert (history["against"], shuffled["against"]) == ("alone", "history")
    assert history["difference"]["low"] > 0 > shuffled["difference"]["high"]
    assert "difference" not in alone
    assert (alone["seeds"], len(history["weighted_f1"]), shuffled["sd"]) == (2, 2, None)
    # one a seed: the three differ in the speaker stage alone
    assert len(steps_of(tmp_path, "context")) == 2


def test_variants_and_seeds_share_the_folds(small_bert: EncoderReference, tmp_path: Path) -> None:
    data = [part for seed in (0, 2, 3) for part in history_decides(seed, 80, seed + 3)]
    ablation = Ablation(Data(data, HISTORY_DEV), encoder=small_bert, folder=tmp_path)
    folds = dataclasses.replace(LEARNING, oof_folds=3)
    alone, history = (
        [ablation.result(dataclasses.replace(variant, training=folds), seed) for seed in (0, 1)]
        for variant in (ALONE, HISTORY)
    )
    assert len(steps_of(tmp_path, "fold")) == 3
    assert len(steps_of(tmp_path, "out-of-fold-logits")) == 1
    known = ablation.gold >= 0
    right = [np.mean((one.labels == ablation.gold)[known]) for one in (*alone, *history)]
    # a history that tells something keeps its weight
    assert min(right[2:]) > 0.9 > 0.7 > max(right[:2])


def test_the_ablation_of_a_variant_gives_what_training_it_gives(
    small_bert: EncoderReference, tmp_path: Path
) -> None:
    data = Data(
        [part for seed in (0, 2, 3) for part in history_decides(seed, 80, seed + 3)], HISTORY_DEV
    )
    settings = dataclasses.replace(HISTORY_SETTINGS, utterance_encoder_layers=1)
    training = dataclasses.replace(LEARNING, oof_folds=3)
    variant = Variant("what ships", settings, training, seeds=1)
    ablation = Ablation(data, encoder=small_bert, folder=tmp_path / "suite")
    result = ablation.result(variant, 1)
    seeded = dataclasses.replace(training, seed=1)
    train(data, settings, seeded, small_bert, tmp_path / "trained")
    checkpoint = open_checkpoint(tmp_path / "trained")
    one_hot = np.eye(2, dtype=np.float32)[result.labels]
    reached = 100 * score(ablation.gold, one_hot, settings.labels).weighted_f1
    assert checkpoint.provenance["dev_weighted_f1"] == reached
    # but for the rounding of weights, which a checkpoint keeps in bfloat16
    trained = load_model(checkpoint).for_inference(precision="float32")
    labels = predict(trained, HISTORY_DEV, history=data.train).argmax(axis=1)
    known = ablation.gold >= 0  # what has no gold label is not read where scores alone are wanted
    assert len(set(labels[known])) == 2
    np.testing.assert_array_equal(result.labels[known], labels[known])


def test_what_is_finished_is_not_trained_again(
    ablation: Ablation,
    small_bert: EncoderReference,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = ablation.result(HISTORY, 0)
    monkeypatch.setattr(TrainingLoop, "run", lambda *_: pytest.fail("trained again"))
    kept = again(small_bert, tmp_path).result(HISTORY, 0)
    np.testing.assert_array_equal(kept.labels, first.labels)
    assert (kept.log_loss, kept.seconds) == (first.log_loss, first.seconds)
    again(small_bert, tmp_path).result(SHUFFLED, 0)  # its context is there


def test_the_suite_that_ships_has_a_story_of_main_variants_and_controls() -> None:
    variants = {variant.name: variant for variant in read_suite(SUITE, ("joy", "sadness"))}
    main = [variant for variant in variants.values() if variant.main]
    assert {variant.seeds for variant in main} == {5}
    assert {variant.seeds for variant in variants.values() if not variant.main} == {3}
    for variant in main:  # each step is measured against a main variant, over as many seeds
        assert variant.against is None or variants[variant.against].main
    assert {variant.training.speakers for variant in main} == {"corpus", "dialogue", "shuffled"}


def test_the_suite_keeps_the_values_that_it_was_run_with() -> None:
    *_, last = read_suite(SUITE, ("joy", "sadness"))
    assert last.settings == Settings(
        ("joy", "sadness"), trained_layers=4, embedding_layers=0, utterance_encoder_layers=4
    )
    assert last.training == TrainingSettings(epochs=3)


@pytest.mark.parametrize(
    ("suite", "message"),
    [
        ('[[variant]]\nname = "a"\nepoch = 2', "variant 'a': 'epoch' is no setting; did you mean"),
        ('[[variant]]\nname = "a"\nseed = 2', "variant 'a': has a seed; all variants are trained"),
        ('[[variant]]\nname = "a"\nhistory = -1', "variant 'a': history is -1, not 0 or more"),
        (
            '[[variant]]\nname = "a"\nspeakers = "all"',
            "variant 'a': speakers is 'all', not one of corpus",
        ),
        (
            '[[variant]]\nname = "a"\nagainst = "b"',
            "variant 'a' stands against 'b', no variant of it",
        ),
        ('[[variant]]\nname = "a"\n[[variant]]\nname = "a"', "two variants have one name"),
        ("[all]\nepochs = 1", "has no variant"),
        ("[[variant]", "cannot be read"),
    ],
)
def test_a_suite_that_is_off_is_refused_by_name(tmp_path: Path, suite: str, message: str) -> None:
    path = tmp_path / "suite.toml"
    path.write_text(suite)
    with pytest.raises(ModelError) as refused:
        read_suite(path, ("joy", "sadness"))
    assert str(refused.value).startswith(f"{path}: {message}")
