"""Training a checkpoint: the recipe, run in a folder of its own that is removed at the end."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.checkpoint import SUMS, open_checkpoint
from model.dataset import Data
from model.encoders.references import EncoderReference
from model.errors import ModelError
from model.network.settings import Settings, TrainingSettings
from model.training.card import write_card
from model.training.log import TrainingLog
from model.training.progress import SILENT, Epoch, Progress
from model.training.provenance import differing
from model.training.recipe import Recipe
from model.training.steps import make_folder, read_json, write_json

_UNFINISHED = ".training"


def train(
    data: Data,
    settings: Settings,
    training: TrainingSettings,
    encoder: EncoderReference,
    output: Path,
    progress: Progress = SILENT,
) -> list[Epoch]:
    """Runs the recipe and writes a checkpoint.

    Args:
      data: what the model is trained, chosen and calibrated with. Histories are those of one
        timeline over the training set and dev.
      settings: what the model is.
      training: how it is trained.
      encoder: the encoder it starts from.
      output: where the checkpoint goes, and next to it the out-of-fold logits that were made, the
        log of the training and a card. An interrupted training in it goes on; a finished checkpoint
        is left as it is.
      progress: receives steps and epochs as they go.

    Returns:
      The epochs of the context.

    Raises:
      ModelError: the labels do not fit, dev has none, there are fewer episodes than folds, or
        `output` cannot be written or holds a training with other settings or data.
    """
    unfinished = output / _UNFINISHED
    recipe = Recipe(data, settings, training, encoder, unfinished, TrainingLog(output, progress))
    if (output / SUMS).exists():
        epochs = _finished_epochs(output, recipe.identity)
        for epoch in epochs:
            progress.finished(epoch)
        progress.resumed(None)
    else:
        make_folder(unfinished)
        _check_begun(unfinished / "identity.json", recipe.identity)
        epochs = recipe.export(output)
        write_card(open_checkpoint(output), output)
    shutil.rmtree(unfinished, ignore_errors=True)  # none, or a part, next to a finished checkpoint
    return epochs


def _finished_epochs(output: Path, identity: Mapping[str, Any]) -> list[Epoch]:
    """The epochs of the checkpoint in `output`, which must be that of this very training."""
    provenance = open_checkpoint(output).provenance
    if others := differing(provenance, identity):
        raise ModelError(
            f"{output} holds a finished checkpoint with other data or settings "
            f"({', '.join(others)}); give another --output, or remove it first"
        )
    return [Epoch(**epoch) for epoch in provenance["epochs"]]


def _check_begun(path: Path, identity: Mapping[str, Any]) -> None:
    """Writes what an unfinished training is, or holds it against what there is."""
    if not path.exists():
        write_json(path, identity)
    elif others := differing(read_json(path), identity):
        raise ModelError(
            f"{path.parent} holds an unfinished training with other data or settings "
            f"({', '.join(others)}); finish that one as it was begun, or give another --output"
        )
