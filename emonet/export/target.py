"""All that is known of a target: the record `TARGET` that each module of one ends in."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterable

from emonet.emotions import Emotions


@dataclasses.dataclass(frozen=True)
class Export:
    """What is handed on.

    Attributes:
      files: the path of each file below the folder, with `/`, and its content; a target that is one
        file has one, without a path.
      utterances: how many are in them.
    """

    files: Iterable[tuple[str, bytes]]
    utterances: int


@dataclasses.dataclass(frozen=True)
class Target:
    """A target.

    Attributes:
      is_folder: whether it is a folder of files, and not one.
      export: what it makes of utterances; raises `EmonetError` where it can do nothing with them.
      left_out: why an utterance may be missing.
    """

    is_folder: bool
    export: Callable[[Emotions], Export]
    left_out: str = ""


def target_of(name: str) -> Target:
    """The target of a name among `TARGETS`."""
    target: Target = importlib.import_module(f"emonet.export.{name}").TARGET
    return target


def one_file(content: bytes, emotions: Emotions) -> Export:
    """An export of all utterances into one file."""
    return Export([("", content)], len(emotions))
