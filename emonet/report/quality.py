"""What became of the files: found = used + dropped + rejected, and why."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from emonet.corpus import LabelledCorpus

FILES = 200
"""How many files are listed: those that lost most come first."""


def data_quality(corpus: LabelledCorpus) -> dict[str, Any]:
    """Counts of all files, the files that lost most, and what was refused, by reason."""
    files = corpus.files()
    rejected = corpus.rejected()
    counts = {name: sum(one[name] for one in files) for name in ("found", "used", "dropped")}
    lost = sorted(files, key=lambda one: -one["rejected"])
    shown = ("source", "format", "encoding", "found", "used", "dropped", "rejected")
    return {
        "files": sum(not one["members"] for one in files),
        **counts,
        "rejected": sum(one["rejected"] for one in files),
        "reasons": _reasons(rejected),
        "listed": [{name: one[name] for name in shown} for one in lost[:FILES]],
    }


def _reasons(rejected: pa.Table) -> list[dict[str, Any]]:
    sums = rejected.group_by("reason").aggregate([("items", "sum")]).to_pylist()
    return sorted(sums, key=lambda one: -int(one["items_sum"]))
