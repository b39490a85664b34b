"""What a user says about files, beyond what stands in them."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
from collections.abc import Mapping
from typing import Any, Final

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

PLACED: Final = ("path", "show", "season", "episode", "language")
"""The columns of a table that says where files belong."""

ALIASED: Final = ("namespace", "scope", "alias", "speaker")
"""The columns of a table of aliases."""

_FIELD = re.compile(r"\{(show|season|episode|language)\}")
_FORMS = {
    "show": "[^/]+?",
    "season": r"\d{1,4}",
    "episode": r"\d{1,4}",
    "language": r"[A-Za-z]{2,3}(?:-\w+)?",
}


@dataclasses.dataclass(frozen=True)
class ReadOptions:
    """Settings of reading, the same for all files of a run.

    Attributes:
      corpus: the name of the corpus.
      show: the show of all files, in place of what they or their names say.
      columns: pairs of one of `FIELDS` and the name of the table's column that holds it.
      join_gap_ms: a sentence runs on into the next cue if that comes within this time.
      dialogue_gap_ms: a longer silence ends the dialogue.
      path_pattern: where a path has show, season, episode and language, `{show}/{episode}*.srt`.
      placed: path, show, season, episode, language of files, each but the path may be empty.
      languages: ISO 639-1 codes of those that are read; None for any.
      aliases: namespace, scope (an episode id, or empty for all of it), alias, speaker.
      transcripts: files that tell who speaks in episodes of the same ids.
      diarisation: files that tell when which voice speaks in them.
      timed_by: subtitles of the same episodes, for those that have no times.
      folder: what a relative path is opened from; empty for the working directory. What is read
        of a file, and what it is called, depend on the path alone.

    Raises:
      EmonetError: if `columns` names a field twice or one that does not exist, or an alias stands
        for two speakers.
    """

    corpus: str
    show: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    join_gap_ms: int = 1_000
    dialogue_gap_ms: int = 5_000
    path_pattern: str | None = None
    placed: tuple[tuple[str, str, str, str, str], ...] = ()
    languages: tuple[str, ...] | None = None
    aliases: tuple[tuple[str, str, str, str], ...] = ()
    transcripts: tuple[str, ...] = ()
    diarisation: tuple[str, ...] = ()
    timed_by: tuple[str, ...] = ()
    folder: str = ""

    def __post_init__(self) -> None:
        names = [field for field, _ in self.columns]
        unknown = [name for name in names if name not in FIELDS]
        if unknown:
            raise EmonetError(f"--columns: expected any of {', '.join(FIELDS)}, found {unknown[0]}")
        if len(set(names)) < len(names):
            raise EmonetError("--columns: a field is named twice; name each once")
        if self.join_gap_ms < 0 or self.dialogue_gap_ms < 0:
            raise EmonetError("--join-gap and --dialogue-gap want 0 seconds or more")
        self._check_places()
        if len(self.names) < len({(*alias_key(*row[:3]), row[3]) for row in self.aliases}):
            raise EmonetError("--aliases: an alias stands for two speakers; keep one of them")

    def _check_places(self) -> None:
        if self.path_pattern and not _FIELD.search(self.path_pattern):
            raise EmonetError("--path-pattern: expected {show}, {season}, {episode} or {language}")
        for path, _, season, episode, _ in self.placed:
            if not path or not f"0{season}0{episode}".isdecimal():
                raise EmonetError(f"--episodes: '{path}' wants a path, and numbers or nothing")

    @functools.cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """What the end of a path is held against."""
        if self.path_pattern is None:
            return None
        parts = _FIELD.split(self.path_pattern)
        plain = (re.escape(part).replace(r"\*", "[^/]*") for part in parts[::2])
        fields = (f"(?P<{name}>{_FORMS[name]})" for name in parts[1::2])
        woven = itertools.chain.from_iterable(itertools.zip_longest(plain, fields, fillvalue=""))
        return re.compile(f"(?:^|.*/){''.join(woven)}$")

    @functools.cached_property
    def placed_by_path(self) -> dict[str, tuple[str, str, str, str]]:
        """The row of each path, without the path: show, season, episode, language."""
        return {row[0]: row[1:] for row in self.placed}

    @classmethod
    def recorded(cls, values: Mapping[str, Any]) -> ReadOptions:
        """The options that were written to a manifest as JSON, which has lists for tuples."""
        return cls(**{name: _frozen(value) for name, value in values.items()})

    @property
    def companions(self) -> tuple[str, ...]:
        """The files that stand beside those that are labelled, each as often as it is named."""
        return (*self.transcripts, *self.diarisation, *self.timed_by)

    @property
    def renamed(self) -> dict[str, str]:
        """The table's column of each field that the user named."""
        return dict(self.columns)

    @functools.cached_property
    def names(self) -> dict[AliasKey, str]:
        """The speaker that each alias stands for."""
        return {alias_key(*row[:3]): row[3] for row in self.aliases}


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
