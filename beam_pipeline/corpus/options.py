"""What a user says about files, beyond what stands in them."""

from __future__ import annotations

import dataclasses
from typing import Final

from beam_pipeline.records import EmonetError

FIELDS: Final = (
    "text",
    "speaker",
    "dialogue",
    "show",
    "season",
    "episode",
    "start_ms",
    "end_ms",
    "label",
    "language",
    "utterance",
)
"""The columns a table can give; only `text` is required."""


@dataclasses.dataclass(frozen=True)
class ReadOptions:
    """Settings of reading, the same for all files of a run.

    Attributes:
      corpus: the name of the corpus.
      show: the show of all files, in place of what they or their names say.
      columns: pairs of one of `FIELDS` and the name of the table's column that holds it.

    Raises:
      EmonetError: if `columns` names a field twice or one that does not exist.
    """

    corpus: str
    show: str | None = None
    columns: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        names = [field for field, _ in self.columns]
        unknown = [name for name in names if name not in FIELDS]
        if unknown:
            raise EmonetError(f"--columns: expected any of {', '.join(FIELDS)}, found {unknown[0]}")
        if len(set(names)) < len(names):
            raise EmonetError("--columns: a field is named twice; name each once")

    @property
    def renamed(self) -> dict[str, str]:
        """The table's column of each field that the user named."""
        return dict(self.columns)
