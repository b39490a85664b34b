"""Utterances -> one compressed block that a page unpacks: a typed array a column.

Probabilities have 8 bits, a step of 0.4 points: more than a picture or a search tells apart.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emonet.emotions import Emotions

_LOGITS = 50
"""Steps of `speaker_logit` to one logit, in 8 bits: up to 2.5, beyond all that was seen."""


def packed_columns(emotions: Emotions) -> tuple[dict[str, Any], str]:
    """What the page needs of every utterance.

    Returns:
      What says how to unpack it (sizes in bytes, in order; names of speakers; episodes), and the
      columns, one after the other, as zlib in base64.
    """
    speakers, names = emotions.codes("speaker_name")
    episodes, ids = emotions.codes("show", "season", "episode", "episode_id")
    dialogues, _ = emotions.codes("episode_id", "dialogue_id")
    seconds = pc.fill_null(emotions.rows["start_ms"], -1000).to_numpy() // 1000 + 1
    shifts = np.rint(emotions.rows["speaker_logit"].to_numpy() * _LOGITS).clip(-127, 127)
    columns = {
        "probabilities": np.rint(emotions.probabilities.T * 255).astype("u1").tobytes(),
        "labels": emotions.chosen.astype("u1").tobytes(),
        "shifts": shifts.astype("i1").tobytes(),
        "speakers": speakers.astype("<u4").tobytes(),
        "episodes": episodes.astype("<u4").tobytes(),
        "dialogues": dialogues.astype("<u4").tobytes(),
        "seconds": seconds.astype("<u4").tobytes(),
        "utterances": emotions.rows["utterance"].to_numpy().astype("<u4").tobytes(),
        "texts": "\n".join(_one_line(emotions.rows["text"])).encode(),
    }
    known = {
        "rows": len(emotions),
        "sizes": {name: len(content) for name, content in columns.items()},
        "logits": _LOGITS,
        "speakers": [cell[0] or "" for cell in names],
        "episodes": [
            dict(zip(("show", "season", "episode", "id"), cell, strict=True)) for cell in ids
        ],
    }
    return known, base64.b64encode(zlib.compress(b"".join(columns.values()), 6)).decode()


def _one_line(texts: pa.ChunkedArray) -> list[str]:
    found: list[str] = pc.replace_substring_regex(texts, r"[\r\n]+", " ").to_pylist()
    return found
