"""What comes more than once: within a night, and on a later one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from beam_pipeline.records import Episode, Reason, Rejected, content_digest


def only_once(
    copies: Iterable[Episode], earlier: Mapping[str, str]
) -> tuple[Episode | None, list[Rejected]]:
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
    night = earlier.get(content_digest(first.utterances)) if earlier else None
    if night is not None:
        return None, [_refused(one, Reason.DUPLICATE, f"night {night}") for one in ordered]
    return first, [_refused(other, Reason.DUPLICATE, first.source) for other in others]


def resolve_claims(
    claims: Iterable[Episode], earlier: tuple[str, str] | None
) -> tuple[Episode | None, list[Rejected]]:
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
    digest = content_digest(first.utterances) if others else ""
    return first, [_compared(other, first.source, digest) for other in others]


def _rank(episode: Episode) -> int:
    if "forced" in episode.flags:
        return 2
    return 1 - any(flag in episode.flags for flag in ("sdh", "cc", "hi"))


def _compared(episode: Episode, holder: str, digest: str) -> Rejected:
    same = content_digest(episode.utterances) == digest
    return _refused(episode, Reason.DUPLICATE if same else Reason.DUPLICATE_EPISODE, holder)


def _refused(episode: Episode, reason: Reason, holder: str) -> Rejected:
    detail = {
        Reason.DUPLICATE: f"the same is in {holder}",
        Reason.DUPLICATE_EPISODE: (
            f"the same episode, with other words or times, is in {holder}; rename one, or label "
            "that one anew"
        ),
    }
    rows = episode.utterances.num_rows
    return Rejected(episode.source, episode.episode_id, reason, detail[reason], rows)
