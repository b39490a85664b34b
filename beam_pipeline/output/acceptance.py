"""Whether a run is worth its commit, and whether a night may be replaced by it.

Law of this module: pure decisions over manifests, so that they are the same on every engine. Each
error is one line, for that is what an engine elsewhere hands on of one.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Iterator, Sequence

from beam_pipeline.output.manifest import Manifest
from beam_pipeline.records import EmonetError, Reason, amount

PASSED_OVER = (Reason.DUPLICATE_EPISODE, Reason.OTHER_LANGUAGE)
"""Refusals that lose nothing: what was read and left out by a rule, as duplicates are."""

_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Acceptance:
    """What a user accepts of a run before it replaces what OUT holds.

    Attributes:
      allow_empty: a night without any utterance is committed. An evening without files is one; a
        file that was refused whole still counts against `max_rejected`.
      max_rejected: the share of the files, and the share of the cues in files that were read, that
        may be refused: 0 to 1, each share for itself. What is passed over by a rule (another
        language, another version of an episode) is no loss and counts in neither. One in five by
        default: of broadcast and fan subtitles next to nothing is refused, of a collection of the
        broken files that parsers are tested with 14 %, and a folder that vanished, a wrong column
        or a pattern that takes in the videos loses far more.
      replace: a night may lose files that it was labelled from.

    Raises:
      EmonetError: `max_rejected` is no share.
    """

    allow_empty: bool = False
    max_rejected: float = 0.2
    replace: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.max_rejected <= 1:
            raise EmonetError(f"--max-rejected wants 0 to 1, found {self.max_rejected}")


def check_worth(manifest: Manifest, acceptance: Acceptance, lost: Sequence[str]) -> None:
    """Refuses a run that labelled nothing, had too much refused, or lost a file of the night.

    Args:
      manifest: of the run.
      acceptance: of the user.
      lost: the files that the night would lose, in order.

    Raises:
      EmonetError: it is not to be committed; the first refusals are named.
    """
    problems, flags = [], []
    if not manifest["counts"]["utterances"] and not acceptance.allow_empty:
        problems.append(f"nothing was labelled ({_found(manifest)})")
        flags.append("--allow-empty")
    losses = list(_losses(manifest, acceptance.max_rejected))
    if losses:
        problems += losses
        flags.append("a higher --max-rejected")
    if lost:
        problems.append(f"it would lose {_listed(lost)}, now without an utterance")
        flags.append("--replace")
    if problems:
        shown = list(first_refusals(manifest))
        more = [f"and {len(shown) - _SHOWN} reasons more"] if len(shown) > _SHOWN else []
        reasons = f": {'; '.join(shown[:_SHOWN] + more)}" if shown else ""
        raise EmonetError(
            f"night {manifest['night']} is not committed and OUT is as it was, because "
            f"{' and '.join(problems)}{reasons}; mend that or leave it out and run it again, or "
            f"accept it with {' and '.join(flags)}"
        )


def first_refusals(manifest: Manifest) -> Iterator[str]:
    """A line a reason: how much was refused for it, and the first file, position and detail."""
    counts = manifest["counts"]
    for first in manifest["first_rejected"]:
        reason, detail = first["reason"], first["detail"]
        much = (
            f"{counts['duplicates']:,} utterances"
            if reason == Reason.DUPLICATE
            else amount(counts["rejected_files"].get(reason, 0), counts["rejected"].get(reason, 0))
        )
        where = ", ".join(filter(None, (first["source"], first["position"])))
        line = f"{reason}: {much}, first {where}{f': {detail}' if detail else ''}"
        yield line.replace("\n", r"\n")  # a file's name may have an end of line in it


def check_requested(
    night: str, held: Collection[str], paths: Sequence[str], acceptance: Acceptance
) -> None:
    """Refuses a run over other files than those that a night was labelled from.

    A run may read these files again, changed or not, and more files: a night that is tried
    again and one whose folder grew lose nothing. What would be lost is the night of a file that is
    left out, as when another corpus takes the name.

    Args:
      night: its name.
      held: the absolute paths of the files that it has utterances of.
      paths: what the run is to read, as manifests have paths.
      acceptance: of the user.

    Raises:
      EmonetError: a file is left out; both sides are named.
    """
    requested = sorted(map(_absolute, paths))
    spoken = sorted(held)
    left_out = sorted(set(spoken).difference(requested))
    if left_out and not acceptance.replace:
        raise EmonetError(
            f"night {night} holds {_listed(spoken)}, and this run is asked for "
            f"{_listed(requested)}: it would lose {_listed(left_out)}; label other files as a "
            "night of their own with --night NAME, name all that this night holds, or supersede "
            "it with --replace"
        )


def _losses(manifest: Manifest, share: float) -> Iterator[str]:
    """The shares that are beyond the one accepted, of files and of cues."""
    counts = manifest["counts"]
    cues = sum(n for reason, n in counts["rejected"].items() if reason not in PASSED_OVER)
    # an archive is no file of cues, those in it are
    files = counts["files"] - counts["archives"]
    for lost, found, unit in (
        (sum(counts["rejected_files"].values()), files, "files"),
        (cues, counts["found"], "cues"),
    ):
        if found and lost / found > share:
            yield f"{lost:,} of {found:,} {unit} were refused, more than --max-rejected {share:g}"


def _found(manifest: Manifest) -> str:
    counts = manifest["counts"]
    found, files = (f"{counts[name]:,}" for name in ("found", "files"))
    return f"{found} cues found in {files} files, {counts['dropped']:,} of them without speech"


def _absolute(path: str) -> str:
    return path if path.startswith("gs://") else os.path.abspath(path)


def _listed(paths: Sequence[str]) -> str:
    if not paths:
        return "no file"
    more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}".replace("\n", r"\n")
