"""Every file of a corpus of subtitles: what is found in it, what becomes of that, and how fast.

    python benchmarks/reading.py ../shared/data/subtitles

A row a format. Seconds are of one process, from bytes in memory to episodes, for 100,000 cues.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from beam_pipeline.corpus.archives import read_packed
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import expand_inputs
from beam_pipeline.corpus.reading import FileContent

PER_CUES = 100_000


@dataclasses.dataclass
class Row:
    """What was read of one format."""

    files: int = 0
    found: int = 0
    used: int = 0
    seconds: float = 0.0
    dropped: Counter[str] = dataclasses.field(default_factory=Counter)
    rejected: Counter[str] = dataclasses.field(default_factory=Counter)

    def add(self, content: FileContent, seconds: float) -> None:
        """Takes a file in."""
        self.files += 1
        self.found += content.source.found
        self.used += content.source.used
        self.seconds += seconds
        self.dropped.update(dict(content.source.dropped_kinds))
        for one in content.rejected:
            self.rejected[str(one.reason)] += one.items

    def cells(self) -> list[str]:
        """The row as it is shown."""
        return [
            *(f"{count:,}" for count in (self.files, self.found, self.used)),
            _shown(self.dropped),
            _shown(self.rejected),
            f"{self.seconds / self.found * PER_CUES:.2f}" if self.found else "",
        ]


def _shown(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common())


def rows_of(paths: list[str]) -> dict[str, Row]:
    """A row for each format, and one for all."""
    rows: dict[str, Row] = {}
    for path in paths:
        data = Path(path).read_bytes()
        begin = time.perf_counter()
        contents = list(read_packed(path, data, ReadOptions("subtitles")))
        seconds = (time.perf_counter() - begin) / len(contents)
        for content in contents:
            for name in (content.source.format or "no format", "all"):
                rows.setdefault(name, Row()).add(content, seconds)
    return rows


def main(inputs: list[str]) -> None:
    """Prints the table."""
    rows = rows_of(expand_inputs(inputs))
    headers = ("format", "files", "found", "used", "dropped", "rejected", "s / 100,000 cues")
    table = Table(*headers)
    for name in sorted(rows, key=lambda name: (name == "all", -rows[name].found)):
        table.add_row(name, *rows[name].cells())
    Console().print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
