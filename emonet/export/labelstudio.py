"""Label Studio: a task an utterance, with what was said before it and the label as a prediction.

`tasks.json` is imported into a project whose labelling interface is `interface.xml`. Formats:
https://labelstud.io/guide/tasks and https://labelstud.io/guide/predictions.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import quoteattr

from emonet.emotions import Emotions
from emonet.export.target import Export, Target
from emonet.palette import colours

_BEFORE = 5
"""Utterances of the dialogue that a task shows before its own."""

_OF_A_TASK = (
    "episode_id", "dialogue_id", "utterance", "start_ms", "end_ms", "speaker_name", "text",
)  # fmt: skip


def export(emotions: Emotions) -> Export:
    """The tasks, and the interface that shows them."""
    tasks = json.dumps(list(_tasks(emotions)), ensure_ascii=False).encode()
    interface = _interface(emotions).encode()
    return Export([("tasks.json", tasks), ("interface.xml", interface)], len(emotions))


def _tasks(emotions: Emotions) -> Iterator[dict[str, Any]]:
    before: deque[str] = deque(maxlen=_BEFORE)
    dialogue = None
    rows = zip(emotions.plain_rows.to_pylist(), emotions.confidence, strict=True)
    for row, confidence in rows:
        if dialogue != (row["episode_id"], row["dialogue_id"]):
            dialogue = (row["episode_id"], row["dialogue_id"])
            before.clear()
        data = {name: row[name] for name in _OF_A_TASK}
        data["speaker_name"] = row["speaker_name"] or "?"
        yield {
            "data": {**data, "before": "\n".join(before)},
            "predictions": [_prediction(row, float(confidence))],
        }
        before.append(f"{data['speaker_name']}: {row['text']}")


def _prediction(row: dict[str, Any], confidence: float) -> dict[str, Any]:
    choice = {
        "from_name": "emotion",
        "to_name": "text",
        "type": "choices",
        "value": {"choices": [row["label"]]},
    }
    score = round(confidence, 6)
    return {"model_version": row["model_id"], "score": score, "result": [choice]}


def _interface(emotions: Emotions) -> str:
    choices = "".join(
        f"    <Choice value={quoteattr(label)} background={quoteattr(colour)}/>\n"
        for label, colour in colours(emotions.labels).items()
    )
    return (
        "<View>\n"
        '  <Header value="$episode_id" size="5"/>\n'
        '  <Text name="before" value="$before"/>\n'
        '  <Header value="$speaker_name" size="4"/>\n'
        '  <Text name="text" value="$text"/>\n'
        '  <Choices name="emotion" toName="text" choice="single" showInline="true">\n'
        f"{choices}"
        "  </Choices>\n"
        "</View>\n"
    )


TARGET = Target(is_folder=True, export=export)
