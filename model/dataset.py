"""Transcripts: what the model learns from and labels, an episode each."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from model.errors import ModelError

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Transcript:
    """The utterances of one episode as columns of equal length, in the order they were said.

    Attributes:
      episode: its id.
      place: where it stands on the timeline; the places of a corpus can be compared.
      texts: what was said.
      names: who said it, None where not known.
      speakers: stable speaker ids, None where not known.
      dialogues: ids of the dialogues, unique within the episode.
      labels: gold labels, None where there is none.
    """

    episode: str
    place: tuple[str | int, ...]
    texts: Sequence[str]
    names: Sequence[str | None]
    speakers: Sequence[str | None]
    dialogues: Sequence[str]
    labels: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.texts)

    @functools.cached_property
    def as_json(self) -> str:
        """All columns, for `digest`, which is asked for many times over."""
        columns = [getattr(self, field.name) for field in dataclasses.fields(self)]
        return json.dumps(columns, ensure_ascii=False)


@dataclasses.dataclass(frozen=True)
class Data:
    """What a model is trained with, the episodes of each set in timeline order.

    Attributes:
      train: the training set.
      dev: what epochs are chosen and logits calibrated on.
      auxiliary: dialogue with labels of its own, for an auxiliary head; none by default.
      oof_logits: (utterances of `train`, classes) float32, out-of-fold logits that are known
        already; None where cross-fitting is to make them, or there are none.
      teacher_logits: the same of a teacher; None where the out-of-fold logits teach.
      unlabelled: dialogue that teachers label, for distillation; none by default.
    """

    train: Sequence[Transcript]
    dev: Sequence[Transcript]
    auxiliary: Sequence[Transcript] = ()
    oof_logits: np.ndarray | None = None
    teacher_logits: np.ndarray | None = None
    unlabelled: Sequence[Transcript] = ()

    def __post_init__(self) -> None:
        for name in ("train", "dev", "auxiliary", "unlabelled"):
            ordered = sorted(getattr(self, name), key=lambda transcript: transcript.place)
            object.__setattr__(self, name, ordered)


def common_timeline(
    data: Sequence[Transcript], dev: Sequence[Transcript]
) -> list[tuple[Transcript, bool]]:
    """The episodes of two sets by place, and whether each is of the second one.

    Both may hold dialogues of one episode, as MELD's do: the first set's come first.
    """
    both = [(t, False) for t in data] + [(t, True) for t in dev]
    return sorted(both, key=lambda entry: (entry[0].place, entry[1]))


def label_set(transcripts: Sequence[Transcript]) -> tuple[str, ...]:
    """The labels that occur, sorted.

    Raises:
      ModelError: fewer than two occur.
    """
    labels = {label for transcript in transcripts for label in transcript.labels if label}
    if len(labels) < 2:
        raise ModelError(f"training wants two labels or more, the data has {len(labels)}")
    return tuple(sorted(labels))


def gold_indices(transcripts: Sequence[Transcript], labels: Sequence[str]) -> np.ndarray:
    """(utterances,) int64: the number of each gold label in `labels`, -1 for none.

    Raises:
      ModelError: a gold label is not in `labels`.
    """
    number: dict[str | None, int] = {label: index for index, label in enumerate(labels)}
    number[None] = -1
    gold = [label for transcript in transcripts for label in transcript.labels]
    foreign = sorted({str(label) for label in gold if label not in number})
    if foreign:
        raise ModelError(
            f"the data has the labels {', '.join(foreign)}; the model knows {', '.join(labels)}"
        )
    return np.array([number[label] for label in gold], dtype=np.int64)


def labels_for_scoring(transcripts: Sequence[Transcript], labels: Sequence[str]) -> np.ndarray:
    """`gold_indices` of what a model is scored on: the score of no label at all would be zero.

    Raises:
      ModelError: no utterance has a gold label, or one is not in `labels`.
    """
    gold = gold_indices(transcripts, labels)
    if not (gold >= 0).any():
        raise ModelError(
            f"none of the {len(gold)} utterances to score on has a gold label; "
            "give data with labels, or name their column"
        )
    return gold


def class_weights(gold: np.ndarray, classes: int, exponent: float) -> np.ndarray:
    """Inverse class frequency to the power `exponent`, with mean one.

    Args:
      gold: (utterances,) int64, -1 for none.
      classes: how many classes there are; each must occur.
      exponent: 0 weighs all alike, 1 is the inverse frequency of the thesis.

    Returns:
      (classes,) float32.

    Raises:
      ModelError: a class does not occur.
    """
    counts = np.bincount(gold[gold >= 0], minlength=classes)
    if not counts.all():
        raise ModelError(f"class number {int(np.argmin(counts))} does not occur in the data")
    weights = np.power(counts.astype(np.float64), -exponent)
    return np.asarray(weights / weights.mean(), dtype=np.float32)


def digest(transcripts: Sequence[Transcript]) -> str:
    """Hex sha256 of everything a model sees of the data."""
    content = ", ".join(transcript.as_json for transcript in transcripts)
    return hashlib.sha256(f"[{content}]".encode()).hexdigest()


def shuffle_speakers(transcripts: Sequence[Transcript], seed: int) -> list[Transcript]:
    """The same utterances with the speaker ids dealt out at random over the whole data.

    Names, and so tags, stay: what changes is whose history an utterance is given. Every speaker
    keeps the number of their utterances.
    """
    speakers = [speaker for transcript in transcripts for speaker in transcript.speakers]
    order = np.random.default_rng(seed).permutation(len(speakers))
    dealt = iter([speakers[index] for index in order])
    return [
        dataclasses.replace(transcript, speakers=[next(dealt) for _ in transcript.speakers])
        for transcript in transcripts
    ]


def known_speakers(transcripts: Sequence[Transcript], reach: str, seed: int) -> list[Transcript]:
    """The same utterances with speakers known as far as `reach`, one of `settings.SPEAKERS`."""
    if reach == "corpus":
        return list(transcripts)
    if reach == "shuffled":
        return shuffle_speakers(transcripts, seed)
    known = []
    for transcript in transcripts:
        part = transcript.dialogues if reach == "dialogue" else [""] * len(transcript)
        speakers = [
            speaker and f"{speaker}@{transcript.episode}/{place}"
            for speaker, place in zip(transcript.speakers, part, strict=True)
        ]
        known.append(dataclasses.replace(transcript, speakers=speakers))
    return known


def label_counts(transcripts: Sequence[Transcript]) -> Counter[str]:
    """How often each gold label occurs."""
    return Counter(label for t in transcripts for label in t.labels if label)


def group_turns(parts: Iterable[T], size: Callable[[T], int], turns: int) -> Iterator[list[T]]:
    """Parts in their order, as many at once as have `turns` turns or more by `size`; the rest."""
    step: list[T] = []
    for part in parts:
        step.append(part)
        if sum(map(size, step)) >= turns:
            yield step
            step = []
    if step:
        yield step
