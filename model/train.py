"""Training: weighted cross entropy, early stopping on dev, resumed where it was interrupted.

An epoch is a pure function of the state before it, the seed and its number: batches and dropout
are seeded by both, so a run that was interrupted ends with the same weights as one that was not.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import math
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional

from model.artifact import WEIGHTS, restore, save_checkpoint
from model.dataset import (
    Transcript,
    class_weights,
    digest,
    gold_indices,
    label_counts,
    shuffle_speakers,
)
from model.emonet import EmoNet, Settings, fill_windows, histories, pack
from model.encoder import EncoderReference, has_bfloat16, load_encoder
from model.errors import ModelError
from model.evaluate import Scores, score
from model.windows import Window

logger = logging.getLogger(__name__)

_FILL = 64
"""Rows are filled up to a multiple of this many tokens: fewer, fuller calls than inference has."""
_PROGRESS = ".training"


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """How a model is trained.

    Attributes:
      seed: of weights, batches and dropout.
      epochs: at most.
      patience: epochs without a better dev score after which it stops.
      batch_turns: utterances whose loss makes a step, about.
      encoder_rate: learning rate of the context encoder.
      head_rate: learning rate of everything else.
      warmup: share of the steps over which the rates rise.
      weight_decay: of AdamW.
      weight_exponent: class weights are inverse frequencies to this power.
      shuffled_speakers: control: deal the speaker ids out at random, so that every history is
        a stranger's.
    """

    seed: int = 0
    epochs: int = 5
    patience: int = 2
    batch_turns: int = 96
    encoder_rate: float = 1e-4
    head_rate: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 0.01
    weight_exponent: float = 0.5
    shuffled_speakers: bool = False

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.patience < 1 or self.batch_turns < 1:
            raise ModelError("epochs, patience and batch_turns want 1 or more")


@dataclasses.dataclass(frozen=True)
class Epoch:
    """What one epoch gave: mean loss a step, and weighted F1 on dev in percent."""

    number: int
    loss: float
    dev: float


@dataclasses.dataclass(frozen=True)
class Corpus:
    """A data set as the training loop reads it, its turns counted through all episodes.

    Attributes:
      turns: token ids of each turn.
      windows: over the turns of all episodes.
      embeddings: (utterances, d) float16.
      histories: (utterances, N) int64.
      gold: (utterances,) int64, -1 for none.
    """

    turns: list[list[int]]
    windows: list[Window]
    embeddings: np.ndarray
    histories: np.ndarray
    gold: np.ndarray


def train(
    data: Sequence[Transcript],
    dev: Sequence[Transcript],
    *,
    settings: Settings,
    training: TrainingSettings,
    encoder: EncoderReference,
    output: Path,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> list[Epoch]:
    """Trains a model and writes the best epoch's checkpoint to `output`.

    The histories of dev are those of one timeline over both sets, as a corpus has it.

    Args:
      data: what it learns from.
      dev: what it is chosen on.
      settings: what the model is.
      training: how it is trained.
      encoder: the encoder it starts from.
      output: where the checkpoint goes; an interrupted run in it is taken up.
      advance: called with steps done and all steps.

    Raises:
      ModelError: the labels do not fit, or `output` holds a run with other settings or data.
    """
    torch.manual_seed(training.seed)
    model = EmoNet(settings=settings, context=load_encoder(encoder), embedder=load_encoder(encoder))
    model.context.for_training()
    if training.shuffled_speakers:
        data = shuffle_speakers(data, training.seed)
        dev = shuffle_speakers(dev, training.seed)
    learned, chosen = read_corpus(model, data, dev)
    weights = torch.from_numpy(
        class_weights(learned.gold, len(settings.labels), training.weight_exponent)
    )
    identity = _identity(settings, training, encoder, data, dev)
    run = _Run.resume(model, training, learned, output / _PROGRESS, identity)
    while run.epochs_left():
        loss = run.epoch(learned, weights, advance)
        dev_score = 100 * dev_scores(model, chosen).weighted_f1
        run.note(Epoch(len(run.epochs) + 1, loss, dev_score))
        logger.info("epoch %d: loss %.3f, dev weighted F1 %.2f", len(run.epochs), loss, dev_score)
    restore(model, safetensors.torch.load_file(run.folder / WEIGHTS))
    save_checkpoint(output, model, {**identity, **_provenance(run.epochs, data, dev)})
    shutil.rmtree(run.folder)
    return run.epochs


def read_corpus(
    model: EmoNet, data: Sequence[Transcript], dev: Sequence[Transcript]
) -> tuple[Corpus, Corpus]:
    """Both sets, tokenized, embedded once, and with histories over their common timeline."""
    own = {transcript.episode for transcript in data}
    shared = sorted(own & {transcript.episode for transcript in dev})
    if shared:
        logger.warning("%d episodes are in both sets", len(shared))
    data, dev = (sorted(part, key=lambda transcript: transcript.place) for part in (data, dev))
    everything = sorted(
        [(t.place, 0, t) for t in data] + [(t.place, 1, t) for t in dev], key=lambda e: e[:2]
    )
    timeline = [transcript for *_, transcript in everything]
    in_dev = np.concatenate([np.full(len(t), bool(is_dev)) for _, is_dev, t in everything])
    embeddings = np.concatenate([model.embed(t.texts) for t in timeline])
    windows = histories(timeline, model.settings.history)
    return (
        _corpus(model, data, embeddings, windows[~in_dev]),
        _corpus(model, dev, embeddings, windows[in_dev]),
    )


def dev_scores(model: EmoNet, corpus: Corpus) -> Scores:
    """Scores of a model in training."""
    model.eval()
    logits = torch.zeros(len(corpus.turns), len(model.settings.labels))
    with torch.inference_mode(), _autocast(model.device):
        for batch in _batches(corpus, range(len(corpus.windows)), 256):
            scored, values = batch_logits(model, corpus, batch)
            logits[scored] = values
    return score(corpus.gold, logits.argmax(dim=1).numpy(), model.settings.labels)


def batch_logits(model: EmoNet, corpus: Corpus, windows: Sequence[Window]) -> tuple[Tensor, Tensor]:
    """The turns that some windows score, (scored,) int64, and their logits (scored, classes)."""
    groups = list(fill_windows(corpus.turns, windows, _FILL))
    scored = torch.cat([torch.arange(w.scored, w.end) for rows in groups for w in rows])
    states = torch.cat([_read(model, corpus, rows) for rows in groups])
    if model.settings.history:
        asked = corpus.histories[scored.numpy()]
        used, places = np.unique(asked, return_inverse=True)
        said = torch.from_numpy(corpus.embeddings[used].astype(np.float32))
        windows_ = torch.from_numpy(np.where(asked < 0, -1, places.reshape(asked.shape)))
        states = states + model.behaviour(model.dropout(said), windows_)
    return scored, model.classify(model.dropout(states)).float()


def _read(model: EmoNet, corpus: Corpus, windows: Sequence[Window]) -> Tensor:
    """States of the turns that some windows score, (scored, d) float32, in their order."""
    turns = [turn for w in windows for turn in corpus.turns[w.start : w.end]]
    starts = np.cumsum([0, *(w.end - w.start for w in windows)])
    local = [
        Window(int(start), int(start) + w.scored - w.start, int(start) + w.end - w.start)
        for start, w in zip(starts[:-1], windows, strict=True)
    ]
    kept = torch.cat([torch.arange(w.scored, w.end) for w in local])
    batch = pack(turns, local, _FILL, model.context.pad_id)
    return model.read(model.context, batch, len(turns))[kept]


class _Run:
    """The state of a training run, on disk after every epoch, without pickle."""

    def __init__(self, model: EmoNet, training: TrainingSettings, steps: int, folder: Path):
        self.model, self.training, self.folder = model, training, folder
        self.parameters = model.trained()
        self.optimizer = _optimizer(self.parameters, training)
        self.steps = steps
        self.epochs: list[Epoch] = []

    @classmethod
    def resume(
        cls,
        model: EmoNet,
        training: TrainingSettings,
        corpus: Corpus,
        folder: Path,
        identity: Mapping[str, Any],
    ) -> _Run:
        steps = sum(1 for _ in _batches(corpus, range(len(corpus.windows)), training.batch_turns))
        run = cls(model, training, steps, folder)
        folder.mkdir(parents=True, exist_ok=True)
        described = folder / "identity.json"
        if not described.exists():
            described.write_text(json.dumps(identity, sort_keys=True))
        elif json.loads(described.read_text()) != json.loads(json.dumps(identity)):
            raise ModelError(
                f"{folder} holds an unfinished run with other data or settings; "
                "finish that one as it was begun, or give another --output"
            )
        run._load()
        return run

    def epochs_left(self) -> bool:
        best = max(self.epochs, key=lambda epoch: epoch.dev, default=None)
        waited = len(self.epochs) - best.number if best else 0
        return len(self.epochs) < self.training.epochs and waited < self.training.patience

    def epoch(self, corpus: Corpus, weights: Tensor, advance: Callable[[int, int], None]) -> float:
        self.model.train()
        self.model.embedder.eval()
        number = len(self.epochs)
        order = np.random.default_rng([self.training.seed, number]).permutation(len(corpus.windows))
        torch.manual_seed(hash((self.training.seed, number)))
        losses: list[float] = []
        for batch in _batches(corpus, order.tolist(), self.training.batch_turns):
            step = number * self.steps + len(losses)
            losses.append(self._step(corpus, batch, weights, step))
            advance(step + 1, self.steps * self.training.epochs)
        return sum(losses) / len(losses)

    def note(self, epoch: Epoch) -> None:
        """Keeps the epoch's weights if they are the best, and all that the next epoch needs."""
        self.epochs.append(epoch)
        if epoch is max(self.epochs, key=lambda epoch: epoch.dev):
            _replace(self.folder / WEIGHTS, self.parameters)
        moments = {
            f"{moment}/{name}": self.optimizer.state[parameter][moment]
            for name, parameter in self.parameters.items()
            for moment in ("exp_avg", "exp_avg_sq", "step")
        }
        history = json.dumps([dataclasses.asdict(epoch) for epoch in self.epochs])
        _replace(self.folder / "state.safetensors", {**self.parameters, **moments}, history)

    def _load(self) -> None:
        path = self.folder / "state.safetensors"
        if not path.exists():
            return
        with safetensors.safe_open(path, framework="pt") as file:
            self.epochs = [Epoch(**epoch) for epoch in json.loads(file.metadata()["epochs"])]
        tensors = safetensors.torch.load_file(path)
        restore(self.model, {name: tensors[name] for name in self.parameters})
        for name, parameter in self.parameters.items():
            self.optimizer.state[parameter] = {
                moment: tensors[f"{moment}/{name}"] for moment in ("exp_avg", "exp_avg_sq", "step")
            }

    def _step(self, corpus: Corpus, batch: list[Window], weights: Tensor, step: int) -> float:
        scale = _rate(step, self.steps * self.training.epochs, self.training.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * scale
        with _autocast(self.model.device):
            scored, logits = batch_logits(self.model, corpus, batch)
        gold = torch.from_numpy(corpus.gold)[scored]
        loss = functional.cross_entropy(logits, gold, weight=weights, ignore_index=-1)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(list(self.parameters.values()), 1.0)
        self.optimizer.step()
        return loss.item()


def _corpus(
    model: EmoNet, transcripts: Sequence[Transcript], embeddings: np.ndarray, windows: np.ndarray
) -> Corpus:
    turns: list[list[int]] = []
    rows: list[Window] = []
    for transcript in transcripts:
        own, first = model.context_turns(transcript), len(turns)
        turns += own
        rows += [
            Window(first + w.start, first + w.scored, first + w.end)
            for w in model.windows(own, transcript.dialogues)
        ]
    gold = gold_indices(transcripts, model.settings.labels)
    # of windows without a gold label there is nothing to learn, and a batch of them has no loss
    asked = [row for row in rows if (gold[row.scored : row.end] >= 0).any()]
    return Corpus(turns, asked, embeddings, windows, gold)


def _batches(corpus: Corpus, order: Sequence[int], turns: int) -> Iterator[list[Window]]:
    batch: list[Window] = []
    for index in order:
        batch.append(corpus.windows[index])
        if sum(window.end - window.scored for window in batch) >= turns:
            yield batch
            batch = []
    if batch:
        yield batch


def _optimizer(
    parameters: Mapping[str, nn.Parameter], training: TrainingSettings
) -> torch.optim.AdamW:
    groups = []
    for in_encoder, rate in ((True, training.encoder_rate), (False, training.head_rate)):
        chosen = [p for name, p in parameters.items() if name.startswith("context.") == in_encoder]
        groups.append({"params": chosen, "lr": rate, "initial_lr": rate})
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], weight_decay=training.weight_decay
    )


def _rate(step: int, steps: int, warmup: float) -> float:
    rising = max(1, math.ceil(steps * warmup))
    return (step + 1) / rising if step < rising else (steps - step) / max(1, steps - rising)


def _autocast(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    return torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device))


def _identity(
    settings: Settings,
    training: TrainingSettings,
    encoder: EncoderReference,
    data: Sequence[Transcript],
    dev: Sequence[Transcript],
) -> dict[str, Any]:
    return {
        "settings": dataclasses.asdict(settings),
        "training": dataclasses.asdict(training),
        "encoder": dict(encoder.files),
        "data_digest": digest(data),
        "dev_digest": digest(dev),
    }


def _provenance(
    epochs: Sequence[Epoch], data: Sequence[Transcript], dev: Sequence[Transcript]
) -> dict[str, Any]:
    best = max(epochs, key=lambda epoch: epoch.dev)
    return {
        "epochs": [dataclasses.asdict(epoch) for epoch in epochs],
        "epoch": best.number,
        "dev_weighted_f1": best.dev,
        "train_utterances": sum(map(len, data)),
        "dev_utterances": sum(map(len, dev)),
        "train_labels": dict(sorted(label_counts(data).items())),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
    }


def _replace(path: Path, tensors: Mapping[str, Tensor], epochs: str = "") -> None:
    temporary = path.with_suffix(".new")
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    safetensors.torch.save_file(plain, temporary, metadata={"epochs": epochs})
    temporary.replace(path)
