"""What `--json` prints: one document a command, for programs, in place of tables."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from beam_pipeline.corpus.census import Census
from beam_pipeline.output.manifest import Manifest
from beam_pipeline.output.past import outdated_nights
from beam_pipeline.output.vacuum import UnnamedRun
from beam_pipeline.records import Rejected
from beam_pipeline.storage import StoredFile

_SUMMARY = ("night", "run", "supersedes", "model_id", "memory_from", "counts", "first_rejected")
"""The keys of a manifest that do not grow with the night."""


def print_json(document: Mapping[str, Any]) -> None:
    """Prints a document to the standard output."""
    print(json.dumps(document, indent=2))


def labelled_night(manifest: Manifest, seconds: float, same_bytes: bool | None) -> dict[str, Any]:
    """A night that was labelled just now.

    Args:
      manifest: of the night.
      seconds: how long it took.
      same_bytes: whether it wrote what the run that it supersedes wrote; None if it does none.
    """
    return {**_summary(manifest), "seconds": round(seconds, 3), "same_bytes": same_bytes}


def all_runs(
    manifests: Mapping[str, Manifest],
    unnamed: Iterable[UnnamedRun],
    temporary: Sequence[StoredFile],
) -> dict[str, Any]:
    """The nights, the runs that no night names, and what is half written."""
    outdated = outdated_nights(manifests)
    return {
        "nights": [
            {**_summary(manifest), "outdated": night in outdated}
            for night, manifest in manifests.items()
        ],
        "unnamed": [
            {
                "night": run.night,
                "run": run.run,
                "files": len(run.files),
                "bytes": run.size,
                "since": run.since.isoformat(),
            }
            for run in unnamed
        ],
        "temporary": {"files": len(temporary), "bytes": sum(file.size for file in temporary)},
    }


def speakers(census: Census, rejected: Sequence[Rejected]) -> dict[str, Any]:
    """Who speaks, names that may be any of several, aliases to be judged, files in conflict."""
    fields = dataclasses.asdict(census)
    counts = {
        name: sum(one.items for one in rejected if one.is_file == is_file)
        for name, is_file in (("rejected", False), ("rejected_files", True))
    }
    return {"speakers": fields.pop("entries"), **counts, **fields}


def _summary(manifest: Manifest) -> dict[str, Any]:
    return {key: manifest[key] for key in _SUMMARY}
