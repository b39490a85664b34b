"""ConvoKit: the five files of a corpus, https://convokit.cornell.edu/documentation/data_format.html.

A dialogue is a conversation, named after its first utterance, and an utterance replies to the one
before it. Who has no id is nobody who comes again: one speaker an episode, `unknown:EPISODE`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from emonet.emotions import Emotions
from emonet.export.target import Export, Target

_STRING, _INTEGER, _NUMBER = ("<class 'str'>",), ("<class 'int'>",), ("<class 'float'>",)

_OF_AN_UTTERANCE: Final = {
    "label": _STRING, "speaker_logit": _NUMBER, "history_length": _INTEGER, "model_id": _STRING,
    "start_ms": _INTEGER, "end_ms": _INTEGER,
}  # fmt: skip
_OF_A_SPEAKER: Final = {"name": _STRING, "kind": _STRING, "show": _STRING}
_OF_A_CONVERSATION: Final = {
    "corpus": _STRING, "show": _STRING, "season": _INTEGER, "episode": _INTEGER,
    "episode_id": _STRING, "dialogue_id": _STRING,
}  # fmt: skip
"""What is known of each, beside what ConvoKit asks for, and the types of it in Python."""


def export(emotions: Emotions) -> Export:
    """The five files."""
    rows = emotions.plain_rows.to_pylist()
    conversations = _conversations(rows)
    probabilities = [name for name in emotions.plain_rows.column_names if name.startswith("prob_")]
    known = {**_OF_AN_UTTERANCE, **dict.fromkeys(probabilities, _NUMBER)}
    utterances = _utterances(rows, conversations, known)
    first = {at: rows[at] for at in sorted(set(conversations))}
    documents: dict[str, Any] = {
        "speakers.json": _speakers(rows),
        "conversations.json": {
            _id(row): _described(row, _OF_A_CONVERSATION) for row in first.values()
        },
        "corpus.json": {"name": rows[0]["corpus"]},
        "index.json": {
            "utterances-index": known,
            "speakers-index": _OF_A_SPEAKER,
            "conversations-index": _OF_A_CONVERSATION,
            "overall-index": {"name": _STRING},
            "version": 1,
            "vectors": [],
        },
    }
    lines = "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in utterances)
    files = [(name, json.dumps(one).encode()) for name, one in documents.items()]
    return Export([("utterances.jsonl", lines.encode()), *files], len(emotions))


def _conversations(rows: list[dict[str, Any]]) -> list[int]:
    """The place of the first utterance of each utterance's dialogue."""
    first: dict[tuple[str, str], int] = {}
    keys = ((row["episode_id"], row["dialogue_id"]) for row in rows)
    return [first.setdefault(key, at) for at, key in enumerate(keys)]


def _utterances(
    rows: list[dict[str, Any]], conversations: list[int], known: Mapping[str, Any]
) -> Iterable[dict[str, Any]]:
    for at, (row, first) in enumerate(zip(rows, conversations, strict=True)):
        yield {
            "id": _id(row),
            "conversation_id": _id(rows[first]),
            "text": row["text"],
            "speaker": _speaker(row),
            "meta": {name: row[name] for name in known},
            "reply-to": None if at == first else _id(rows[at - 1]),
            "timestamp": None if row["start_ms"] is None else row["start_ms"] / 1000,
            "vectors": [],
        }


def _speakers(rows: list[dict[str, Any]]) -> dict[str, Any]:
    speakers: dict[str, Any] = {}
    for row in rows:
        known = {"name": row["speaker_name"], "kind": row["speaker_kind"], "show": row["show"]}
        speakers.setdefault(_speaker(row), {"meta": known, "vectors": []})
    return speakers


def _described(row: dict[str, Any], known: Iterable[str]) -> dict[str, Any]:
    return {"meta": {name: row[name] for name in known}, "vectors": []}


def _id(row: dict[str, Any]) -> str:
    return f"{row['episode_id']}#{row['utterance']}"


def _speaker(row: dict[str, Any]) -> str:
    return str(row["speaker_id"] or f"unknown:{row['episode_id']}")


TARGET = Target(is_folder=True, export=export)
