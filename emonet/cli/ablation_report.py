"""What `emonet ablate` shows and writes: a table for people, for programs, and a plot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from emonet.cli.console import stdout
from emonet.cli.plots import suite_plot

_HISTORY_COLUMNS = ("by", "group", "utterances", "own history", "strangers'", "difference (95%)")
_COLUMNS = (
    "variant", "seeds", "weighted F1 (sd)", "macro F1", "log loss", "difference (95%)", "to",
)  # fmt: skip


def write_report(
    table: Sequence[dict[str, Any]],
    history: Mapping[str, Sequence[dict[str, Any]]],
    about: str,
    folder: Path,
) -> None:
    """Writes `suite.json`, `suite.md` and `suite.svg`.

    Args:
      table: as `comparison.suite_table` gives it.
      history: as `breakdown.history_breakdown` gives it.
      about: one line: what was trained and scored on what.
      folder: where the three go.
    """
    (folder / "suite.json").write_text(
        json.dumps({"about": about, "variants": table, "history": history}, indent=2) + "\n"
    )
    parts = [f"{about}\n\n{_markdown(_COLUMNS, map(_cells, table))}"]
    for variant, groups in history.items():
        title = (
            f"Where the speaker's own history helps more than a stranger's, in percent: {variant}"
        )
        parts.append(f"{title}\n\n{_markdown(_HISTORY_COLUMNS, map(_history_cells, groups))}")
    (folder / "suite.md").write_text("\n".join(parts))
    suite_plot(table, folder / "suite.svg")


def show_suite(table: Sequence[dict[str, Any]], about: str) -> None:
    """A row a variant."""
    shown = Table(*_COLUMNS, title=about)
    for cells in map(_cells, table):
        shown.add_row(*cells)
    stdout.print(shown)


def _cells(variant: dict[str, Any]) -> list[str]:
    spread = f" ({variant['sd']:.2f})" if variant["sd"] is not None else ""
    return [
        variant["variant"],
        str(variant["seeds"]),
        f"{variant['mean']:.2f}{spread}",
        f"{variant['macro_f1']:.2f}",
        f"{variant['log_loss']:.4f}",
        _interval(variant["difference"]) if "difference" in variant else "",
        variant.get("against", ""),
    ]


def _history_cells(group: dict[str, Any]) -> list[str]:
    return [
        group["by"],
        group["group"],
        str(group["utterances"]),
        f"{group['right']:.1f}",
        f"{group['right_other']:.1f}",
        _interval(group["difference"]),
    ]


def _interval(gap: dict[str, float]) -> str:
    return f"{gap['mean']:+.2f} ({gap['low']:+.2f} to {gap['high']:+.2f})"


def _markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
