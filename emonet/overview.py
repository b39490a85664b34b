"""What a person wants to know first of labelled utterances, as one document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from emonet.emotions import Emotions, Means, grouped_means

LINES = 5
"""How many of the surest and of the least sure lines are shown."""

SPEAKERS = 12
"""How many speakers are shown, by how much they say."""

_WINDOWS = 24
"""Into how many stretches the arc within an episode is cut, at most."""

_OF_A_LINE = (
    "episode_id", "dialogue_id", "utterance", "start_ms", "end_ms", "speaker_name", "text", "label",
)  # fmt: skip


def overview(corpus: Emotions, selected: Emotions, *, lines: bool) -> dict[str, Any]:
    """Counts, means against the corpus, arcs, speakers, the surest and the least sure lines.

    Args:
      corpus: all utterances.
      selected: those that are asked for.
      lines: whether each of them is listed.

    Returns:
      The document of `emonet show --json`, as docs/data-format.md has it.
    """
    order = np.argsort(-selected.confidence, kind="stable")
    ids = selected.codes("episode_id")[1]
    document = {
        "utterances": len(selected),
        "episodes": len(ids),
        "labels": _label_means(corpus, selected),
        "arcs": _season_arcs(selected) if len(ids) > 1 else _episode_arc(selected),
        "speakers": speaker_means(selected)[:SPEAKERS],
        "surest": lines_at(selected, order[:LINES]),
        "least_sure": lines_at(selected, order[::-1][:LINES]),
    }
    return {**document, "lines": lines_at(selected, range(len(selected)))} if lines else document


def lines_at(emotions: Emotions, places: Iterable[int]) -> list[dict[str, Any]]:
    """Single utterances, with the probability of their label."""
    chosen = list(map(int, places))
    rows = emotions.rows.select(_OF_A_LINE).take(chosen).to_pylist()
    return [
        {**row, "probability": _rounded(emotions.confidence[at])}
        for row, at in zip(rows, chosen, strict=True)
    ]


def speaker_means(emotions: Emotions) -> list[dict[str, Any]]:
    """A row a speaker who has an id, who says most first, with means and their margins."""
    codes, cells = emotions.codes("speaker_id")
    known = np.array([cell[0] is not None for cell in cells])
    means = grouped_means(emotions, np.where(known[codes], codes, -1), len(cells))
    first = np.unique(codes, return_index=True)[1]
    named = emotions.rows.select(["show", "speaker_name"]).take(first).to_pylist()
    order = [int(at) for at in np.argsort(-means.counts, kind="stable") if known[at]]
    return [
        {
            "speaker_id": cells[at][0],
            **named[at],
            "utterances": int(means.counts[at]),
            **_mean_and_margin(means, at, emotions.labels),
        }
        for at in order
    ]


def _label_means(corpus: Emotions, selected: Emotions) -> list[dict[str, Any]]:
    means = grouped_means(selected, np.zeros(len(selected), np.int64), 1)
    counts = np.bincount(selected.chosen, minlength=len(corpus.labels))
    everywhere = corpus.probabilities.mean(axis=0, dtype=np.float64)
    return [
        {
            "label": label,
            "utterances": int(counts[at]),
            "mean": _rounded(means.mean[0, at]),
            "margin": _rounded(means.margin[0, at]),
            "corpus_mean": _rounded(everywhere[at]),
        }
        for at, label in enumerate(corpus.labels)
    ]


def _season_arcs(emotions: Emotions) -> list[dict[str, Any]]:
    """An arc a season: the mean of each episode."""
    codes, cells = emotions.codes("show", "season", "episode_id")
    means = grouped_means(emotions, codes, len(cells))
    arcs: dict[tuple[Any, Any], list[int]] = {}
    for at, (show, season, _) in enumerate(cells):
        arcs.setdefault((show, season), []).append(at)
    return [
        {
            "show": show,
            "season": season,
            "of": [cells[at][2] for at in places],
            "mean": _by_label(means.mean[places], emotions.labels),
        }
        for (show, season), places in arcs.items()
    ]


def _episode_arc(emotions: Emotions) -> list[dict[str, Any]]:
    """One arc: the means of equal stretches of an episode."""
    size = min(_WINDOWS, len(emotions))
    windows = np.arange(len(emotions)) * size // len(emotions)
    means = grouped_means(emotions, windows, size)
    first = emotions.rows.select(["show", "season", "episode_id"]).slice(0, 1).to_pylist()[0]
    return [
        {
            "show": first["show"],
            "season": first["season"],
            "of": [first["episode_id"]] * size,
            "mean": _by_label(means.mean, emotions.labels),
        }
    ]


def _by_label(means: np.ndarray, labels: tuple[str, ...]) -> dict[str, list[float | None]]:
    return {label: [_rounded(one) for one in means[:, at]] for at, label in enumerate(labels)}


def _mean_and_margin(means: Means, at: int, labels: tuple[str, ...]) -> dict[str, Any]:
    return {
        name: {label: _rounded(one) for label, one in zip(labels, values[at], strict=True)}
        for name, values in (("mean", means.mean), ("margin", means.margin))
    }


def _rounded(value: float) -> float | None:
    """Four digits, which is more than anybody can tell; None for what is not known."""
    return None if np.isnan(value) else round(float(value), 4)
