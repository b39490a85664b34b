"""Training of CoMPM, as EmoNet's context is trained: by whole dialogues, averaged, chosen on dev.

The loss is plain cross entropy as published (Lee and Lee 2022; `train.py` of rungjoo/CoMPM); all
that both models have in common is `TrainingSettings`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from model.batches import fill_steps
from model.compm import CoMPM, first_states, read_first, row_batches
from model.dataset import Transcript, gold_indices, gold_to_score
from model.encoder import fastest_device, load_encoder
from model.evaluate import score
from model.optimization import average_share, rate_share
from model.precision import autocast
from model.references import EncoderReference
from model.run import Epoch
from model.settings import TrainingSettings

_COLUMNS = ("texts", "names", "speakers", "dialogues", "labels")


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a training gave.

    Attributes:
      epochs: in order.
      logits: of dev in its best epoch, (utterances, classes) float32, in timeline order.
    """

    epochs: list[Epoch]
    logits: np.ndarray


def train_compm(
    data: Sequence[Transcript],
    dev: Sequence[Transcript],
    *,
    labels: Sequence[str],
    training: TrainingSettings,
    trained_layers: int,
    encoder: EncoderReference,
    finished: Callable[[Epoch], None] = lambda epoch: None,
) -> Trained:
    """Trains a CoMPM, both its encoders from the same one, and labels dev with it.

    Args:
      data: what it learns from.
      dev: what its epoch is chosen on, by weighted F1.
      labels: the classes.
      training: how it is trained; class weights, `speakers` and the settings of the second head
        and the second stage are EmoNet's alone.
      trained_layers: how many upper layers of each encoder are trained.
      encoder: the encoder it starts from.
      finished: called with each epoch when it is done.

    Raises:
      ModelError: the labels do not fit, or dev has none.
    """
    dev = sorted(dev, key=lambda transcript: transcript.place)
    gold = gold_to_score(dev, labels)
    steps = [list(training_steps(data, training, number)) for number in range(training.epochs)]
    torch.manual_seed(training.seed)
    model = CoMPM(
        labels=labels,
        context=load_encoder(encoder),
        memory=load_encoder(encoder),
        trained_layers=trained_layers,
    ).train()
    model.to(fastest_device())
    model.context.for_training()
    model.memory.for_training()
    descent = _Descent(model, training, sum(map(len, steps)))
    epochs: list[Epoch] = []
    best, logits = Epoch(0, 0.0, -1.0), np.zeros((0, len(labels)), np.float32)
    while len(epochs) < training.epochs and len(epochs) - best.number < training.patience:
        number = len(epochs)
        torch.manual_seed(hash((training.seed, number)))
        losses = [descent.step(step) for step in steps[number]]
        found = _label(descent.average.module, dev)
        dev_score = 100 * score(gold, found, labels).weighted_f1
        epochs.append(Epoch(number + 1, sum(losses) / len(losses), dev_score))
        if dev_score > best.dev:
            best, logits = epochs[-1], found
        finished(epochs[-1])
    return Trained(epochs, logits)


def add_gradients(model: CoMPM, step: Transcript) -> float:
    """Adds the gradients of a step's mean loss, and returns it.

    Of the contexts, one batch of rows at a time is kept for its gradients.
    """
    gold = torch.from_numpy(gold_indices([step], model.labels)).to(model.classify.weight.device)
    asked = torch.nonzero(gold >= 0).flatten().tolist()
    reading = model.read(step)
    with autocast(gold.device):
        memories = model.memorize(reading)
    recalled = model.recall(reading, memories)
    # each batch's gradients stop here, and their sum goes on to the memories once
    held = recalled.detach().requires_grad_()
    mean = 0.0
    for rows, batch in row_batches(reading.contexts, asked, model.context.pad_id):
        with autocast(gold.device):
            states = read_first(model.context, batch)
        logits = model.classify(states + held[rows])
        loss = functional.cross_entropy(logits, gold[rows], reduction="sum") / len(asked)
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
    return map(_joined, fill_steps(order, len, training.batch_turns))


@torch.inference_mode()
def _label(model: nn.Module, transcripts: Sequence[Transcript]) -> np.ndarray:
    """Encoders run as in a step: in bfloat16 where the processor has it, and nothing else."""
    assert isinstance(model, CoMPM)
    model.eval()
    logits = []
    for transcript in transcripts:
        reading = model.read(transcript)
        with autocast(model.classify.weight.device):
            states = first_states(model.context, reading.contexts, range(len(transcript)))
            memories = model.memorize(reading)
        logits.append(model.classify(states + model.recall(reading, memories)))
    return torch.cat(logits).cpu().numpy()


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


class _Descent:
    """The optimizer, its rates, and the moving average of the weights."""

    def __init__(self, model: CoMPM, training: TrainingSettings, steps: int):
        self.model = model
        encoders = [*model.context.parameters(), *model.memory.parameters()]
        heads = [*model.gru.parameters(), *model.project.parameters(), *model.classify.parameters()]
        groups = [
            {"params": [p for p in encoders if p.requires_grad], "lr": training.encoder_rate},
            {"params": heads, "lr": training.head_rate},
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=training.weight_decay)
        self.rates = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: rate_share(step, steps, training.warmup)
        )
        self.average = AveragedModel(model, avg_fn=_leave(training.averaging))

    def step(self, step: Transcript) -> float:
        """Learns from a step's utterances, and returns their mean loss."""
        self.optimizer.zero_grad()
        loss = add_gradients(self.model, step)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.rates.step()
        self.average.update_parameters(self.model)
        return loss


def _leave(averaging: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    return lambda average, value, step: average.lerp(value, 1 - average_share(int(step), averaging))
