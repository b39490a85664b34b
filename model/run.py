"""The context's training: its epochs, and its state on disk, from which it is taken up again.

An epoch is a pure function of the state before it, the seed and its number: batches and dropout
are seeded by both, so a run that was interrupted ends with the same weights as one that was not.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional

from model.artifact import WEIGHTS, restore
from model.batches import Corpus, batch_states, batches
from model.dataset import class_weights
from model.emonet import EmoNet
from model.errors import ModelError
from model.optimization import adamw, average_share, rate_share
from model.precision import autocast
from model.second_head import SecondHead
from model.settings import TrainingSettings
from model.windows import Window


@dataclasses.dataclass(frozen=True)
class Epoch:
    """What one epoch gave: mean loss a step, and weighted F1 on dev in percent."""

    number: int
    loss: float
    dev: float


class TrainingRun:
    """The state of a training run, on disk after every epoch, without pickle.

    Attributes:
      epochs: those that are done.
      steps: done before each epoch, and at last all.
      taken_up: whether the folder held the run already.
      teacher: what other contexts say of the corpus, (utterances, classes) float32 logits; None
        until it is set, without which none is `taught`.
    """

    def __init__(
        self,
        model: EmoNet,
        training: TrainingSettings,
        corpus: Corpus,
        second: SecondHead | None,
        folder: Path,
    ):
        self.model, self.training, self.corpus, self.folder = model, training, corpus, folder
        self.second = second
        classes = len(model.settings.labels)
        self.weights = torch.from_numpy(
            class_weights(corpus.gold, classes, training.weight_exponent)
        ).to(model.device)
        heads = second.named_parameters(prefix="second") if second else ()
        context = model.trained_context()
        self.parameters = {**context, **dict(heads)}
        self.average = {name: value.detach().clone() for name, value in context.items()}
        self.optimizer = adamw(
            self.parameters,
            encoder_rate=training.encoder_rate,
            head_rate=training.head_rate,
            weight_decay=training.weight_decay,
        )
        # how many batches there are depends on their order
        steps = (sum(1 for _ in self._batches(corpus, number)) for number in range(training.epochs))
        self.steps = [0, *itertools.accumulate(steps)]
        self.epochs: list[Epoch] = []
        self.taken_up = False
        self.teacher: np.ndarray | None = None

    @classmethod
    def resume(
        cls,
        model: EmoNet,
        training: TrainingSettings,
        corpus: Corpus,
        second: SecondHead | None,
        folder: Path,
        identity: Mapping[str, Any],
    ) -> TrainingRun:
        """Begins a run in `folder`, or takes up the one that it holds.

        Args:
          model: is given the run's weights, if there are any.
          training: how it is trained.
          corpus: what it learns from.
          second: other labels that it learns from beside it.
          folder: the run's own, which exists.
          identity: all that the run's weights depend on, as JSON can hold it.

        Raises:
          ModelError: `folder` holds a run of another identity, or a class does not occur.
        """
        run = cls(model, training, corpus, second, folder)
        described = folder / "identity.json"
        content = json.dumps(identity, sort_keys=True)
        run.taken_up = described.exists()
        if not run.taken_up:
            replace_file(described, lambda path: path.write_text(content))
        elif other := differing(json.loads(described.read_text()), identity):
            raise ModelError(
                f"{folder} holds an unfinished run with other data or settings "
                f"({', '.join(other)}); finish that one as it was begun, or give another --output"
            )
        run._load()
        return run

    def epochs_left(self) -> bool:
        """Whether there is an epoch to train, by their number and by patience."""
        best = max(self.epochs, key=lambda epoch: epoch.dev, default=None)
        waited = len(self.epochs) - best.number if best else 0
        return len(self.epochs) < self.training.epochs and waited < self.training.patience

    def epoch(self, advance: Callable[[int, int], None]) -> float:
        """Trains the next epoch.

        Args:
          advance: called with steps done and all steps.

        Returns:
          The mean loss of a step.
        """
        self.model.train()
        self.model.embedder.eval()
        number = len(self.epochs)
        torch.manual_seed(hash((self.training.seed, number)))
        losses: list[float] = []
        others: Iterator[list[Window] | None] = itertools.repeat(None)
        if self.second:  # what one epoch has no step for waits for the next one
            others = itertools.chain(self._batches(self.second.corpus, number), others)
        pairs = zip(self._batches(self.corpus, number), others, strict=False)
        for step, (batch, other) in enumerate(pairs, start=self.steps[number]):
            losses.append(self._step(batch, other, step))
            advance(step + 1, self.steps[-1])
        return sum(losses) / len(losses)

    def note(self, epoch: Epoch) -> None:
        """Keeps the averaged weights if they are the best, and all that the next epoch needs."""
        self.epochs.append(epoch)
        if epoch is max(self.epochs, key=lambda epoch: epoch.dev):
            _save(self.folder / WEIGHTS, self.average)
        moments = {
            f"{moment}/{name}": self.optimizer.state[parameter][moment]
            for name, parameter in self.parameters.items()
            for moment in ("exp_avg", "exp_avg_sq", "step")
        }
        average = {f"average/{name}": value for name, value in self.average.items()}
        history = json.dumps([dataclasses.asdict(epoch) for epoch in self.epochs])
        _save(self.folder / "state.safetensors", {**self.parameters, **average, **moments}, history)

    @contextlib.contextmanager
    def averaged(self) -> Iterator[EmoNet]:
        """The model with the average of its weights."""
        context = self.model.trained_context()
        own = {name: value.detach().clone() for name, value in context.items()}
        restore(context, self.average)
        yield self.model
        restore(context, own)

    def _load(self) -> None:
        path = self.folder / "state.safetensors"
        if not path.exists():
            return
        with safetensors.safe_open(path, framework="pt") as file:
            self.epochs = [Epoch(**epoch) for epoch in json.loads(file.metadata()["epochs"])]
        tensors = safetensors.torch.load_file(path)
        self.average = {
            name: tensors[f"average/{name}"].to(self.model.device) for name in self.average
        }
        for name, parameter in self.parameters.items():
            with torch.no_grad():
                parameter.copy_(tensors[name])
            self.optimizer.state[parameter] = {
                "step": tensors[f"step/{name}"],  # stays on the CPU, as AdamW keeps it
                "exp_avg": tensors[f"exp_avg/{name}"].to(parameter.device),
                "exp_avg_sq": tensors[f"exp_avg_sq/{name}"].to(parameter.device),
            }

    def _batches(self, corpus: Corpus, number: int) -> Iterator[list[Window]]:
        random = np.random.default_rng([self.training.seed, number])
        order = random.permutation(len(corpus.windows)).tolist()
        return batches(corpus, order, self.training.batch_turns)

    def _step(self, batch: list[Window], other: list[Window] | None, step: int) -> float:
        scale = rate_share(step, self.steps[-1], self.training.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * scale
        with autocast(self.model.device):
            scored, states = batch_states(self.model, self.corpus, batch)
            logits = self.model.classify(self.model.dropout(states)).float()
        gold = torch.from_numpy(self.corpus.gold)[scored].to(logits.device)
        loss = functional.cross_entropy(logits, gold, weight=self.weights, ignore_index=-1)
        if self.teacher is not None and self.training.taught:
            # what is said comes of weighted losses: to weigh it again would be once too often
            said = torch.from_numpy(self.teacher)[scored].to(logits.device).softmax(dim=1)
            loss = loss.lerp(functional.cross_entropy(logits, said), self.training.taught)
        both = loss
        if self.second and other:
            with autocast(self.model.device):
                both = loss + self.training.second_weight * self.second.loss(self.model, other)
        self.optimizer.zero_grad()
        both.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(list(self.parameters.values()), 1.0)
        self.optimizer.step()
        left = average_share(step, self.training.averaging)
        with torch.no_grad():
            for name, average in self.average.items():
                average.lerp_(self.parameters[name], 1 - left)
        return loss.item()


def differing(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The names of what two identities have that is not the same, sorted."""
    one, other = dict(_leaves(held)), dict(_leaves(wanted))
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _leaves(identity: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in json.loads(json.dumps(identity)).items():
        yield from value.items() if isinstance(value, dict) else [(name, value)]


def _save(path: Path, tensors: Mapping[str, Tensor], epochs: str = "") -> None:
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {"epochs": epochs}
    replace_file(path, lambda temporary: safetensors.torch.save_file(plain, temporary, metadata))


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file, which is there as it was or as it is to be, also after a power cut."""
    temporary = path.with_suffix(".new")
    write(temporary)
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
