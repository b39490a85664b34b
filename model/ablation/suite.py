"""The ablation suite: variants of a model, each one step away from another."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from model.errors import ModelError
from model.network.settings import Settings, TrainingSettings
from model.network.settings_file import read_toml, settings_of

SUITE = Path(__file__).parent / "suite.toml"
"""The ablation suite that ships."""

_SEEDS, _MAIN_SEEDS = 3, 5


@dataclasses.dataclass(frozen=True)
class Variant:
    """One set of settings.

    Attributes:
      name: what it is called.
      settings: what the model is.
      training: how it is trained, with seed 0.
      seeds: how many it is trained with, from 0.
      main: whether it is one of the variants that tell the story.
      auxiliary: whether it is trained with auxiliary data.
      against: the name of the variant that it is one step away from.
    """

    name: str
    settings: Settings
    training: TrainingSettings
    seeds: int
    main: bool = False
    auxiliary: bool = False
    against: str | None = None


def read_suite(path: Path, labels: Sequence[str]) -> list[Variant]:
    """The variants of a TOML file.

    Each `[[variant]]` has a `name`, may have `main`, `auxiliary` and `against`, and is otherwise a
    table of settings; `[all]` has those of all variants that do not say otherwise.

    Raises:
      ModelError: it cannot be read, or a variant has a name that is no setting's or no variant's.
    """
    content = read_toml(path)
    common = content.get("all", {})
    variants = [_variant(path, {**common, **table}, labels) for table in content.get("variant", [])]
    if not variants:
        raise ModelError(f"{path}: has no variant; one begins with [[variant]]")
    names = {variant.name for variant in variants}
    if len(names) < len(variants):
        raise ModelError(f"{path}: two variants have one name")
    for variant in variants:
        if variant.against not in {None, *names}:
            raise ModelError(
                f"{path}: variant {variant.name!r} stands against {variant.against!r}, "
                "no variant of it"
            )
    return variants


def _variant(path: Path, table: Mapping[str, Any], labels: Sequence[str]) -> Variant:
    table = dict(table)
    name = str(table.pop("name", "without a name"))
    where = f"{path}: variant {name!r}"
    own = {part: table.pop(part) for part in ("against", "auxiliary", "main") if part in table}
    if "seed" in table:
        raise ModelError(f"{where}: has a seed; all variants are trained with seeds from 0")
    settings, training = settings_of(table, labels, where)
    seeds = _MAIN_SEEDS if own.get("main") else _SEEDS
    return Variant(name, settings, training, seeds, **own)
