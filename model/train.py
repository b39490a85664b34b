"""Training: weighted cross entropy, early stopping on dev, resumed where it was interrupted."""

from __future__ import annotations

import dataclasses
import logging
import platform
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import transformers

from model.artifact import WEIGHTS, restore, save_checkpoint
from model.batches import Corpus, batch_logits, batches, read_corpus
from model.dataset import (
    Transcript,
    class_weights,
    digest,
    label_counts,
    shuffle_speakers,
)
from model.emonet import EmoNet, Settings
from model.encoder import EncoderReference, load_encoder
from model.evaluate import Scores, score
from model.run import Epoch, TrainingRun, TrainingSettings, autocast

logger = logging.getLogger(__name__)

_PROGRESS = ".training"


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
    run = TrainingRun.resume(model, training, learned, output / _PROGRESS, identity)
    while run.epochs_left():
        loss = run.epoch(learned, weights, advance)
        dev_score = 100 * dev_scores(model, chosen).weighted_f1
        run.note(Epoch(len(run.epochs) + 1, loss, dev_score))
        logger.info("epoch %d: loss %.3f, dev weighted F1 %.2f", len(run.epochs), loss, dev_score)
    restore(model, safetensors.torch.load_file(run.folder / WEIGHTS))
    save_checkpoint(output, model, {**identity, **_provenance(run.epochs, data, dev)})
    shutil.rmtree(run.folder)
    return run.epochs


def dev_scores(model: EmoNet, corpus: Corpus) -> Scores:
    """Scores of a model in training."""
    model.eval()
    logits = torch.zeros(len(corpus.turns), len(model.settings.labels))
    with torch.inference_mode(), autocast(model.device):
        for batch in batches(corpus, range(len(corpus.windows)), 256):
            scored, values = batch_logits(model, corpus, batch)
            logits[scored] = values
    return score(corpus.gold, logits.argmax(dim=1).numpy(), model.settings.labels)


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
