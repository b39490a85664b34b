"""What a person sees: tables, and one sentence for an error."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from beam_pipeline.output.acceptance import first_refusals
from beam_pipeline.output.manifest import Manifest
from beam_pipeline.output.past import outdated_nights
from beam_pipeline.output.vacuum import Removed, UnnamedRun
from beam_pipeline.output.views import views_are_current
from beam_pipeline.records import Reason, amount, own_sentence
from beam_pipeline.storage import StoredFile, storage_of
from emonet.cli.address_space import limit_hint
from emonet.cli.off_terminal import TableConsole
from emonet.cli.speaker_report import assumptions

if TYPE_CHECKING:  # nights are listed and errors told without loading torch
    from model.evaluation.scores import Scores

stdout = TableConsole(highlight=False, soft_wrap=True, markup=False)


def show_run(manifest: Manifest, output: str, seconds: float, same_bytes: bool | None) -> None:
    """The table at the end of a run, and how to read the result."""
    counts = manifest["counts"]
    table = Table(show_header=False, title=f"night {manifest['night']}, run {manifest['run']}")
    table.add_row("files", f"{counts['files']:,}")
    table.add_row("episodes", f"{counts['episodes']:,}")
    table.add_row("utterances", f"{counts['utterances']:,}")
    for label, count in sorted(counts["labels"].items(), key=lambda item: -item[1]):
        if count:
            table.add_row(f"  {label}", f"{count:,}  {count / counts['utterances']:.1%}")
    table.add_row("without speech", f"{counts['dropped']:,} cues")
    table.add_row("duplicates", f"{counts['duplicates']:,}")
    table.add_row("rejected", _rejected(counts))
    table.add_row("speakers", f"{counts['speakers']:,}")
    table.add_row("memory of night", manifest["memory_from"]["night"] or "none before it")
    table.add_row("utterances a second", f"{counts['utterances'] / seconds:,.0f}")
    stdout.print(table)
    if same_bytes is not None:
        wrote = "the same bytes as" if same_bytes else "other bytes than"
        stdout.print(f"wrote {wrote} run {manifest['supersedes']}, which it supersedes")
    for line in first_refusals(manifest):
        stdout.print(line)
    if counts["rejected"].get(Reason.DUPLICATE_EPISODE):
        stdout.print(
            "conflicts: files claim an episode that another file has; `emonet speakers INPUT...` "
            "lists them, --episodes or --path-pattern tells them apart"
        )
    for line in assumptions(counts.get("repaired", 0), counts.get("assumed", {})):
        stdout.print(line)
    if not views_are_current(storage_of(output)):
        stdout.print("views.sql could not be written; the next commit writes it")
    stdout.print(f"read it:  cd {output} && duckdb -init views.sql   # FROM labels")


def show_outdated(nights: Sequence[str]) -> None:
    """Which nights want to be run again; nothing if none do."""
    if nights:
        stdout.print(
            f"on superseded nights now: night{'s' if len(nights) > 1 else ''} {', '.join(nights)}; "
            "--cascade runs them again"
        )


def show_nights(manifests: Mapping[str, Manifest]) -> None:
    """A row a night."""
    outdated = outdated_nights(manifests)
    columns = ("night", "run", "episodes", "utterances", "duplicates", "rejected", "speakers")
    table = Table(*columns, "memory of", "model", "state")
    for night, manifest in manifests.items():
        counts = manifest["counts"]
        table.add_row(
            night,
            manifest["run"],
            *(f"{counts[name]:,}" for name in ("episodes", "utterances", "duplicates")),
            _rejected(counts),
            f"{counts['speakers']:,}",
            manifest["memory_from"]["night"] or "",
            manifest["model_id"],
            "on superseded nights" if night in outdated else "current",
        )
    stdout.print(table)


def _rejected(counts: Mapping[str, Any]) -> str:
    files, cues = (sum(counts.get(name, {}).values()) for name in ("rejected_files", "rejected"))
    return amount(files, cues)


def show_unnamed(runs: Sequence[UnnamedRun]) -> None:
    """A row a run that no manifest names; nothing without any."""
    if runs:
        table = Table("night", "run", "files", "bytes", "since", title="superseded or abandoned")
        for run in runs:
            since = f"{run.since:%Y-%m-%d %H:%M} UTC"
            table.add_row(run.night, run.run, f"{len(run.files):,}", f"{run.size:,}", since)
        stdout.print(table)


def show_temporaries(files: Sequence[StoredFile]) -> None:
    """How much is half written; nothing if nothing is."""
    if files:
        size = sum(file.size for file in files)
        stdout.print(
            f"half written: {len(files):,} temporary files, {size:,} bytes, of runs that are at "
            "work or were killed; no reader sees them, and `emonet vacuum` removes old ones"
        )


def show_removed(removed: Removed) -> None:
    """What a vacuum removed."""
    size = sum(file.size for file in removed.files)
    stdout.print(
        f"removed {len(removed.runs):,} runs and {len(removed.temporaries):,} temporary files: "
        f"{len(removed.files):,} files, {size:,} bytes"
    )


def show_scores(scores: Scores, title: str) -> None:
    """Weighted and macro F1, a row a class, the confusion matrix, and what probabilities mean."""
    stdout.print(title)
    stdout.print(
        f"weighted F1 {100 * scores.weighted_f1:.2f}   macro F1 {100 * scores.macro_f1:.2f}   "
        f"accuracy {100 * scores.accuracy:.2f}"
    )
    table = Table("class", "precision", "recall", "F1", "support")
    columns = zip(scores.precision, scores.recall, scores.f1, scores.support, strict=True)
    for label, (precision, recall, f1, support) in zip(scores.labels, columns, strict=True):
        percents = [f"{100 * value:.1f}" for value in (precision, recall, f1)]
        table.add_row(label, *percents, f"{support:,}")
    stdout.print(table)
    confusion = Table("gold \\ labelled", *scores.labels)
    for label, row in zip(scores.labels, scores.confusion, strict=True):
        confusion.add_row(label, *(str(count) for count in row))
    stdout.print(confusion)
    stdout.print(f"expected calibration error {100 * scores.reliability.error:.2f}")
    reliability = Table("mean probability of the label", "right", "utterances")
    for bin_ in scores.reliability.as_json():
        percents = [f"{100 * bin_[name]:.1f}" for name in ("confidence", "accuracy")]
        reliability.add_row(*percents, f"{bin_['utterances']:,}")
    stdout.print(reliability)


def sentence_of(error: BaseException) -> str:
    """What a person can do about an error; one that is not ours is named by its kind alone."""
    what = f"failed with {type(error).__name__}{limit_hint()}"
    if isinstance(error, OSError) and error.errno:
        # in the system's words, for those of the error may be anybody's
        where = f"{error.filename}: " if error.filename else ""
        what = f"{where}{os.strerror(error.errno)}"
    return own_sentence(error) or f"{what}; --verbose shows the trace"
