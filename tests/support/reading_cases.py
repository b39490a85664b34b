"""Small files of the kinds that public bug reports tell of, and what is right of each.

`python tests/support/reading_cases.py` prints how many are read right, by kind, and the faults of
the others.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, read_bytes
from beam_pipeline.corpus.speakers import remembered

FOLDER: Final = Path(__file__).parents[1] / "beam_pipeline" / "corpus" / "cases"

ANY: Final = "*"
"""What stands in a case where more than one answer is right."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A line of `cases.jsonl`.

    Attributes:
      id: also the name of the case's folder.
      file: below `FOLDER`; the path that is read is the one below the case's folder.
      kind: of fault; empty where the file was read right when the case was collected.
      source: where such a file was reported.
      right: what is right, for people.
      rows: speaker and text of all utterances.
      place: show, season, number.
      reject: the reason of the refusal.
      remembered: the names of those who have a memory over all episodes.
      times: start and end of each utterance in ms.
      dialogues: how many there are.
      languages: those that are read, and then the episode's language is none or one of them.
    """

    id: str
    file: str
    kind: str
    source: str
    right: str
    rows: Sequence[Sequence[str | None]] | None
    place: Sequence[Any] | None
    reject: str | None
    remembered: Sequence[str] | None = None
    times: Sequence[Sequence[int | None]] | None = None
    dialogues: int | None = None
    languages: Sequence[str] | None = None


def cases() -> list[Case]:
    """All of them."""
    lines = (FOLDER / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    return [Case(**json.loads(line)) for line in lines]


def faults(case: Case) -> list[str]:
    """What is not right of a case: what was expected and what was read; empty if all is right."""
    languages = tuple(case.languages) if case.languages else None
    data = (FOLDER / case.file).read_bytes()
    path = case.file.removeprefix(f"{case.id}/")
    content = read_bytes(path, data, ReadOptions("cases", languages=languages))
    source = content.source
    assert source.found == source.used + source.dropped + source.rejected
    pairs = _expected_and_found(case, content)
    return [
        f"{what}: expected {expected}, found {found}"
        for what, expected, found in pairs
        if not _agree(expected, found)
    ]


def _expected_and_found(case: Case, content: FileContent) -> Iterator[tuple[str, Any, Any]]:
    if case.reject is not None:
        yield "reject", [case.reject], [str(one.reason) for one in content.rejected]
        return
    rows = [row for episode in content.episodes for row in episode.utterances.to_pylist()]
    if case.rows is not None:
        yield "rows", case.rows, [[row["speaker_name"], row["text"]] for row in rows]
    places = [[one.show, one.season, one.number] for one in content.episodes]
    yield "episodes", 1, len(places)
    if case.place is not None:
        yield "place", [case.place], places
    if case.remembered is not None:
        kept = remembered(
            [row["speaker_id"] for row in rows], [row["speaker_kind"] for row in rows]
        )
        names = {row["speaker_name"] for row, id in zip(rows, kept, strict=True) if id}
        yield "remembered", sorted(case.remembered), sorted(names)
    if case.times is not None:
        yield "times", case.times, [[row["start_ms"], row["end_ms"]] for row in rows]
    if case.dialogues is not None:
        yield "dialogues", case.dialogues, len({row["dialogue_id"] for row in rows})
    if case.languages is not None:
        known = [one.language for one in content.episodes if one.language]
        yield "languages", [], [tag for tag in known if tag not in case.languages]


def _agree(expected: Any, found: Any) -> bool:
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_agree, expected, found))
    return bool(expected in (ANY, found))


def print_table() -> None:
    """Prints right and all by kind, then each fault."""
    right, all_, wrong = Counter[str](), Counter[str](), list[str]()
    for case in cases():
        kind = case.kind or "(right when collected)"
        found = faults(case)
        all_[kind] += 1
        right[kind] += not found
        wrong += [f"{case.id}: {fault}" for fault in found]
    for kind, count in sorted(all_.items()):
        print(f"{right[kind]:3} of {count:3}  {kind}")
    print(f"{right.total():3} of {all_.total():3}  in all", *wrong, sep="\n")


if __name__ == "__main__":
    print_table()
