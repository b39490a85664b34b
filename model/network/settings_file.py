"""Settings as files have them: one flat table of names and values, whoever wrote it.

A variant of the ablation suite, the provenance of a checkpoint and a file for `emonet train` are
such tables. The classes are not in them: they are those of the data.
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import inspect
import json
import tomllib
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any

from model.errors import ModelError
from model.network.settings import Settings, TrainingSettings

FORMER_NAMES = {
    "averaging": "ema_decay",
    "encoder_rate": "encoder_lr",
    "head_rate": "head_lr",
    "memory_epochs": "speaker_epochs",
    "second_weight": "auxiliary_weight",
    "taught": "distillation_weight",
    "turn_places": "per_turn_positions",
    "utterance_layers": "utterance_encoder_layers",
}
"""What settings were called in checkpoints of version 1, and what they are called now."""


def read_settings(path: Path, labels: Sequence[str]) -> tuple[Settings, TrainingSettings]:
    """The settings of a TOML file, or those that made the checkpoint of a `settings.json`.

    Args:
      path: of the file; JSON if its name ends so.
      labels: the classes.

    Raises:
      ModelError: it cannot be read, or `settings_of` refuses it.
    """
    content = read_toml(path) if path.suffix != ".json" else _provenance(path)
    return settings_of(content, labels, str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
      ModelError: it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error


def settings_of(
    content: Mapping[str, Any], labels: Sequence[str], where: str
) -> tuple[Settings, TrainingSettings]:
    """The settings of a flat table, with defaults for all that it does not name.

    Args:
      content: values by the names of fields of `Settings` and `TrainingSettings`.
      labels: the classes.
      where: what an error begins with.

    Raises:
      ModelError: a name is no setting's, or a value is of another type or out of range.
    """
    types = {**setting_types(Settings), **setting_types(TrainingSettings)}
    del types["labels"]
    values: dict[str, Any] = {}
    for name, value in content.items():
        if name not in types:
            raise ModelError(f"{where}: {name!r} is no setting{_nearest(name, list(types))}")
        values[name] = _typed(where, name, value, types[name])
    own, training = (
        {name: values[name] for name in setting_types(kind) if name in values}
        for kind in (Settings, TrainingSettings)
    )
    try:
        return Settings(labels=tuple(labels), **own), TrainingSettings(**training)
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from error


def as_table(settings: Settings, training: TrainingSettings) -> dict[str, Any]:
    """The flat table that `settings_of` reads, complete but for None, which TOML does not have."""
    table = {**dataclasses.asdict(settings), **dataclasses.asdict(training)}
    del table["labels"]
    return {name: value for name, value in table.items() if value is not None}


def setting_types(kind: type) -> dict[str, Any]:
    """The type of each field of a dataclass, by name."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


@cache
def setting_docs(kind: type) -> dict[str, str]:
    """The docstring of each field of a dataclass, by name, on one line."""
    (definition,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(definition, ast.ClassDef)
    docs = {}
    for field, doc in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(doc, ast.Expr):
            assert isinstance(field.target, ast.Name)
            docs[field.target.id] = " ".join(str(ast.literal_eval(doc.value)).split())
    return docs


def _provenance(path: Path) -> dict[str, Any]:
    try:
        provenance = json.loads(path.read_text(encoding="utf-8"))["provenance"]
        # version 1 has two tables
        parts = [provenance["settings"], provenance.get("training", {})]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: cannot be read as the settings.json of a trained checkpoint "
            f"({type(error).__name__})"
        ) from error
    return {
        FORMER_NAMES.get(name, name): value
        for part in parts
        for name, value in part.items()
        if name != "labels" and value is not None
    }


def _nearest(name: str, names: Sequence[str]) -> str:
    if name == "labels":
        return "; the classes are those of the data"
    if name in FORMER_NAMES:
        return f"; it is called {FORMER_NAMES[name]} now"
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else f"; settings are {', '.join(names)}"


def _typed(where: str, name: str, value: Any, hint: Any) -> Any:
    """A value of its field's type: a list may stand for a tuple, a whole number for a float."""
    kinds = [kind for kind in typing.get_args(hint) if kind is not NoneType]
    if typing.get_origin(hint) is tuple:
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise ModelError(f"{where}: {name} is {value!r}, not a list of strings")
    kind = kinds[0] if kinds else hint
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ModelError(f"{where}: {name} is {value!r}, not of the type {kind.__name__}")
    return value
