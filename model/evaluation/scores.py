"""Scores of a model on labelled transcripts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from model.dataset import Transcript, group_turns, labels_for_scoring
from model.errors import ModelError
from model.evaluation.calibration import Reliability, reliability
from model.network.emonet import READ_AT_ONCE, EmoNet, histories


@dataclasses.dataclass(frozen=True)
class Scores:
    """How well predictions meet gold labels.

    Attributes:
      labels: the classes.
      confusion: (gold, predicted) counts, int64.
      reliability: how often a label is right, by how sure the model is of it.
    """

    labels: tuple[str, ...]
    confusion: np.ndarray
    reliability: Reliability

    @property
    def support(self) -> np.ndarray:
        """(classes,) int64: gold utterances of each class."""
        return np.asarray(self.confusion.sum(axis=1))

    @property
    def precision(self) -> np.ndarray:
        """(classes,) float64, zero for a class that is never predicted."""
        return _ratio(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def recall(self) -> np.ndarray:
        """(classes,) float64, zero for a class that never occurs."""
        return _ratio(np.diag(self.confusion), self.support)

    @property
    def f1(self) -> np.ndarray:
        """(classes,) float64."""
        return class_f1(self.confusion)

    @property
    def weighted_f1(self) -> float:
        """F1 averaged by support, the measure of EmoryNLP and MELD."""
        return float(weighted_f1(self.confusion))

    @property
    def macro_f1(self) -> float:
        """F1 averaged over classes."""
        return float(macro_f1(self.confusion))

    @property
    def accuracy(self) -> float:
        """Share of utterances that are labelled as in the gold."""
        return float(_ratio(np.diag(self.confusion).sum(), self.confusion.sum()))

    def as_json(self) -> dict[str, Any]:
        """Everything in plain numbers."""
        columns = zip(self.precision, self.recall, self.f1, self.support, strict=True)
        return {
            "utterances": int(self.confusion.sum()),
            "weighted_f1": self.weighted_f1,
            "macro_f1": self.macro_f1,
            "accuracy": self.accuracy,
            "classes": {
                label: {
                    "precision": float(p),
                    "recall": float(r),
                    "f1": float(f),
                    "support": int(n),
                }
                for label, (p, r, f, n) in zip(self.labels, columns, strict=True)
            },
            "confusion": self.confusion.tolist(),
            "expected_calibration_error": self.reliability.error,
            "reliability": self.reliability.as_json(),
        }


def score(gold: np.ndarray, logits: np.ndarray, labels: Sequence[str]) -> Scores:
    """Holds predictions against gold labels.

    Args:
      gold: (utterances,) int64; -1, no gold label, is left out.
      logits: (utterances, classes) float32.
      labels: the classes.
    """
    kept = gold >= 0
    confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(confusion, (gold[kept], logits[kept].argmax(axis=1)), 1)
    return Scores(tuple(labels), confusion, reliability(gold, logits))


def class_f1(confusion: np.ndarray) -> np.ndarray:
    """F1 of each class of (..., gold, predicted) counts: (..., classes) float64."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    return _ratio(2 * right, confusion.sum(axis=-1) + confusion.sum(axis=-2))


def weighted_f1(confusion: np.ndarray) -> np.ndarray:
    """F1 averaged by support of (..., gold, predicted) counts: (...) float64."""
    support = confusion.sum(axis=-1)
    return _ratio((class_f1(confusion) * support).sum(axis=-1), support.sum(axis=-1))


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """F1 averaged over classes of (..., gold, predicted) counts: (...) float64."""
    return np.asarray(class_f1(confusion).mean(axis=-1))


def predict(
    model: EmoNet,
    transcripts: Sequence[Transcript],
    *,
    history: Sequence[Transcript] = (),
    advance: Callable[[int], None] = lambda utterances: None,
) -> np.ndarray:
    """Logits of every utterance, by a plain loop over the whole timeline at once.

    Args:
      model: prepared by `for_inference`.
      transcripts: what is labelled.
      history: episodes that give speakers a history and are not labelled; only its `other_episodes`
        are used.
      advance: called with the number of utterances of each episode that is done.

    Returns:
      (utterances of `transcripts`, classes) float32, in timeline order.
    """
    labelled = {transcript.episode for transcript in transcripts}
    earlier = other_episodes(history, transcripts)
    timeline = sorted([*transcripts, *earlier], key=lambda transcript: transcript.place)
    scored = np.concatenate([np.full(len(t), t.episode in labelled) for t in timeline])
    windows = histories(timeline, model.settings.history)[scored]
    embeddings = np.zeros((len(scored), model.embedder.width), dtype=np.float16)
    context, read = [], []
    for group in group_turns((t for t in timeline if t.episode in labelled), len, READ_AT_ONCE):
        for transcript, encoding in zip(group, model.encode_all(group), strict=True):
            context.append(encoding.context_logits)
            read.append(encoding.embeddings)
            advance(len(transcript))
    embeddings[scored] = np.concatenate(read)
    recalled = np.zeros(len(scored), dtype=bool)
    recalled[windows[windows >= 0]] = True
    texts = [text for transcript in timeline for text in transcript.texts]
    rest = np.flatnonzero(recalled & ~scored)
    embeddings[rest] = model.embed([texts[number] for number in rest])
    return np.asarray(np.concatenate(context) + model.speaker_logits(embeddings, windows))


def other_episodes(
    history: Sequence[Transcript], transcripts: Sequence[Transcript]
) -> list[Transcript]:
    """Those of `history` that are not among `transcripts`.

    The rest would put an utterance itself, or later ones, into its history: two sets may hold
    different parts of one episode, and nothing says which came first.
    """
    labelled = {transcript.episode for transcript in transcripts}
    return [transcript for transcript in history if transcript.episode not in labelled]


def evaluate(
    model: EmoNet,
    transcripts: Sequence[Transcript],
    *,
    history: Sequence[Transcript] = (),
    among: Collection[str] | None = None,
    advance: Callable[[int], None] = lambda utterances: None,
) -> Scores:
    """Labels transcripts and scores them; see `predict`.

    Args:
      model: prepared by `for_inference`.
      transcripts: what is labelled.
      history: episodes that give speakers a history.
      among: the classes that a label is chosen among, where gold labels can be no other; all of
        the model's by default.
      advance: called with the number of utterances of each episode that is done.

    Raises:
      ModelError: there is no gold label, or one is not among the classes, or one of those is none
        of the model's.
    """
    known = model.settings.labels
    foreign = sorted(set(among or ()) - set(known))
    if foreign:
        raise ModelError(f"{foreign[0]!r} is no label of the model's: {', '.join(known)}")
    labels = [label for label in known if among is None or label in among]
    transcripts = sorted(transcripts, key=lambda transcript: transcript.place)
    gold = labels_for_scoring(transcripts, labels)
    logits = predict(model, transcripts, history=history, advance=advance)
    return score(gold, logits[:, [known.index(label) for label in labels]], labels)


def _ratio(part: Any, whole: Any) -> np.ndarray:
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.asarray(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))
