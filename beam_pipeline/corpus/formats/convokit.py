"""Utterances of a ConvoKit corpus: `utterances.jsonl`, an object a line, or the list it once was.

https://convokit.cornell.edu/documentation/data_format.html. A conversation is a dialogue. Its
utterances are ordered by their times, else by what they reply to: some corpora list them backwards.
Names and labels of conversations and speakers are in other files of the corpus, `convokit_parts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from beam_pipeline.corpus.column_names import Column
from beam_pipeline.corpus.formats.format import DataSetFormat, Evidence, RawText
from beam_pipeline.corpus.formats.jsonl import read_objects
from beam_pipeline.corpus.table_columns import RawTable

_KEYS = {
    "id": ("id",),
    "text": ("text",),
    "speaker": ("speaker", "user"),
    "dialogue": ("conversation_id", "root"),
    "reply_to": ("reply-to", "reply_to"),
    "timestamp": ("timestamp",),
}
"""The keys of an utterance, of today and of the first versions."""

_FIRST = re.compile(r"\s*(?:\[\s*)?\{[^\r\n]*")
_SHOWN = tuple(re.compile(rf'"(?:{"|".join(names)})"\s*:') for names in _KEYS.values())
_NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,9})?", re.ASCII)
_EPISODE = re.compile(r"(s\d{1,3}_?e\d{1,3})_c\d+", re.IGNORECASE)


def find_convokit(text: RawText) -> Evidence | None:
    """The first utterance, if it has all keys of one."""
    first = text.at_start(_FIRST)
    return first if first and all(key.search(text.head, *first) for key in _SHOWN) else None


def read_convokit(text: str) -> RawTable:
    """Reads utterances as rows under our names for the columns.

    Raises:
      RefusalError: if it is a list that is no JSON.
    """
    rows, numbers, refused = read_objects(text)
    found = {field: [_value(row, names) for row in rows] for field, names in _KEYS.items()}
    columns: dict[str, Column] = {name: found[name] for name in ("text", "speaker", "dialogue")}
    columns["utterance"] = _order(found)
    episodes = [_episode(one) for one in found["dialogue"]]
    if any(episodes):
        columns["episode"] = episodes
    return RawTable(tuple(columns), columns, numbers, tuple(refused))


def _value(row: Mapping[str, object], names: Sequence[str]) -> object:
    return next((row[name] for name in names if name in row), None)


def _episode(conversation: object) -> str | None:
    """`s01_e02` of `s01_e02_c03`, as the corpus of Friends has them."""
    found = _EPISODE.fullmatch(conversation) if isinstance(conversation, str) else None
    return found[1] if found else None


def _order(found: Mapping[str, Sequence[object]]) -> list[int]:
    """The place of each utterance: by time where all have one, else by what it replies to."""
    times = [_time(one) for one in found["timestamp"]]
    known = [time for time in times if time is not None]
    if len(known) == len(times) and len(set(known)) > 1:
        return _ranks(known)
    return _ranks(_depths(found["id"], found["reply_to"]))


def _time(value: object) -> float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < 1e15 else None


def _depths(ids: Sequence[object], replies: Sequence[object]) -> list[int]:
    """How many utterances each one replies to, directly or not; what goes in a circle has none."""
    parents = {one: to for one, to in zip(ids, replies, strict=True) if isinstance(one, str)}
    depths: dict[object, int] = {}
    for one in parents:
        chain: list[object] = []
        seen: set[object] = set()
        at: object = one
        while at in parents and at not in depths and at not in seen:
            chain.append(at)
            seen.add(at)
            at = parents[at] if isinstance(parents[at], str) else None
        depth = depths.get(at, -1)
        for link in reversed(chain):
            depth += 1
            depths[link] = depth
    return [depths.get(one, 0) if isinstance(one, str) else 0 for one in ids]


def _ranks(values: Sequence[float]) -> list[int]:
    """The place of each value in their order; equal ones keep the order of the file."""
    ranks = [0] * len(values)
    for rank, at in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        ranks[at] = rank
    return ranks


FORMAT = DataSetFormat(
    name="convokit",
    title="ConvoKit",
    shared_extensions=(".jsonl", ".json"),
    recognise=find_convokit,
    read=read_convokit,
    known_by="utterances with `id`, `conversation_id`, `reply-to`, `timestamp`",
    item="an utterance",
    speaker="`speaker`",
)
