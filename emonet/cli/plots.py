"""Pictures of results: data -> a file, PNG or SVG by its name.

matplotlib comes with the extra `plots` and is imported where something is drawn.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from beam_pipeline.records import EmonetError
from emonet.palette import GREY, SKY, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from model.evaluation.calibration import Reliability

_SUFFIXES = (".png", ".svg")


def check_picture(path: str) -> None:
    """Sees that a picture of that name can be drawn.

    Raises:
      EmonetError: it is neither PNG nor SVG, or matplotlib is not installed.
    """
    if Path(path).suffix not in _SUFFIXES:
        raise EmonetError(f"--plot {path}: expected a name that ends in {' or '.join(_SUFFIXES)}")
    check_drawing("--plot")


def check_drawing(what: str) -> None:
    """Sees that pictures can be drawn.

    Raises:
      EmonetError: matplotlib is not installed, which `what` needs.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise EmonetError(f"{what} needs matplotlib; pip install emonet[plots]")


def reliability_plot(reliability: Reliability, path: Path) -> None:
    """Draws how often a label is right, by how sure the model is of it, and how many are so sure.

    After the reliability diagrams of Guo et al. 2017, section 2.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 6.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.4, 1))
    _draw_accuracy(upper, reliability)
    _draw_counts(lower, reliability)
    save(figure, path)


def suite_plot(table: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draws each variant of an ablation: its seeds, their mean, the step to it and its interval.

    Args:
      table: as `comparison.suite_table` gives it.
      path: where to.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 1.2 + 0.32 * len(table)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.2, 1))
    places = range(len(table))
    for place, variant in zip(places, table, strict=True):
        seeds = variant["weighted_f1"]
        left.plot(seeds, [place] * len(seeds), "o", color=SKY, markersize=4, alpha=0.7)
        mean = [variant["mean"]]
        left.plot(mean, [place], "|", color=VERMILION, markersize=14, markeredgewidth=2.5)
        if gap := variant.get("difference"):
            right.hlines(place, gap["low"], gap["high"], color=SKY, linewidth=3)
            right.plot([gap["mean"]], [place], "o", color=VERMILION, markersize=5)
    right.axvline(0, color=GREY, linestyle="--", linewidth=1)
    left.set_yticks(places, [f"{variant['variant']} ({variant['seeds']})" for variant in table])
    left.invert_yaxis()
    left.set(xlabel="weighted F1: seeds, mean")
    right.set(xlabel="step to it, 95% interval")
    for axes in (left, right):
        axes.grid(axis="y", color=GREY, alpha=0.2)
        axes.tick_params(axis="y", length=0)
        quiet_axes(axes)
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Writes a picture, an SVG with its text as text; the same bytes for the same data."""
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "emonet"}):
        figure.savefig(path, dpi=200, metadata={"Date": None} if path.suffix == ".svg" else None)


def quiet_axes(axes: Axes) -> None:
    """Takes the frame off but for the two axes that are read."""
    axes.spines[["top", "right"]].set_visible(False)


def _draw_accuracy(axes: Axes, reliability: Reliability) -> None:
    left, width, filled = _bins(reliability)
    sure, right = reliability.confidence[filled], reliability.accuracy[filled]
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="as often as it says")
    axes.bar(
        left,
        right,
        width,
        align="edge",
        color=SKY,
        edgecolor="white",
        label="labels that are right",
    )
    axes.hlines(sure, left, left + width, color=VERMILION, linewidth=2.5, label="mean probability")
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="share of labels that are right")
    axes.legend(loc="upper left", frameon=False)
    axes.set_title(
        f"expected calibration error {100 * reliability.error:.2f} "
        f"over {reliability.counts.sum():,} utterances",
        fontsize="medium",
    )
    quiet_axes(axes)


def _draw_counts(axes: Axes, reliability: Reliability) -> None:
    left, width, filled = _bins(reliability)
    counts = reliability.counts[filled]
    bars = axes.bar(left, counts, width, align="edge", color=GREY, edgecolor="white")
    axes.bar_label(bars, [f"{count:,}" for count in counts], fontsize=7, padding=2)
    axes.set(xlabel="probability of the chosen label", ylabel="utterances")
    axes.margins(y=0.15)
    quiet_axes(axes)


def _bins(reliability: Reliability) -> tuple[np.ndarray, float, np.ndarray]:
    """Left edges of the bins that hold something, the width of each, and which they are."""
    width = 1 / len(reliability.counts)
    filled = np.flatnonzero(reliability.counts)
    return filled * width, width, filled
