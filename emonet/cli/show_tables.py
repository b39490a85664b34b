"""What `emonet show` prints: tables, with sparklines and the colours of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from emonet.cli.console import stdout
from emonet.palette import colours

_BARS = "▁▂▃▄▅▆▇█"
_BESIDE_ARCS = 20
"""Columns of a terminal that a season's name and the borders of its row take."""

_MIN_ARC = 4


def show_overview(shown: Mapping[str, Any], labels: Sequence[str]) -> None:
    """Prints the document of `emonet.overview.overview`."""
    colour = colours(labels)
    stdout.print(f"{shown['utterances']:,} utterances in {shown['episodes']:,} episodes")
    stdout.print(_labels(shown["labels"], colour))
    stdout.print(_arcs(shown["arcs"], labels, colour))
    if shown["speakers"]:
        stdout.print(_speakers(shown["speakers"], shown["labels"], colour))
    if "lines" in shown:
        stdout.print(_lines("lines", shown["lines"], colour))
    stdout.print(_lines("surest", shown["surest"], colour))
    stdout.print(_lines("least sure", shown["least_sure"], colour))


def sparkline(values: Sequence[float], low: float, high: float, width: int) -> str:
    """Values as bars from `low` to `high`, at most `width` of them: neighbours share one."""
    bins = np.array_split(np.asarray(values, float), min(width, len(values)))
    heights = np.array([one.mean() for one in bins])
    scale = (heights - low) / (high - low or 1) * (len(_BARS) - 1)
    return "".join(_BARS[at] for at in np.rint(scale).astype(int).clip(0, len(_BARS) - 1))


def plain(text: str | None) -> Text:
    """A text of the corpus, which a terminal shows and never obeys: controls are replaced."""
    line = " ".join((text or "").split())
    return Text("".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line))


def clock(milliseconds: int | None) -> str:
    """`0:01:05`; nothing where no time is known."""
    if milliseconds is None:
        return ""
    seconds = milliseconds // 1000
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _labels(rows: Sequence[Mapping[str, Any]], colour: Mapping[str, str]) -> Table:
    table = Table("label", "utterances", "mean probability", "", "of all", box=SIMPLE_HEAD)
    for row in sorted(rows, key=lambda row: -row["mean"]):
        margin = "" if row["margin"] is None else f" ± {row['margin']:.1%}"
        bar = Text("█" * round(40 * row["mean"]), colour[row["label"]])
        table.add_row(
            _label(row["label"], colour),
            f"{row['utterances']:,}",
            f"{row['mean']:.1%}{margin}",
            bar,
            f"{row['corpus_mean']:.1%}",
        )
    return table


def _arcs(
    arcs: Sequence[Mapping[str, Any]], labels: Sequence[str], colour: Mapping[str, str]
) -> Table:
    """A row a season; all rows of a label have one scale."""
    width = max(_MIN_ARC, (stdout.options.max_width - _BESIDE_ARCS) // len(labels) - 2)
    table = Table("season", *labels, title="arcs of mean probability", box=SIMPLE_HEAD)
    ends = {
        label: (min(values), max(values))
        for label in labels
        for values in [[one for arc in arcs for one in arc["mean"][label]]]
    }
    for arc in arcs:
        number = "" if arc["season"] is None else f" s{arc['season']:02}"
        sparks = [
            Text(sparkline(arc["mean"][label], *ends[label], width), colour[label])
            for label in labels
        ]
        table.add_row(plain(arc["show"] + number), *sparks)
    return table


def _speakers(
    rows: Sequence[Mapping[str, Any]],
    everywhere: Sequence[Mapping[str, Any]],
    colour: Mapping[str, str],
) -> Table:
    """Each speaker's means, and how far beyond the mean of what is shown they clearly are."""
    table = Table("speaker", "utterances", *colour, title="speakers", box=SIMPLE_HEAD)
    means = {row["label"]: row["mean"] for row in everywhere}
    for row in rows:
        cells = [_cell(row, label, means[label], colour[label]) for label in colour]
        table.add_row(plain(row["speaker_name"]), f"{row['utterances']:,}", *cells)
    table.caption = "↑ ↓ where a 95 % interval leaves out the mean of what is shown"
    return table


def _cell(row: Mapping[str, Any], label: str, mean: float, colour: str) -> Text:
    value, margin = row["mean"][label], row["margin"][label]
    if margin is None or abs(value - mean) <= margin:
        return Text(f"{value:.0%}")
    return Text(f"{value:.0%} {'↑' if value > mean else '↓'}", f"bold {colour}")


def _lines(title: str, rows: Sequence[Mapping[str, Any]], colour: Mapping[str, str]) -> Table:
    table = Table("episode", "time", "speaker", "label", "", "text", title=title, box=SIMPLE_HEAD)
    for row in rows:
        table.add_row(
            plain(row["episode_id"]),
            clock(row["start_ms"]),
            plain(row["speaker_name"]),
            _label(row["label"], colour),
            f"{row['probability']:.0%}",
            plain(row["text"]),
        )
    return table


def _label(name: str, colour: Mapping[str, str]) -> Text:
    return Text(name, colour[name])
