"""Fine-tuning on a few corrected lines: the classifier of the context moves, its encoder stays.

    logits' = logits + D c_t + e

Some hundred lines do not move millions of weights reliably, and they do move a linear map. D and e
are those of penalised cross entropy, which is convex: no seed, no epochs. How strong the penalty
is, and whether anything is learned at all, is decided by cross-validation over dialogues.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model.errors import ModelError
from model.evaluation.calibration import probabilities
from model.network.emonet import EmoNet

_PENALTIES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1)
"""Of D, from strong to weak: the inverse variance of a Gaussian prior of its entries, over states
with a mean squared norm of one. That of e has a variance of one."""

_FOLDS = 5
_STEPS = 60


@dataclasses.dataclass(frozen=True)
class Lines:
    """What is learned from.

    Attributes:
      states: c_t, (lines, d) float32.
      logits: of the whole model, calibrated, (lines, classes) float64.
      targets: (lines, classes) float64, each row sums to one: the label of a person, or what the
        model said where nobody has said anything.
      weights: (lines,) float64, positive.
      dialogues: the dialogue of each line, (lines,) int64.
      corrected: whether a person has labelled it, (lines,) bool.
    """

    states: np.ndarray
    logits: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    dialogues: np.ndarray
    corrected: np.ndarray

    def where(self, mask: np.ndarray) -> Lines:
        """Those that a mask, (lines,) bool, has."""
        parts = {one.name: getattr(self, one.name)[mask] for one in dataclasses.fields(self)}
        return Lines(**parts)


@dataclasses.dataclass(frozen=True)
class Tuned:
    """What was learned.

    Attributes:
      weight: D, (classes, d) float64.
      bias: e, (classes,) float64.
      penalty: that was chosen.
      held_out: logits of the lines, each by a fit without its dialogue, (lines, classes) float64.
      gain: how much likelier the targets of all lines are by these, in nats a line.
    """

    weight: np.ndarray
    bias: np.ndarray
    penalty: float
    held_out: np.ndarray
    gain: float

    def applied(self, states: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits of any lines, (lines, classes) float64."""
        return np.asarray(logits + states @ self.weight.T + self.bias)


def lines_to_learn(
    states: np.ndarray,
    logits: np.ndarray,
    gold: np.ndarray,
    weights: np.ndarray | None,
    dialogues: np.ndarray,
) -> Lines:
    """What dialogues with corrections teach.

    Args:
      states: of all lines of these dialogues, (lines, d) float32.
      logits: (lines, classes) float64.
      gold: (lines,) int64, -1 where nobody has said anything.
      weights: (lines,) float64, of a sample; None for lines that were picked by hand. Those are
        where the model is wrong, and alone they would teach that it always is. So the lines around
        them keep what the model said, with the same weight in sum (learning without forgetting, Li
        and Hoiem 2016).
      dialogues: (lines,) int64.
    """
    corrected = gold >= 0
    targets = probabilities(logits)
    targets[corrected] = np.eye(logits.shape[1])[gold[corrected]]
    if weights is None:
        rest = max(1, int((~corrected).sum()))
        weights = np.where(corrected, 1.0, corrected.sum() / rest)
        kept = np.ones(len(gold), bool)
    else:
        kept = corrected
    return Lines(states, logits, targets, weights, dialogues, corrected).where(kept)


def fine_tune(lines: Lines) -> Tuned:
    """Fits D and e.

    Raises:
      ModelError: the lines are of fewer dialogues than folds, or what they teach does not hold for
        dialogues that it was not learned from.
    """
    known = np.unique(lines.dialogues)
    if len(known) < _FOLDS:
        raise ModelError(
            f"the corrections are of {len(known)} dialogues; correct lines of {_FOLDS} or more"
        )
    dealt = np.random.default_rng(0).permutation(len(known)) % _FOLDS
    fold = dealt[np.searchsorted(known, lines.dialogues)]
    held_out = np.zeros((len(_PENALTIES), *lines.logits.shape))
    for number in range(_FOLDS):
        held = fold == number
        for at, (weight, bias) in enumerate(_path(lines.where(~held))):
            held_out[at, held] = lines.logits[held] + lines.states[held] @ weight.T + bias
    losses = [_loss(one, lines) for one in held_out]
    best, unchanged = int(np.argmin(losses)), _loss(lines.logits, lines)
    if losses[best] >= unchanged:
        raise ModelError(
            "what these corrections teach does not hold for dialogues that it was not learned "
            "from; nothing was written, correct more lines"
        )
    weight, bias = [*_path(lines)][best]
    return Tuned(weight, bias, _PENALTIES[best], held_out[best], unchanged - losses[best])


def apply_to(model: EmoNet, tuned: Tuned) -> None:
    """Sets the classifier of a model in float32, so that its logits are those of `Tuned.applied`.

    What the speaker's history adds goes through the same classifier, and stays what it was: the
    projection is set to W_o'^+ W_o W_p, with the pseudoinverse of the new classifier.
    """
    calibration = model.calibration
    scale = calibration.temperature / calibration.context_weight
    with torch.no_grad():
        before = model.classify.weight.double().cpu()
        after = before + scale * torch.from_numpy(tuned.weight)
        project = torch.linalg.pinv(after) @ before @ model.project.weight.double().cpu()
        model.classify.weight.copy_(after)
        model.classify.bias.add_(scale * torch.from_numpy(tuned.bias).to(model.classify.bias))
        model.project.weight.copy_(project)


def _path(lines: Lines) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """D and e under each penalty, each found from the one before it."""
    mean = lines.states.mean(axis=0, dtype=np.float64)
    centred = lines.states.astype(np.float64) - mean
    norm = float(np.sqrt((centred**2).sum(axis=1).mean())) or 1.0
    states, logits, targets = map(torch.from_numpy, (centred / norm, lines.logits, lines.targets))
    weights = torch.from_numpy(lines.weights / lines.weights.mean())
    weight = torch.zeros(logits.shape[1], states.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(logits.shape[1], dtype=torch.float64, requires_grad=True)
    for penalty in _PENALTIES:
        optimizer = torch.optim.LBFGS(
            [weight, bias], max_iter=_STEPS, line_search_fn="strong_wolfe"
        )

        def closure(penalty: float = penalty, optimizer: torch.optim.LBFGS = optimizer) -> Tensor:
            optimizer.zero_grad()
            found = logits + states @ weight.T + bias
            loss = weights @ functional.cross_entropy(found, targets, reduction="none")
            loss = (loss + 0.5 * penalty * weight.square().sum() + 0.5 * bias.square().sum()) / len(
                weights
            )
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimizer.step(closure)  # type: ignore[no-untyped-call]
        scaled = weight.detach().numpy() / norm
        yield scaled, bias.detach().numpy() - scaled @ mean


def _loss(logits: np.ndarray, lines: Lines) -> float:
    """Mean cross entropy of the targets, in nats a line."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(np.average(-(lines.targets * log).sum(axis=1), weights=lines.weights))
