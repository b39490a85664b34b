from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.checkpoint import PRETRAINED, SETTINGS
from model.errors import ModelError
from model.network.settings import Calibration, Settings, TrainingSettings
from model.network.settings_file import as_table, read_settings, setting_docs, settings_of

LABELS = ("joy", "sadness")
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("kind", [Settings, TrainingSettings, Calibration])
def test_every_setting_has_a_docstring_of_a_sentence(kind: type) -> None:
    docs = setting_docs(kind)
    assert list(docs) == [field.name for field in dataclasses.fields(kind)]
    assert all(doc.endswith(".") and doc[0].isupper() for doc in docs.values())


@given(
    settings=st.builds(
        Settings,
        labels=st.just(LABELS),
        tag=st.sampled_from(["none", "local", "global"]),
        history=st.integers(0, 40),
        window_turns=st.none() | st.integers(1, 9),
        per_turn_positions=st.booleans(),
        languages=st.lists(st.sampled_from(["en", "de"]), min_size=1).map(tuple),
    ),
    training=st.builds(
        TrainingSettings,
        seed=st.integers(0, 9),
        encoder_lr=st.floats(1e-6, 1),
        oof_folds=st.sampled_from([0, 2, 4]),
        fit_class_bias=st.booleans(),
        distillation_weight=st.floats(0, 1),
    ),
)
def test_a_table_of_settings_gives_them_back_through_json(
    settings: Settings, training: TrainingSettings
) -> None:
    table = json.loads(json.dumps(as_table(settings, training)))
    assert settings_of(table, LABELS, "here") == (settings, training)


def test_a_file_names_what_differs_from_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('history = 3\nencoder_lr = 1\nlanguages = ["de", "en"]\n')
    settings, training = read_settings(path, LABELS)
    assert settings == Settings(LABELS, history=3, languages=("de", "en"))
    assert training == TrainingSettings(encoder_lr=1.0)
    assert isinstance(training.encoder_lr, float)


def test_the_shipped_checkpoint_was_trained_with_the_defaults() -> None:
    settings, training = read_settings(PRETRAINED / SETTINGS, LABELS)
    assert settings == Settings(LABELS)
    assert training == TrainingSettings()


def test_the_settings_that_the_documents_name_are_read() -> None:
    settings, training = read_settings(ROOT / "docs" / "mpnet" / "settings.toml", LABELS)
    assert (settings.trained_layers, settings.history, training.encoder_lr) == (6, 0, 5e-5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("histroy = 3", "'histroy' is no setting; did you mean history?"),
        ("encoder_rate = 3", "'encoder_rate' is no setting; it is called encoder_lr now"),
        ("zzz = 3", "'zzz' is no setting; settings are tag, history,"),
        ('labels = ["a"]', "'labels' is no setting; the classes are those of the data"),
        ('history = "3"', "history is '3', not of the type int"),
        ("history = true", "history is True, not of the type int"),
        ("per_turn_positions = 1", "per_turn_positions is 1, not of the type bool"),
        ("languages = 'en'", "languages is 'en', not a list of strings"),
        ("oof_folds = 1", "oof_folds is 1, not 0 or at least 2"),
        ("utterance_weight = 1.5", "utterance_weight is 1.5, not within 0 and 1"),
        ("history", "cannot be read: Expected '='"),
    ],
)
def test_what_is_off_in_a_file_is_refused_by_name(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(content)
    with pytest.raises(ModelError) as refused:
        read_settings(path, LABELS)
    assert str(refused.value).startswith(f"{path}: {message}")


def test_a_json_file_that_is_no_checkpoints_is_refused(tmp_path: Path) -> None:
    for content in ("{", "[]", "{}", '{"provenance": {}}'):
        (tmp_path / "settings.json").write_text(content)
        with pytest.raises(ModelError, match=r"settings.json of a trained checkpoint"):
            read_settings(tmp_path / "settings.json", LABELS)
