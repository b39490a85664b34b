"""The training loop: epochs of steps, a moving average of weights, early stopping, resumption.

An epoch is a pure function of the state before it, the seed and its number: batches and dropout are
seeded by both, so a run that was interrupted ends with the same weights as one that was not.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import safetensors.torch
import torch
from torch import nn

from model.checkpoint import restore
from model.evaluation.scores import Scores
from model.network.settings import TrainingSettings
from model.training.optimization import adamw, ema_decay, lr_factor
from model.training.progress import Epoch, Progress
from model.training.steps import write_tensors

WEIGHTS, STATE = "weights.safetensors", "state.safetensors"
"""Weights of the best epoch, and what the next epoch needs."""


class Learner(Protocol):
    """A model in training."""

    @property
    def parameters(self) -> Mapping[str, nn.Parameter]:
        """All that the optimizer moves, by name."""

    @property
    def averaged(self) -> Mapping[str, nn.Parameter]:
        """Those of them that belong to the model, whose moving average is kept."""

    @property
    def encoders(self) -> tuple[str, ...]:
        """How the names of parameters with the encoders' learning rate begin."""

    def train(self) -> None:
        """Switches dropout on where training has it."""

    def batches(self, number: int) -> Iterator[Any]:
        """The batches of an epoch, the same ones at every call."""

    def add_gradients(self, batch: Any) -> float:
        """Adds the gradients of a batch's loss, and returns the loss on gold labels and teacher."""

    def dev_scores(self) -> Scores:
        """Scores on dev, by the weights as they are."""


class TrainingLoop:
    """The state of a training, on disk after every epoch, without pickle.

    Attributes:
      epochs: those that are done.
    """

    def __init__(self, learner: Learner, training: TrainingSettings, folder: Path):
        """Goes on from what `folder` holds, which belongs to this very training.

        Args:
          learner: is given the weights that are there.
          training: how it is trained.
          folder: exists.
        """
        self.learner, self.training, self.folder = learner, training, folder
        self.average = {name: p.detach().clone() for name, p in learner.averaged.items()}
        self.optimizer = adamw(
            learner.parameters,
            encoders=learner.encoders,
            encoder_lr=training.encoder_lr,
            head_lr=training.head_lr,
            weight_decay=training.weight_decay,
        )
        # how many batches there are depends on their order
        steps = (sum(1 for _ in learner.batches(number)) for number in range(training.epochs))
        self.steps = [0, *itertools.accumulate(steps)]
        self.epochs: list[Epoch] = []
        self._load()

    def run(self, progress: Progress) -> list[Epoch]:
        """Trains what is left, and leaves the weights of the best epoch in the model."""
        for epoch in self.epochs:
            progress.finished(epoch)
        if self.epochs and self._epochs_left():
            progress.resumed(len(self.epochs) + 1)
        while self._epochs_left():
            loss = self._epoch(progress)
            with self._averaged():
                dev = self.learner.dev_scores()
            f1 = dict(zip(dev.labels, (100 * dev.f1).tolist(), strict=True))
            self._keep(Epoch(len(self.epochs) + 1, loss, 100 * dev.weighted_f1, f1))
            progress.finished(self.epochs[-1])
        restore(self.learner.averaged, safetensors.torch.load_file(self.folder / WEIGHTS))
        return self.epochs

    def _epochs_left(self) -> bool:
        best = max(self.epochs, key=lambda epoch: epoch.dev, default=None)
        waited = len(self.epochs) - best.number if best else 0
        return len(self.epochs) < self.training.epochs and waited < self.training.patience

    def _epoch(self, progress: Progress) -> float:
        self.learner.train()
        number = len(self.epochs)
        torch.manual_seed(hash((self.training.seed, number)))
        losses = []
        for step, batch in enumerate(self.learner.batches(number), start=self.steps[number]):
            losses.append(self._step(batch, step))
            rates = {group["name"]: group["lr"] for group in self.optimizer.param_groups}
            progress.stepped(step + 1, losses[-1], rates)
            progress.advance(step + 1, self.steps[-1])
        return sum(losses) / len(losses)

    def _step(self, batch: Any, step: int) -> float:
        factor = lr_factor(step, self.steps[-1], self.training.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        self.optimizer.zero_grad()
        loss = self.learner.add_gradients(batch)
        nn.utils.clip_grad_norm_(list(self.learner.parameters.values()), 1.0)
        self.optimizer.step()
        decay = ema_decay(step, self.training.ema_decay)
        with torch.no_grad():
            for name, average in self.average.items():
                average.lerp_(self.learner.averaged[name], 1 - decay)
        return loss

    def _keep(self, epoch: Epoch) -> None:
        """Writes the averaged weights if they are the best, and all that the next epoch needs."""
        self.epochs.append(epoch)
        if epoch is max(self.epochs, key=lambda epoch: epoch.dev):
            write_tensors(self.folder / WEIGHTS, self.average)
        moments = {
            f"{moment}/{name}": self.optimizer.state[parameter][moment]
            for name, parameter in self.learner.parameters.items()
            if parameter in self.optimizer.state  # it has had a gradient
            for moment in ("exp_avg", "exp_avg_sq", "step")
        }
        average = {f"average/{name}": value for name, value in self.average.items()}
        write_tensors(
            self.folder / STATE,
            {**self.learner.parameters, **average, **moments},
            json.dumps([dataclasses.asdict(epoch) for epoch in self.epochs]),
        )

    @contextlib.contextmanager
    def _averaged(self) -> Iterator[None]:
        """The model with the average of its weights."""
        own = {name: value.detach().clone() for name, value in self.learner.averaged.items()}
        restore(self.learner.averaged, self.average)
        yield
        restore(self.learner.averaged, own)

    def _load(self) -> None:
        path = self.folder / STATE
        if not path.exists():
            return
        with safetensors.safe_open(path, framework="pt") as file:
            self.epochs = [Epoch(**epoch) for epoch in json.loads(file.metadata()["metadata"])]
        tensors = safetensors.torch.load_file(path)
        for name, average in self.average.items():
            average.copy_(tensors[f"average/{name}"])
        for name, parameter in self.learner.parameters.items():
            with torch.no_grad():
                parameter.copy_(tensors[name])
            if f"step/{name}" not in tensors:
                continue
            self.optimizer.state[parameter] = {
                "step": tensors[f"step/{name}"],  # stays on the CPU, as AdamW keeps it
                "exp_avg": tensors[f"exp_avg/{name}"].to(parameter.device),
                "exp_avg_sq": tensors[f"exp_avg_sq/{name}"].to(parameter.device),
            }
