"""Dev out of a training set, and parts small enough for folds: nobody has to cut their data."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

from model.dataset import Transcript, label_counts
from model.errors import ModelError

PARTS = 10
"""Of which every tenth is held out; a training set has as many at least."""

FEW = 50
"""A class of fewer utterances than these is warned of."""

_STRETCH = 20
"""Utterances of a part where even dialogues are too few."""

_COLUMNS = ("texts", "names", "speakers", "dialogues", "labels")


def split(
    data: Sequence[Transcript], dev: Sequence[Transcript], folds: int
) -> tuple[list[Transcript], list[Transcript], list[str]]:
    """A training set in as many parts as it has folds, and dev.

    Args:
      data: the episodes of the training set.
      dev: those of dev; if there are none, every tenth part of the training set is held out.
      folds: of cross-fitting.

    Returns:
      The training set, dev, and a sentence on each thing that was decided here.

    Raises:
      ModelError: there is no dev, and too little to hold some out.
    """
    train, chosen, notes = list(data), list(dev), []
    if not chosen:
        parts, unit = parts_of(train, PARTS)
        if len(parts) < PARTS:
            count = sum(map(len, parts))
            raise ModelError(f"{count} utterances are too few to hold some out; give --dev DATA")
        chosen = parts[PARTS - 1 :: PARTS]
        train = [part for number, part in enumerate(parts) if number % PARTS != PARTS - 1]
        notes.append(
            f"no --dev: every tenth of the {len(parts):,} {unit} is held out, "
            f"{sum(map(len, chosen)):,} utterances"
        )
    if len(train) < folds:
        train, unit = parts_of(train, folds)
        notes.append(f"{folds} folds of {len(train):,} {unit}")
    counts = label_counts(train)
    small = [f"{label} {count:,}" for label, count in sorted(counts.items()) if count < FEW]
    if small:
        notes.append(
            f"fewer than {FEW} utterances of {', '.join(small)}: expect labels that are often "
            "wrong, and that change with the seed"
        )
    return train, chosen, notes


def parts_of(transcripts: Sequence[Transcript], wanted: int) -> tuple[list[Transcript], str]:
    """A data set in as many parts as are wanted, or more: whole episodes wherever that is possible.

    Histories reach over all parts, and a context over its dialogue, so that dialogues as parts
    change nothing for the model. Only stretches of a dialogue end what it sees.

    Args:
      transcripts: the episodes.
      wanted: how many parts.

    Returns:
      The parts in timeline order, and what they are: episodes, dialogues, or stretches of 20
      utterances where there are too few dialogues; perhaps fewer than wanted then.
    """
    episodes = sorted(transcripts, key=lambda transcript: transcript.place)
    if len(episodes) >= wanted:
        return episodes, "episodes"
    dialogues = [part for one in episodes for part in _dialogues(one)]
    if len(dialogues) >= wanted:
        return dialogues, "dialogues"
    stretches = [part for one in dialogues for part in _stretches(one)]
    return stretches, f"stretches of {_STRETCH} utterances"


def _dialogues(episode: Transcript) -> Iterator[Transcript]:
    start = 0
    for _, turns in itertools.groupby(episode.dialogues):
        end = start + sum(1 for _ in turns)
        yield _cut(episode, start, end)
        start = end


def _stretches(dialogue: Transcript) -> Iterator[Transcript]:
    for start in range(0, len(dialogue), _STRETCH):
        yield _cut(dialogue, start, start + _STRETCH)


def _cut(whole: Transcript, start: int, end: int) -> Transcript:
    """Some turns, placed after those before them."""
    columns = {name: getattr(whole, name)[start:end] for name in _COLUMNS}
    return dataclasses.replace(whole, place=(*whole.place, start), **columns)
