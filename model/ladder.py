"""The rows of an ablation, read from a settings file."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.errors import ModelError
from model.settings import Settings, TrainingSettings

LADDER = Path(__file__).parent / "ladder.toml"
"""The rows of the ablation."""

_SEEDS, _MAIN_SEEDS = 3, 5


@dataclasses.dataclass(frozen=True)
class Row:
    """One set of settings.

    Attributes:
      name: what it is called.
      settings: what the model is.
      training: how it is trained, with seed 0.
      seeds: how many it is trained with, from 0.
      main: whether it is one of the rows that tell the story.
      beside: whether it learns from a second data set, too.
      finished: whether it has class offsets and a share of the speaker's part, as `train` gives
        them; else the speaker's part has its full weight, as in the papers.
      against: the name of the row that it is one step away from.
    """

    name: str
    settings: Settings
    training: TrainingSettings
    seeds: int
    main: bool = False
    beside: bool = False
    finished: bool = False
    against: str | None = None


def read_ladder(path: Path, labels: Sequence[str]) -> list[Row]:
    """The rows of a settings file.

    Raises:
      ModelError: it cannot be read, or a row has a name that is no setting's or no row's.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error
    rows = [_row(path, {**content.get("all", {}), **row}, labels) for row in content.get("row", [])]
    if not rows:
        raise ModelError(f"{path}: has no row; one begins with [[row]]")
    names = {row.name for row in rows}
    if len(names) < len(rows):
        raise ModelError(f"{path}: two rows have one name")
    for row in rows:
        if row.against not in {None, *names}:
            raise ModelError(
                f"{path}: row {row.name!r} stands against {row.against!r}, no row of it"
            )
    return rows


def _row(path: Path, content: dict[str, Any], labels: Sequence[str]) -> Row:
    name = str(content.pop("name", "without a name"))
    main = content.pop("main", False)
    own = {part: content.pop(part) for part in ("against", "beside", "finished") if part in content}
    parts = [
        {f.name: content.pop(f.name) for f in dataclasses.fields(kind) if f.name in content}
        for kind in (Settings, TrainingSettings)
    ]
    if content or "seed" in parts[1]:
        raise ModelError(f"{path}: row {name!r}: {next(iter(content), 'seed')} is no setting of it")
    try:
        settings = Settings(labels=tuple(labels), **parts[0])
        training = TrainingSettings(**parts[1])
    except (TypeError, ModelError) as error:
        raise ModelError(f"{path}: row {name!r}: {error}") from error
    return Row(name, settings, training, _MAIN_SEEDS if main else _SEEDS, main, **own)
