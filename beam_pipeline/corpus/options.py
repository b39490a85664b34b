"""What a user says about files, beyond what stands in them."""

from __future__ import annotations

import dataclasses
import functools
from typing import Final

from beam_pipeline.corpus.speakers import AliasKey, alias_key
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
      join_gap_ms: a sentence runs on into the next cue if that comes within this time.
      dialogue_gap_ms: a longer silence ends the dialogue.
      aliases: namespace, scope (an episode id, or empty for all of it), alias, speaker.

    Raises:
      EmonetError: if `columns` names a field twice or one that does not exist, or an alias stands
        for two speakers.
    """

    corpus: str
    show: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    join_gap_ms: int = 1_000
    dialogue_gap_ms: int = 5_000
    aliases: tuple[tuple[str, str, str, str], ...] = ()

    def __post_init__(self) -> None:
        names = [field for field, _ in self.columns]
        unknown = [name for name in names if name not in FIELDS]
        if unknown:
            raise EmonetError(f"--columns: expected any of {', '.join(FIELDS)}, found {unknown[0]}")
        if len(set(names)) < len(names):
            raise EmonetError("--columns: a field is named twice; name each once")
        if self.join_gap_ms < 0 or self.dialogue_gap_ms < 0:
            raise EmonetError("--join-gap and --dialogue-gap want 0 seconds or more")
        if len(self.names) < len({(*alias_key(*row[:3]), row[3]) for row in self.aliases}):
            raise EmonetError("--aliases: an alias stands for two speakers; keep one of them")

    @property
    def renamed(self) -> dict[str, str]:
        """The table's column of each field that the user named."""
        return dict(self.columns)

    @functools.cached_property
    def names(self) -> dict[AliasKey, str]:
        """The speaker that each alias stands for."""
        return {alias_key(*row[:3]): row[3] for row in self.aliases}
