"""Who speaks: names -> ids and kinds.

Conservative on purpose: a name that is missed costs a speaker some history, a word that is taken
for a name gives somebody a history that is not theirs. Hence no name is merged with another one
unless they are one by `names.canonical`, or a person's table of aliases says so.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

from beam_pipeline.corpus.names import canonical, normalise, without_qualifiers
from beam_pipeline.corpus.speaker_kinds import is_described, speaker_kind
from beam_pipeline.records import SpeakerKind, SpeakerSource


@dataclasses.dataclass(frozen=True)
class Speaker:
    """Who says an utterance.

    Attributes:
      id: 16 hex digits; None unless `kind` is one that has an identity.
      name: as the source has it; None where it has none.
      kind: what is known.
      source: where the name was found.
      confidence: 0 to 1, how much of the utterance a transcript or a diarisation has as theirs;
        None where the name stands in the file itself.
    """

    id: str | None
    name: str | None
    kind: SpeakerKind
    source: SpeakerSource
    confidence: float | None = None


NOBODY: Final = Speaker(None, None, SpeakerKind.UNKNOWN, SpeakerSource.NONE)
"""The speaker of whom nothing is known."""

# `Renner, Tobias` is one person, as directories write them; `ASH, MISTY` are two.
_INVERTED = re.compile(r"[A-Z]\w*[a-z][\w'’-]*, [A-Z][a-z][\w'’-]*(?: [A-Z][\w.'’-]*)?")
_DASHES = "-‐‑–—−"
_WITHIN_EPISODE = (SpeakerKind.GENERIC, SpeakerKind.DIARISED)

AliasKey = tuple[str, str, str]
"""Namespace, scope (an episode id, or empty for all of the namespace) and alias, normalised."""


class Cast:
    """The speakers of one episode: each name is looked up once.

    Args:
      namespace: the show within which a name is one person.
      episode_id: within which `Man 1` and `SPEAKER_00` are one.
      aliases: names that a person has said to stand for other ones.
    """

    def __init__(self, namespace: str, episode_id: str, aliases: Mapping[AliasKey, str]):
        self.namespace, self.episode_id, self.aliases = namespace, episode_id, aliases
        self._known: dict[tuple[str, SpeakerSource], Speaker] = {}

    def identify(self, name: str | None, source: SpeakerSource) -> Speaker:
        """The speaker a name stands for; its kind says how far."""
        shown = " ".join((name or "").split())
        if not shown.strip(_DASHES):
            return NOBODY
        if (shown, source) not in self._known:
            self._known[shown, source] = self._identified(shown, source)
        return self._known[shown, source]

    def identify_together(self, names: Sequence[str], source: SpeakerSource) -> Speaker:
        """The speaker of an utterance with a list of names: none, one, or several at once."""
        shown = [" ".join(name.split()) for name in names if name.strip()]
        if len(shown) < 2:
            return self.identify(shown[0] if shown else None, source)
        return Speaker(None, ", ".join(shown), SpeakerKind.SEVERAL, source)

    def _identified(self, shown: str, source: SpeakerSource) -> Speaker:
        alias = self._alias(shown)
        meant = alias or shown
        # whatever a diariser calls a voice is no name, unless a person says so
        voice = source is SpeakerSource.DIARISATION and alias is None
        kind = SpeakerKind.DIARISED if voice else _kind(meant, source)
        if kind is SpeakerKind.NAMED:
            return Speaker(speaker_id(self.namespace, meant), shown, kind, source)
        if kind in _WITHIN_EPISODE:
            return Speaker(episodic_id(self.namespace, self.episode_id, meant), shown, kind, source)
        return Speaker(None, shown, kind, source)

    def _alias(self, shown: str) -> str | None:
        for scope in (self.episode_id, ""):
            found = self.aliases.get(alias_key(self.namespace, scope, shown))
            if found:
                return found
        return None


def _kind(name: str, source: SpeakerSource) -> SpeakerKind:
    """What a name stands for where it was found: a table's names are of people, not of screens."""
    kind = speaker_kind(name)
    if kind is SpeakerKind.NAMED and source is not SpeakerSource.COLUMN and is_described(name):
        return SpeakerKind.GENERIC
    on_screen = source in (SpeakerSource.LABEL, SpeakerSource.VOICE_TAG)
    inverted = _INVERTED.fullmatch(without_qualifiers(name))
    if kind is SpeakerKind.SEVERAL and on_screen and inverted:
        return SpeakerKind.NAMED
    return kind


def alias_key(namespace: str, scope: str, alias: str) -> AliasKey:
    """Under what an alias is kept."""
    return normalise(namespace), normalise(scope), canonical(alias)


def speaker_id(namespace: str, name: str) -> str:
    """The stable id of a named speaker: 16 hex digits, the same in every run.

    Args:
      namespace: the show within which the name is one person.
      name: in any case and spacing.
    """
    return _hash(normalise(namespace), canonical(name))


def episodic_id(namespace: str, episode_id: str, name: str) -> str:
    """The id of a speaker who is one person within an episode, and never met again."""
    return _hash(normalise(namespace), normalise(episode_id), canonical(name))


def remembered(speaker_ids: Sequence[str | None], kinds: Sequence[str]) -> list[str | None]:
    """The ids that a later episode may meet again; None for all others.

    A generic or diarised speaker has a history within the episode, where it is at hand, and
    nothing that a later run could need of it.
    """
    pairs = zip(speaker_ids, kinds, strict=True)
    return [speaker if kind == SpeakerKind.NAMED else None for speaker, kind in pairs]


def _hash(*parts: str) -> str:
    # The unit separator is white space to `normalise`, so no part can contain it.
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
