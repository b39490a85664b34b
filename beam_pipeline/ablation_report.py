"""What `emonet ablate` shows and writes: a table for people, for programs, and a plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from beam_pipeline.console import stdout
from beam_pipeline.plots import ladder_plot

_COLUMNS = ("row", "seeds", "weighted F1 (sd)", "macro F1", "log loss", "difference (95%)", "to")


def write_report(table: Sequence[dict[str, Any]], about: str, folder: Path) -> None:
    """Writes `ladder.json`, `ladder.md` and `ladder.svg`.

    Args:
      table: as `comparison.ladder_table` gives it.
      about: one line: what was trained and scored on what.
      folder: where the three go.
    """
    (folder / "ladder.json").write_text(
        json.dumps({"about": about, "rows": table}, indent=2) + "\n"
    )
    (folder / "ladder.md").write_text(_markdown(table, about))
    ladder_plot(table, folder / "ladder.svg")


def show_ladder(table: Sequence[dict[str, Any]], about: str) -> None:
    """A row a set of settings."""
    shown = Table(*_COLUMNS, title=about)
    for cells in map(_cells, table):
        shown.add_row(*cells)
    stdout.print(shown)


def _cells(row: dict[str, Any]) -> list[str]:
    spread = f" ({row['sd']:.2f})" if row["sd"] is not None else ""
    gap = row.get("difference")
    return [
        row["row"],
        str(row["seeds"]),
        f"{row['mean']:.2f}{spread}",
        f"{row['macro_f1']:.2f}",
        f"{row['log_loss']:.4f}",
        f"{gap['mean']:+.2f} ({gap['low']:+.2f} to {gap['high']:+.2f})" if gap else "",
        row.get("against", ""),
    ]


def _markdown(table: Sequence[dict[str, Any]], about: str) -> str:
    lines = [_COLUMNS, ["---"] * len(_COLUMNS), *map(_cells, table)]
    return f"{about}\n\n" + "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
