"""What the page draws, computed once: arcs, characters, replies, scenes, what history moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from emonet.emotions import Emotions, Means, grouped_means

CHARACTERS = 12
"""How many characters are drawn, those who say most."""

SCENES = 8
SCENE_LINES = 12
"""How many scenes are shown, and how many lines of one at most."""

MOVED = 8
"""How many lines are shown whose label history moved most, each way."""


def findings(emotions: Emotions) -> dict[str, Any]:
    """All that needs sums over the corpus, as plain values for JSON."""
    codes, cells = emotions.codes("speaker_id")
    counts = np.bincount(codes)
    order = [int(at) for at in np.argsort(-counts, kind="stable") if cells[at][0] is not None]
    chosen = order[:CHARACTERS]
    place = np.full(len(cells), -1)
    place[chosen] = np.arange(len(chosen))
    people = place[codes]
    first = np.unique(codes, return_index=True)[1]
    everywhere = grouped_means(emotions, np.zeros(len(emotions), np.int64), 1)
    return {
        "labels": _means(everywhere)[0],
        "counts": np.bincount(emotions.chosen, minlength=len(emotions.labels)).tolist(),
        "confidence": float(emotions.confidence.mean(dtype=np.float64)),
        "people": len(order),
        "names": _distinct(emotions.rows.select(["speaker_name", "show"]).take(first[chosen])),
        "characters": _means(grouped_means(emotions, people, len(chosen))),
        "arc": episode_means(emotions),
        "change": change(emotions, people, len(chosen)),
        "replies": replies(emotions, people, len(chosen)),
        "scenes": intense_scenes(emotions),
        "history": what_history_moved(emotions),
    }


def episode_means(emotions: Emotions) -> list[dict[str, Any]]:
    """Means of each episode, in order."""
    codes, cells = emotions.codes("show", "season", "episode", "episode_id")
    return _means(grouped_means(emotions, codes, len(cells)))


def change(emotions: Emotions, people: np.ndarray, size: int) -> list[dict[str, Any]]:
    """Means of each character in each season; in each episode where all is of one season."""
    columns = ["show", "season"]
    if len(emotions.codes(*columns)[1]) == 1:
        columns.append("episode_id")
    stretches, cells = emotions.codes(*columns)
    groups = np.where(people >= 0, people * len(cells) + stretches, -1)
    means = _means(grouped_means(emotions, groups, size * len(cells)))
    return [
        {
            "person": at // len(cells),
            **dict(zip(columns, cells[at % len(cells)], strict=True)),
            **one,
        }
        for at, one in enumerate(means)
        if one["count"]
    ]


def replies(emotions: Emotions, people: np.ndarray, size: int) -> list[dict[str, Any]]:
    """Means of what one character says right after another in a dialogue."""
    dialogues = emotions.codes("episode_id", "dialogue_id")[0]
    same = dialogues[1:] == dialogues[:-1]
    before, now = people[:-1], people[1:]
    pairs = np.full(len(emotions), -1)
    pairs[1:] = np.where(same & (before >= 0) & (now >= 0) & (before != now),
                         before * size + now, -1)  # fmt: skip
    means = _means(grouped_means(emotions, pairs, size * size))
    return [
        {"before": at // size, "now": at % size, **one}
        for at, one in enumerate(means)
        if one["count"]
    ]


def intense_scenes(emotions: Emotions) -> list[dict[str, Any]]:
    """Stretches of a dialogue whose lines are least neutral on average; no two overlap.

    Without a class `neutral` the probability of the label takes the place of that of all others.
    """
    names = [label.lower() for label in emotions.labels]
    if "neutral" in names:
        intensity = 1 - emotions.probabilities[:, names.index("neutral")].astype(np.float64)
    else:
        intensity = emotions.confidence.astype(np.float64)
    dialogues = emotions.codes("episode_id", "dialogue_id")[0]
    size = min(SCENE_LINES, len(emotions))
    sums = np.concatenate([[0.0], np.cumsum(intensity)])
    means = (sums[size:] - sums[:-size]) / size
    inside = dialogues[size - 1 :] == dialogues[: len(emotions) - size + 1]
    if not inside.any():  # only dialogues that are shorter: each of them whole
        return _short_scenes(intensity, dialogues)
    found: list[dict[str, Any]] = []
    for start in np.argsort(-np.where(inside, means, -1), kind="stable"):
        if len(found) == SCENES or not inside[start]:
            break
        if all(abs(int(start) - one["start"]) >= size for one in found):
            found.append({"start": int(start), "lines": size, "mean": float(means[start])})
    return found


def _short_scenes(intensity: np.ndarray, dialogues: np.ndarray) -> list[dict[str, Any]]:
    lines = np.bincount(dialogues)
    means = np.bincount(dialogues, weights=intensity) / lines
    starts = np.unique(dialogues, return_index=True)[1]
    return [
        {"start": int(starts[at]), "lines": int(lines[at]), "mean": float(means[at])}
        for at in np.argsort(-means, kind="stable")[:SCENES]
    ]


def what_history_moved(emotions: Emotions) -> dict[str, Any]:
    """How far the speaker's history moved the logit of the label, and the lines it moved most."""
    shifts = emotions.rows["speaker_logit"].to_numpy().astype(np.float64)
    has = emotions.rows["history_length"].to_numpy() > 0
    order = np.argsort(shifts, kind="stable")
    order = order[has[order]]
    size = np.abs(shifts[has])
    return {
        "with": int(has.sum()),
        "median": float(np.median(size)) if len(size) else 0.0,
        "ninth": float(np.quantile(size, 0.9)) if len(size) else 0.0,
        "towards": order[::-1][:MOVED].tolist(),
        "away": order[:MOVED].tolist(),
    }


def _distinct(rows: pa.Table) -> list[str]:
    """Names of speakers, with the show where two have one name, and a number where that is one."""
    names: list[str] = []
    for row in rows.to_pylist():
        name, number = row["speaker_name"] or "?", 1
        plain = f"{name} ({row['show']})"
        while name in names:
            name = plain if number == 1 else f"{plain} {number}"
            number += 1
        names.append(name)
    return names


def _means(means: Means) -> list[dict[str, Any]]:
    """Each group's means and margins, four digits; a margin that is not known is None."""
    margins = means.margin.round(4).astype(object)
    margins[np.isnan(means.margin)] = None
    columns = zip(means.mean.round(4).tolist(), margins.tolist(), means.counts, strict=True)
    return [{"mean": mean, "margin": margin, "count": int(n)} for mean, margin, n in columns]
