from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from made_up_corpora import episode, label, write_jsonl, write_season

import emonet
from beam_pipeline.records import EmonetError
from emonet.model import Model
from model.checkpoint import Checkpoint
from model.encoders.references import EncoderReference
from model.errors import ModelError

ROWS = [row for number in (1, 2) for row in episode(number)]


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Checkpoint) -> Model:
    return emonet.load_model(tiny_checkpoint.folder)


def of_the_model(table: pa.Table) -> list[dict[str, Any]]:
    """Rows without the columns that tell where they came from."""
    return table.drop_columns(["corpus"]).to_pylist()  # type: ignore[no-any-return]


def test_what_is_in_memory_is_labelled_as_the_job_labels_it_to_the_last_bit(
    model: Model, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    season = write_season(tmp_path / "quay", (1, 2))
    label(tiny_checkpoint, [season], tmp_path / "out")
    job = emonet.open_corpus(tmp_path / "out").labels()
    assert sum(length > 0 for length in job["history_length"].to_pylist()) > 10
    assert of_the_model(emonet.label(ROWS, model=model)) == of_the_model(job)
    assert of_the_model(emonet.label(season, model=model)) == of_the_model(job)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.Table.from_pylist])
def test_rows_and_data_frames_have_the_same_labels(frame: Any, model: Model) -> None:
    assert emonet.label(frame(ROWS), model=model).equals(emonet.label(ROWS, model=model))


def test_pandas_and_polars_take_the_result_as_it_is(model: Model) -> None:
    table = emonet.label(["yes", "no"], model=model)
    assert table.to_pandas()["text"].tolist() == ["yes", "no"]
    assert pl.DataFrame(table)["label"].to_list() == table["label"].to_pylist()


@pytest.mark.parametrize("data", [[], [1, 2], ["yes", None], 7, None, {"text": ["yes"]}, [[]]])
def test_what_is_no_data_is_refused_in_one_sentence(data: Any, model: Model) -> None:
    with pytest.raises(EmonetError, match="expected a list of texts, a list of rows"):
        emonet.label(data, model=model)


def test_a_row_in_memory_that_cannot_be_labelled_is_an_error_and_not_a_row_less(
    model: Model,
) -> None:
    with pytest.raises(EmonetError, match="row 2: empty_text"):
        emonet.label(["yes", " ", "no"], model=model)


def test_what_is_refused_of_files_is_told_by_a_warning(model: Model, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "quay.jsonl", [*ROWS, {**ROWS[0], "text": ""}])
    with pytest.warns(UserWarning, match="empty_text .*1 refused in all"):
        assert emonet.label(str(path), model=model).num_rows == len(ROWS)


def test_evaluate_scores_rows_that_have_gold_labels(model: Model) -> None:
    scores = emonet.evaluate(ROWS[14:], model=model, history=ROWS[:14])
    assert scores.confusion.sum() == 14


def test_what_a_model_predicted_is_no_gold_label(model: Model) -> None:
    with pytest.raises(EmonetError, match="is what emonet predicted, and no gold label"):
        emonet.evaluate(emonet.label(ROWS, model=model), model=model)


def test_what_is_in_memory_can_be_trained_on_and_labels_then(
    small_bert: EncoderReference, tmp_path: Path
) -> None:
    settings = {
        "epochs": 1, "window_tokens": 128, "trained_layers": 1, "utterance_encoder_layers": 0,
        "oof_folds": 0,
    }  # fmt: skip
    given: dict[str, Any] = {"dev": episode(3), "output": tmp_path, "encoder": small_bert.name}
    trained = emonet.train(ROWS, settings=settings, **given)
    assert trained.checkpoint.settings.window_tokens == 128
    assert emonet.label(ROWS, model=trained).num_rows == len(ROWS)
    with pytest.raises(ModelError, match="window_token"):
        emonet.train(ROWS, settings={"window_token": 128}, **given)


def test_the_examples_of_the_documentation_are_true() -> None:
    assert doctest.testmod(emonet).attempted >= 2
    assert not doctest.testmod(emonet).failed


def test_a_corpus_shows_what_manifests_name_and_no_superseded_run(
    tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    season = write_season(tmp_path / "quay", (1, 2))
    for _ in range(2):
        label(tiny_checkpoint, [season], tmp_path / "out")
    corpus = emonet.open_corpus(tmp_path / "out")
    assert corpus.nights == ["1"]
    assert corpus.labels().num_rows == corpus.labels(night="1").num_rows == len(ROWS)
    assert corpus.rejected().num_rows == 0
    with pytest.raises(EmonetError, match="no night '2'; it has 1"):
        corpus.labels(night="2")
    with pytest.raises(EmonetError, match="holds no committed night"):
        emonet.open_corpus(tmp_path / "nowhere")


def test_labelling_what_is_in_memory_loads_no_beam(tiny_checkpoint: Checkpoint) -> None:
    program = (
        "import sys, emonet\n"
        "assert not {'torch', 'pyarrow', 'apache_beam'} & sys.modules.keys()\n"
        f"emonet.label(['yes'], model=emonet.load_model({str(tiny_checkpoint.folder)!r}))\n"
        "assert 'apache_beam' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
