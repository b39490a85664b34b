"""Labelled corpora of chosen lines, committed as a run commits them, without a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from made_up_runs import LABELS, Night, run_night, source_of

from beam_pipeline.records import Labelled, labels_schema

PREDICTED = {"joy": (0.7, 0.2, 0.1), "neutral": (0.2, 0.5, 0.3), "sadness": (0.05, 0.05, 0.9)}
"""Probabilities of the classes of `made_up_runs`, by the label that they give."""

Line = tuple[str | None, str, str]
"""Speaker, text, label."""


def labelled_lines(
    lines: Sequence[Line], number: int = 1, *, show: str = "Tolsay Ferry", timed: bool = True
) -> Labelled:
    """An episode with a line each two seconds, and a new dialogue each four lines."""
    size = len(lines)
    episode_id = f"{show}/s01e{number:02d}"
    speakers, texts, labels = zip(*lines, strict=True)
    columns: dict[str, Any] = {
        "corpus": ["made up"] * size,
        "language": ["en"] * size,
        "show": [show] * size,
        "season": [1] * size,
        "episode": [number] * size,
        "episode_id": [episode_id] * size,
        "dialogue_id": [f"d{at // 4:03}" for at in range(size)],
        "utterance": list(range(size)),
        "start_ms": [2000 * at if timed else None for at in range(size)],
        "end_ms": [2000 * at + 1500 if timed else None for at in range(size)],
        "speaker_id": [name and f"{show}:{name.lower()}" for name in speakers],
        "speaker_name": list(speakers),
        "speaker_kind": ["named" if name else "unknown" for name in speakers],
        "speaker_source": ["label" if name else "none" for name in speakers],
        "text": list(texts),
        "text_raw": list(texts),
        "label": pa.array(labels).dictionary_encode(),
        **{
            f"prob_{one}": [PREDICTED[label][at] for label in labels]
            for at, one in enumerate(LABELS)
        },
        "speaker_logit": np.linspace(-1, 1, size),
        "history_length": [min(at, 3) for at in range(size)],
        "model_id": ["a model"] * size,
    }
    schema = labels_schema(LABELS)
    # a column that this has no value for is null in every row
    arrays = [pa.array(columns.get(field.name, [None] * size)).cast(field.type) for field in schema]
    return Labelled((show, 1, number, episode_id), pa.table(arrays, schema=schema))


def committed(folder: Path, *episodes: Labelled) -> Path:
    """OUT with one night of these episodes, a file each."""
    sources = tuple(source_of([one], f"made/{one.place[3]}.srt") for one in episodes)
    run_night(folder, "0", Night(episodes=episodes, sources=sources))
    return folder


def small_season(folder: Path) -> Path:
    """Two episodes, in which Ann is glad, Bo is sad, and somebody unknown says little."""
    first = [
        ("Ann", "What a day!", "joy"),
        ("Bo", "The boat is gone.", "sadness"),
        (None, "Tickets, please.", "neutral"),
        ("Ann", "We row, then!", "joy"),
    ] * 5
    second = [("Bo", "Nobody came.", "sadness"), ("Ann", "I did.", "neutral")] * 10
    return committed(folder, labelled_lines(first, 1), labelled_lines(second, 2))
