"""Training of CoMPM, by the loop that trains EmoNet's context: whole dialogues, chosen on dev.

The loss is plain cross entropy as published (Lee and Lee 2022; `train.py` of rungjoo/CoMPM); all
that both models have in common is `TrainingSettings`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from model.baselines.compm import CoMPM, first_states, read_first, row_batches
from model.dataset import Data, Transcript, digest, gold_indices, group_turns, labels_for_scoring
from model.encoders.references import EncoderReference
from model.evaluation.scores import Scores, score
from model.network.encoder import fastest_device, load_encoder
from model.network.precision import autocast
from model.network.settings import Settings, TrainingSettings
from model.training.context import HISTORY, LOGITS
from model.training.loop import STATE, TrainingLoop
from model.training.progress import SILENT, Epoch, Progress
from model.training.steps import Step, read_arrays, read_json, write_arrays, write_json

_COLUMNS = ("texts", "names", "speakers", "dialogues", "labels")


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a training gave.

    Attributes:
      epochs: in order.
      logits: of dev by the best epoch's weights, (utterances, classes) float32, in timeline order.
    """

    epochs: list[Epoch]
    logits: np.ndarray


def train_compm(
    data: Data,
    settings: Settings,
    training: TrainingSettings,
    encoder: EncoderReference,
    folder: Path,
    progress: Progress = SILENT,
) -> Trained:
    """Trains a CoMPM, both its encoders from the same one, and labels dev with it.

    Args:
      data: what it is trained and chosen with; auxiliary data and logits are EmoNet's alone.
      settings: of which it has labels and `trained_layers`, of each encoder.
      training: how it is trained; class weights and all later steps are EmoNet's alone.
      encoder: the encoder it starts from.
      folder: of all trainings, where an interrupted one goes on and a finished one is kept.
      progress: receives steps and epochs as they go.

    Raises:
      ModelError: the labels do not fit, dev has none, or `folder` cannot be written.
    """

    def make(own: Path) -> None:
        learner = CoMPMLearner(data, settings, training, encoder)
        epochs = TrainingLoop(learner, training, own).run(progress)
        write_json(own / HISTORY, [dataclasses.asdict(epoch) for epoch in epochs])
        write_arrays(own / LOGITS, {"dev": learner.dev_logits()})

    depends_on = {
        "labels": settings.labels,
        "trained_layers": settings.trained_layers,
        "training": dataclasses.asdict(training),
        "encoder": dict(encoder.files),
        "sets": [digest(data.train), digest(data.dev)],
    }
    done = Step("compm", depends_on, make, scratch=(STATE,)).finish(folder)
    epochs = [Epoch(**epoch) for epoch in read_json(done / HISTORY)]
    return Trained(epochs, read_arrays(done / LOGITS)["dev"])


class CoMPMLearner:
    """A CoMPM in training, as `loop.Learner` describes it."""

    encoders = ("context.", "memory.")

    def __init__(
        self,
        data: Data,
        settings: Settings,
        training: TrainingSettings,
        encoder: EncoderReference,
    ):
        """The model is drawn at random; see `train_compm`."""
        self.gold = labels_for_scoring(data.dev, settings.labels)
        gold_indices(data.train, settings.labels)
        self.data, self.training = data, training
        torch.manual_seed(training.seed)
        self.model = CoMPM(
            labels=settings.labels,
            context=load_encoder(encoder),
            memory=load_encoder(encoder),
            trained_layers=settings.trained_layers,
        ).to(fastest_device())
        self.model.context.for_training()
        self.model.memory.for_training()
        self.parameters = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        self.averaged = self.parameters

    def train(self) -> None:
        """Dropout everywhere."""
        self.model.train()

    def batches(self, number: int) -> Iterator[Transcript]:
        """Dialogues, as many at once as make a batch."""
        return training_steps(self.data.train, self.training, number)

    def add_gradients(self, batch: Transcript) -> float:
        """The loss is the mean over the batch's utterances."""
        return add_gradients(self.model, batch)

    def dev_scores(self) -> Scores:
        """Scores on dev."""
        return score(self.gold, self.dev_logits(), self.model.labels)

    @torch.inference_mode()
    def dev_logits(self) -> np.ndarray:
        """Encoders run as in a step: in bfloat16 where the processor has it, and nothing else."""
        self.model.eval()
        logits = []
        for transcript in self.data.dev:
            reading = self.model.read(transcript)
            with autocast(self.model.classify.weight.device):
                states = first_states(self.model.context, reading.contexts, range(len(transcript)))
                memories = self.model.memorize(reading)
            states = states + self.model.recall(reading, memories)
            logits.append(self.model.classify(states))
        return torch.cat(logits).cpu().numpy()


def add_gradients(model: CoMPM, step: Transcript) -> float:
    """Adds the gradients of a step's mean loss, and returns it.

    Of the contexts, one batch of rows at a time is kept for its gradients.
    """
    gold = torch.from_numpy(gold_indices([step], model.labels)).to(model.classify.weight.device)
    labelled = torch.nonzero(gold >= 0).flatten().tolist()
    reading = model.read(step)
    with autocast(gold.device):
        memories = model.memorize(reading)
    recalled = model.recall(reading, memories)
    # each batch's gradients stop here, and their sum goes on to the memories once
    held = recalled.detach().requires_grad_()
    mean = 0.0
    for rows, batch in row_batches(model.context, reading.contexts, labelled):
        with autocast(gold.device):
            states = read_first(model.context, batch)
        logits = model.classify(states + held[rows])
        loss = functional.cross_entropy(logits, gold[rows], reduction="sum") / len(labelled)
        loss.backward()  # type: ignore[no-untyped-call]
        mean += loss.item()
    recalled.backward(held.grad)  # type: ignore[no-untyped-call]
    return mean


def training_steps(
    data: Sequence[Transcript], training: TrainingSettings, number: int
) -> Iterator[Transcript]:
    """All dialogues in an order of the epoch's own, as many at once as make a step."""
    scenes = _scenes(sorted(data, key=lambda transcript: transcript.place))
    random = np.random.default_rng([training.seed, number])
    order = (scenes[index] for index in random.permutation(len(scenes)))
    return map(_joined, group_turns(order, len, training.batch_turns))


def _scenes(transcripts: Sequence[Transcript]) -> list[Transcript]:
    """Each dialogue with a gold label on its own, under an id that is unique over all."""
    scenes = []
    for transcript in transcripts:
        turns: dict[str, list[int]] = {}
        for turn, dialogue in enumerate(transcript.dialogues):
            turns.setdefault(dialogue, []).append(turn)
        for dialogue, chosen in turns.items():
            columns = {name: [getattr(transcript, name)[n] for n in chosen] for name in _COLUMNS}
            columns["dialogues"] = [f"{transcript.episode} {dialogue}"] * len(chosen)
            if any(columns["labels"]):
                scenes.append(Transcript(transcript.episode, transcript.place, **columns))
    return scenes


def _joined(scenes: Sequence[Transcript]) -> Transcript:
    columns = {name: [v for scene in scenes for v in getattr(scene, name)] for name in _COLUMNS}
    return Transcript(scenes[0].episode, scenes[0].place, **columns)
