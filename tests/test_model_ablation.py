from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from small_training import LEARNING, PAST_DATA, PAST_DEV, PAST_SETTINGS, past_says

import model.ablation
from model.ablation import Ablation
from model.artifact import load_model, open_checkpoint
from model.comparison import ladder_table
from model.errors import ModelError
from model.evaluate import predict
from model.folds import load_said
from model.ladder import LADDER, Row, read_ladder
from model.references import EncoderReference
from model.train import train

ALONE = Row("alone", dataclasses.replace(PAST_SETTINGS, history=0), LEARNING, seeds=2)
MEMORY = Row("memory", PAST_SETTINGS, LEARNING, seeds=2, against="alone")
SHUFFLED = Row(
    "shuffled",
    PAST_SETTINGS,
    dataclasses.replace(LEARNING, speakers="shuffled"),
    seeds=1,
    against="memory",
)


@pytest.fixture
def ablation(small_bert: EncoderReference, tmp_path: Path) -> Ablation:
    return again(small_bert, tmp_path)


def again(encoder: EncoderReference, folder: Path) -> Ablation:
    return Ablation(PAST_DATA, PAST_DEV, second=(), encoder=encoder, folder=folder)


def test_the_table_tells_what_an_idea_brings(ablation: Ablation, tmp_path: Path) -> None:
    rows = [ALONE, MEMORY, SHUFFLED]
    results = {row.name: [ablation.result(row, seed) for seed in range(row.seeds)] for row in rows}
    alone, memory, shuffled = ladder_table(rows, results, ablation.gold, ablation.dialogues)
    assert memory["mean"] > 90 > 70 > max(alone["mean"], shuffled["mean"])
    assert memory["log_loss"] < min(alone["log_loss"], shuffled["log_loss"])
    assert (memory["against"], shuffled["against"]) == ("alone", "memory")
    assert memory["difference"]["low"] > 0 > shuffled["difference"]["high"]
    assert "difference" not in alone
    assert (alone["seeds"], len(memory["weighted_f1"]), shuffled["sd"]) == (2, 2, None)
    # one a seed: the three rows differ in the speaker's past alone
    assert len([path for path in (tmp_path / "contexts").iterdir() if path.is_dir()]) == 2


def test_a_finished_row_is_told_apart_and_asks_its_folds_once(
    small_bert: EncoderReference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = [part for seed in (0, 2, 3) for part in past_says(seed, 80, seed + 3)]
    ablation = Ablation(data, PAST_DEV, second=(), encoder=small_bert, folder=tmp_path)
    taught = dataclasses.replace(LEARNING, taught=0.5)
    rows = [dataclasses.replace(row, training=taught, finished=True) for row in (ALONE, MEMORY)]
    with monkeypatch.context() as patch:
        patch.setattr(model.ablation, "FOLDS", 3)
        alone, memory = ([ablation.result(row, seed) for seed in (0, 1)] for row in rows)
    (crossed,) = (tmp_path / "contexts").glob("*-folds.safetensors")
    assert load_said(crossed, data, PAST_SETTINGS.labels).shape == (sum(map(len, data)), 2)
    known = ablation.gold >= 0
    right = [np.mean((one.labels == ablation.gold)[known]) for one in (*alone, *memory)]
    # a past that tells something keeps its weight
    assert min(right[2:]) > 0.9 > 0.7 > max(right[:2])
    ablation.result(MEMORY, 0)
    kept = [path.stem.endswith("-finished") for path in (tmp_path / "results").iterdir()]
    assert sorted(kept) == [False, True, True, True, True]


def test_a_finished_row_says_what_a_training_of_its_settings_says(
    small_bert: EncoderReference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the rounding of weights, which an ablation reads from checkpoints in bfloat16."""
    data = [part for seed in (0, 2, 3) for part in past_says(seed, 80, seed + 3)]
    settings = dataclasses.replace(PAST_SETTINGS, utterance_layers=1)
    training = dataclasses.replace(LEARNING, taught=0.5)
    row = Row("what ships", settings, training, seeds=1, finished=True)
    monkeypatch.setattr(model.ablation, "FOLDS", 3)
    ablation = Ablation(data, PAST_DEV, second=(), encoder=small_bert, folder=tmp_path / "ladder")
    train(
        data, PAST_DEV, settings=settings, training=training, encoder=small_bert,
        output=tmp_path / "trained", folds=3,
    )  # fmt: skip
    trained = load_model(open_checkpoint(tmp_path / "trained")).for_inference(precision="float32")
    labels = predict(trained, PAST_DEV, remembered=data).argmax(axis=1)
    known = ablation.gold >= 0  # what has no gold label is not read where scores alone are wanted
    assert len(set(labels[known])) == 2
    np.testing.assert_array_equal(ablation.result(row, 0).labels[known], labels[known])


def test_what_is_finished_is_not_trained_again(
    ablation: Ablation,
    small_bert: EncoderReference,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = ablation.result(MEMORY, 0)
    monkeypatch.setattr(model.ablation, "train", lambda *_, **__: pytest.fail("trained again"))
    kept = again(small_bert, tmp_path).result(MEMORY, 0)
    np.testing.assert_array_equal(kept.labels, first.labels)
    assert (kept.log_loss, kept.seconds) == (first.log_loss, first.seconds)


def test_the_ladder_that_ships_has_a_story_of_main_rows_and_controls() -> None:
    rows = {row.name: row for row in read_ladder(LADDER, ("joy", "sadness"))}
    main = [row for row in rows.values() if row.main]
    assert {row.seeds for row in main} == {5}
    assert {row.seeds for row in rows.values() if not row.main} == {3}
    for row in main:  # each main row's step is measured against a main row, over as many seeds
        assert row.against is None or rows[row.against].main
    assert {row.training.speakers for row in main} == {"corpus", "dialogue", "shuffled"}


@pytest.mark.parametrize(
    ("ladder", "told"),
    [
        ('[[row]]\nname = "a"\nlayers = 2', "row 'a': layers is no setting of it"),
        ('[[row]]\nname = "a"\nseed = 2', "row 'a': seed is no setting of it"),
        (
            '[[row]]\nname = "a"\nhistory = -1',
            "row 'a': history, trained_layers and",
        ),
        ('[[row]]\nname = "a"\nspeakers = "all"', "row 'a': speakers is 'all', not one of corpus"),
        ('[[row]]\nname = "a"\nagainst = "b"', "row 'a' stands against 'b', no row"),
        ('[[row]]\nname = "a"\n[[row]]\nname = "a"', "two rows have one name"),
        ("[all]\nepochs = 1", "has no row"),
        ("[[row]", "cannot be read"),
    ],
)
def test_a_ladder_that_is_off_is_refused_by_name(tmp_path: Path, ladder: str, told: str) -> None:
    path = tmp_path / "ladder.toml"
    path.write_text(ladder)
    with pytest.raises(ModelError) as refused:
        read_ladder(path, ("joy", "sadness"))
    assert str(refused.value).startswith(f"{path}: {told}")
