"""Where one set of runs labels otherwise than another: by turn, class, speaker and history."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model.ablation.ablation import Result
from model.ablation.comparison import paired_interval
from model.ablation.suite import Variant
from model.dataset import Transcript, common_timeline

_TURNS = {"1": (1, 1), "2 to 4": (2, 4), "5 to 9": (5, 9), "10 and later": (10, None)}
_NAMED_SPEAKERS = 6

Groups = Mapping[str, Mapping[str, np.ndarray]]
"""Of each way to group utterances, its groups: (utterances,) bool each."""


def utterance_groups(
    before: Sequence[Transcript],
    scored: Sequence[Transcript],
    gold: np.ndarray,
    labels: Sequence[str],
) -> Groups:
    """The ways in which a set is looked at.

    Args:
      before: other episodes of the same speakers.
      scored: the set, in timeline order.
      gold: (utterances,) int64, its gold labels as numbers of `labels`.
      labels: the classes.
    """
    turns, histories = _turns_and_histories(before, scored)
    names = np.array([name or "" for t in scored for name in t.names])
    frequent = [name for name, _ in Counter(names[names != ""]).most_common(_NAMED_SPEAKERS)]
    speakers = {name: names == name for name in frequent}
    return {
        "turn of the dialogue": {
            name: (turns >= first) & (turns <= (last or turns.max()))
            for name, (first, last) in _TURNS.items()
        },
        "gold label": {label: gold == number for number, label in enumerate(labels)},
        "speaker": {**speakers, "all others": ~np.isin(names, frequent)},
        "the speaker spoke before": {
            name: histories == name for name in ("in this dialogue", "in others alone", "never")
        },
    }


def _turns_and_histories(
    before: Sequence[Transcript], scored: Sequence[Transcript]
) -> tuple[np.ndarray, np.ndarray]:
    """Of each utterance of `scored`: its number in its dialogue, and where its speaker spoke."""
    known: set[str] = set()
    turns, histories = [], []
    for transcript, is_scored in common_timeline(before, scored):
        length: Counter[str] = Counter()
        here: set[tuple[str, str]] = set()
        for speaker, dialogue in zip(transcript.speakers, transcript.dialogues, strict=True):
            length[dialogue] += 1
            if is_scored:
                turns.append(length[dialogue])
                inside = (speaker, dialogue) in here
                histories.append(
                    "in this dialogue" if inside
                    else "in others alone" if speaker in known
                    else "never"
                )  # fmt: skip
            if speaker:
                here.add((speaker, dialogue))
                known.add(speaker)
    return np.array(turns), np.array(histories)


def history_breakdown(
    variants: Sequence[Variant],
    results: Mapping[str, Sequence[Result]],
    gold: np.ndarray,
    dialogues: Sequence[str],
    groups: Groups,
) -> dict[str, list[dict[str, Any]]]:
    """Each variant whose speakers were shuffled in another one, against that one.

    Args:
      variants: of an ablation.
      results: of each variant, by its name, for seeds from 0.
      gold: (utterances,) int64, -1 for none.
      dialogues: the id of each utterance's dialogue.
      groups: `utterance_groups`.
    """
    table = {}
    for variant in variants:
        if variant.training.speakers == "shuffled" and variant.against:
            sides = results[variant.against], results[variant.name]
            common = min(map(len, sides))
            one, other = (np.stack([run.labels for run in side[:common]]) for side in sides)
            table[variant.against] = breakdown(one, other, gold, dialogues, groups)
    return table


def breakdown(
    one: np.ndarray,
    other: np.ndarray,
    gold: np.ndarray,
    dialogues: Sequence[str],
    groups: Groups,
) -> list[dict[str, Any]]:
    """How many utterances of each group are labelled right on both sides, in percent.

    Args:
      one: (seeds, utterances) int64, the chosen classes.
      other: the same of the other side, with the same seeds.
      gold: (utterances,) int64, -1 for none, which is left out.
      dialogues: the id of each utterance's dialogue, which the interval is drawn over.
      groups: `utterance_groups`.
    """
    table = []
    for way, parts in groups.items():
        for name, part in parts.items():
            labelled = part & (gold >= 0)
            if labelled.any():
                ids = np.asarray(dialogues)[labelled]
                both = [side[:, labelled] == gold[labelled] for side in (one, other)]
                table.append({"by": way, "group": name, **_compared(both[0], both[1], ids)})
    return table


def _compared(one: np.ndarray, other: np.ndarray, dialogues: np.ndarray) -> dict[str, Any]:
    """How often (seeds, utterances) bool of each side are right, and how far apart they are."""
    number = np.unique(dialogues, return_inverse=True)[1]
    sizes = np.bincount(number)
    right, right_other = (
        np.stack([np.bincount(number, run) for run in side]) for side in (one, other)
    )

    def gaps(drawn: np.ndarray) -> np.ndarray:
        return np.asarray((drawn @ (right - right_other).T) / (drawn @ sizes)[:, None])

    return {
        "utterances": len(dialogues),
        "right": 100 * float(one.mean()),
        "right_other": 100 * float(other.mean()),
        "difference": dataclasses.asdict(paired_interval(gaps, dialogues=len(sizes))),
    }
