"""A sample of lines for a person to label: stratified, so that few lines say much of a corpus."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Sequence

import numpy as np

from beam_pipeline.records import EmonetError
from emonet.emotions import Emotions

COLUMNS = (
    "show", "season", "episode", "episode_id", "utterance", "before", "speaker", "text", "label",
    "stratum", "weight",
)  # fmt: skip
"""Of the file; `label` is empty, and no column says what the model chose: nobody is led by it."""

_BEFORE = 5
"""Utterances of the dialogue that are shown before a line."""

_GROUPS = 10
"""Strata by uncertainty, of equal size."""

_LEAST = 2
"""Lines of a stratum: fewer would show no spread."""


def draw(emotions: Emotions, n: int, by: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws lines, without replacement.

    Args:
      emotions: all lines.
      n: how many are drawn.
      by: `label`: as many of each label, so that rare ones are seen. `uncertainty`: tenths of the
        lines by the probability of their label, of which the unsure ones are drawn more often,
        in proportion to sqrt(p (1 - p)) (Neyman 1934, "On the Two Different Aspects of the
        Representative Method").
      seed: another one draws other lines.

    Returns:
      The places of the lines, (n,) int64, in order, and the stratum of all lines, (rows,) int64.

    Raises:
      EmonetError: there are fewer lines than `n`, or `n` is less than two a stratum.
    """
    if by == "label":
        strata = np.unique(emotions.chosen, return_inverse=True)[1]
    else:
        order = np.argsort(emotions.confidence, kind="stable")
        strata = np.empty(len(emotions), np.int64)
        strata[order] = np.arange(len(emotions)) * _GROUPS // len(emotions)
    sizes = np.bincount(strata)
    least = int(np.minimum(sizes, _LEAST).sum())
    if not least <= n <= len(emotions):
        raise EmonetError(
            f"--n {n}: give a number from {least} (two a stratum) to {len(emotions):,} (all lines)"
        )
    sure = np.bincount(strata, emotions.confidence) / np.maximum(sizes, 1)
    demand = np.ones(len(sizes)) if by == "label" else sizes * np.sqrt(sure * (1 - sure))
    random = np.random.default_rng(seed)
    chosen = [
        random.choice(np.flatnonzero(strata == stratum), count, replace=False)
        for stratum, count in enumerate(allocate(sizes, demand, n))
    ]
    return np.sort(np.concatenate(chosen)), strata


def allocate(sizes: np.ndarray, demand: np.ndarray, n: int) -> np.ndarray:
    """Lines of each stratum: two, and the rest in proportion, no more than there are.

    Args:
      sizes: lines of each stratum, (strata,) int64.
      demand: what the numbers are to be proportional to, (strata,) float64.
      n: how many in all, at least two a stratum and at most all.
    """
    counts = np.minimum(sizes, _LEAST)
    while counts.sum() < n:
        wanted = np.where(counts < sizes, (demand + 1e-12) / (counts + 1), -1)
        counts[wanted.argmax()] += 1
    return np.asarray(counts)


def sample_csv(emotions: Emotions, places: np.ndarray, strata: np.ndarray) -> bytes:
    """The file that a person fills in.

    Args:
      emotions: all lines.
      places: of the drawn ones, (n,) int64, in order.
      strata: of all lines, (rows,) int64.
    """
    sizes, drawn = np.bincount(strata), np.bincount(strata[places])
    rows = emotions.rows
    ids = ["show", "season", "episode", "episode_id", "utterance"]
    cells = rows.select([*ids, "speaker_name", "text"]).take(places).to_pylist()
    before = _before(emotions, places)
    file = io.StringIO(newline="")
    write = csv.writer(file, lineterminator="\n")
    write.writerow(COLUMNS)
    for at, row, lines in zip(places, cells, before, strict=True):
        stratum = strata[at]
        weight = sizes[stratum] / drawn[stratum]
        shown = (*(row[name] for name in ids), lines, row["speaker_name"], row["text"])
        write.writerow([*shown, "", stratum, f"{weight:.6g}"])
    # with the mark by which spreadsheets know UTF-8
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def _before(emotions: Emotions, places: Sequence[int] | np.ndarray) -> list[str]:
    """What was said before each line in its dialogue, the last few utterances."""
    dialogues = emotions.codes("episode_id", "dialogue_id")[0]
    found = []
    for at in places:
        lines: deque[str] = deque()
        for earlier in range(int(at) - 1, max(-1, int(at) - 1 - _BEFORE), -1):
            if dialogues[earlier] != dialogues[at]:
                break
            row = emotions.rows.slice(earlier, 1).select(["speaker_name", "text"]).to_pylist()[0]
            lines.appendleft(f"{row['speaker_name'] or '?'}: {row['text']}")
        found.append("\n".join(lines))
    return found
