"""What nobody names: superseded runs, dead runs, temporary files of dead writers; their removal."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import PurePosixPath

from beam_pipeline.output.manifest import (
    MANIFESTS,
    TABLES,
    manifest_path,
    named_paths,
    read_manifests,
)
from beam_pipeline.output.work import WORK
from beam_pipeline.storage import StoredFile, storage_of


@dataclasses.dataclass(frozen=True)
class UnnamedRun:
    """Files of one run that no manifest names.

    Attributes:
      night: which it was for.
      run: its name.
      since: since when they may be unnamed: the last time that one of them was written or the
        night's manifest was replaced, by the storage's clock.
      files: all of them.
    """

    night: str
    run: str
    since: datetime.datetime
    files: tuple[StoredFile, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(file.size for file in self.files)


@dataclasses.dataclass(frozen=True)
class Removed:
    """What a vacuum removed.

    Attributes:
      runs: that no manifest named.
      temporaries: what killed writers left.
    """

    runs: tuple[UnnamedRun, ...]
    temporaries: tuple[StoredFile, ...]

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """All files that are gone."""
        return (*(file for run in self.runs for file in run.files), *self.temporaries)


def temporary_files(output: str) -> list[StoredFile]:
    """The files that no reader sees: their writer is at work, or was killed.

    Slices that are done, of a night that is not, are among them.
    """
    storage = storage_of(output)
    return [*storage.temporaries(), *storage.files(WORK)]


def unnamed_runs(output: str) -> list[UnnamedRun]:
    """The files of runs that no manifest names, by night and run.

    Raises:
      EmonetError: a manifest is damaged, so that nobody knows what it names.
    """
    storage = storage_of(output)
    # first the files: those of a run that commits in between are named by then
    found = [file for table in (*TABLES, MANIFESTS) for file in storage.files(table)]
    replaced = {file.path: file.modified for file in found}
    named = set(named_paths(storage, read_manifests(output).values()))
    runs: dict[tuple[str, str], list[StoredFile]] = {}
    for file in found:
        if file.path not in named:
            written_for = _written_for(file.path)
            if written_for:
                runs.setdefault(written_for, []).append(file)
    return [
        UnnamedRun(
            night,
            run,
            max(
                *(file.modified for file in files),
                replaced.get(manifest_path(night), files[0].modified),
            ),
            tuple(files),
        )
        for (night, run), files in sorted(runs.items())
    ]


def vacuum(output: str, older_than: datetime.timedelta, now: datetime.datetime) -> Removed:
    """Removes the files that have been unnamed, or not written to, for longer than that.

    A file that a manifest names is never removed, and a reader who read the manifest before it
    was replaced has `older_than` to finish, as has a run that did not commit yet.

    Raises:
      EmonetError: as `unnamed_runs` says; or a file cannot be removed.
    """
    storage = storage_of(output)
    removed = Removed(
        tuple(run for run in unnamed_runs(output) if now - run.since > older_than),
        tuple(file for file in temporary_files(output) if now - file.modified > older_than),
    )
    for file in removed.files:
        storage.delete(file.path)
    return removed


def _written_for(path: str) -> tuple[str, str] | None:
    """The night and the run of a file; None for a file that no run writes."""
    match PurePosixPath(path).parts:
        case (_, night, run, _) if night.startswith("night=") and run.startswith("run="):
            return night.removeprefix("night="), run.removeprefix("run=")
    return None
