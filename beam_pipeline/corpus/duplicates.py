"""What comes more than once: within a night, and on a later one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from beam_pipeline.records import Reason, Rejected


class Claim(Protocol):
    """An episode, or what must be known of one to settle who is labelled; fields as `Episode`."""

    @property
    def episode_id(self) -> str:
        """Its id."""

    @property
    def source(self) -> str:
        """The file it came from."""

    @property
    def flags(self) -> tuple[str, ...]:
        """What the file's name says of the track."""

    @property
    def rows(self) -> int:
        """How many utterances it has."""

    @property
    def digest(self) -> str:
        """Names its content."""


_Claim = TypeVar("_Claim", bound=Claim)


def only_once(
    copies: Iterable[_Claim], earlier: Mapping[str, str]
) -> tuple[_Claim | None, list[Rejected]]:
    """The one of the episodes read from equal bytes that is labelled; the others as duplicates.

    Args:
      copies: at least one.
      earlier: the earlier night that labelled an episode of a file with these bytes, by the digest
        of its content.

    Returns:
      The first by path; or None where an earlier night has labelled these bytes, whatever the
      file was called then.
    """
    first, *others = ordered = sorted(copies, key=lambda episode: episode.source)
    night = earlier.get(first.digest) if earlier else None
    if night is not None:
        return None, [_refused(one, Reason.DUPLICATE, f"night {night}") for one in ordered]
    return first, [_refused(other, Reason.DUPLICATE, first.source) for other in others]


def resolve_claims(
    claims: Iterable[_Claim], earlier: tuple[str, str] | None
) -> tuple[_Claim | None, list[Rejected]]:
    """The one of the episodes with one id that is labelled, and the refusal of all others.

    Args:
      claims: at least one.
      earlier: the earlier night that labelled this episode, and the digest of what it labelled.

    Returns:
      The one with descriptions for the deaf before others, as they name more speakers, a track of
      forced subtitles last, else the first by path; or None where an earlier night has the episode.
    """
    ordered = sorted(claims, key=lambda episode: (_rank(episode), episode.source))
    if earlier:
        night, digest = earlier
        return None, [_compared(claim, f"night {night}", digest) for claim in ordered]
    first, *others = ordered
    digest = first.digest if others else ""
    return first, [_compared(other, first.source, digest) for other in others]


def _rank(episode: Claim) -> int:
    if "forced" in episode.flags:
        return 2
    return 1 - any(flag in episode.flags for flag in ("sdh", "cc", "hi"))


def _compared(episode: Claim, holder: str, digest: str) -> Rejected:
    same = episode.digest == digest
    return _refused(episode, Reason.DUPLICATE if same else Reason.DUPLICATE_EPISODE, holder)


def _refused(episode: Claim, reason: Reason, holder: str) -> Rejected:
    detail = {
        Reason.DUPLICATE: f"the same is in {holder}",
        Reason.DUPLICATE_EPISODE: (
            f"the same episode, with other words or times, is in {holder}; rename one, or label "
            "that one anew"
        ),
    }
    return Rejected(episode.source, episode.episode_id, reason, detail[reason], episode.rows)


def file_of(content: str) -> str:
    """The sha256 of the file that a content, `SHA256/NUMBER`, is of."""
    return content.partition("/")[0]
