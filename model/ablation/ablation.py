"""The ablation: what each idea brings, variants of a model, trained over seeds.

All that is finished is kept in files, so that an interrupted ablation goes on where it was, and
variants share the steps in which they do not differ:

    DIR/steps/NAME-KEY/         see `steps`
    DIR/results/KEY.json        what a variant's model with one seed says of dev
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from model.ablation.suite import Variant
from model.dataset import Data, label_set, labels_for_scoring
from model.encoders.references import EncoderReference
from model.training.progress import SILENT, Progress
from model.training.provenance import identity_of
from model.training.recipe import Recipe
from model.training.steps import key_of, make_folder, read_json, write_json


@dataclasses.dataclass(frozen=True)
class Result:
    """What a variant's model with one seed says of dev.

    Attributes:
      labels: (utterances,) int64, the chosen class.
      log_loss: mean negative log likelihood of the gold labels in nats, after a temperature that is
        fitted on dev.
      seconds: that training its context took.
    """

    labels: np.ndarray
    log_loss: float
    seconds: float


class Ablation:
    """Variants over one data set, in one folder.

    Attributes:
      data: what variants are trained and scored with.
      gold: of dev, (utterances,) int64, -1 for none.
      dialogues: of each utterance of dev, an id.
    """

    def __init__(self, data: Data, *, encoder: EncoderReference, folder: Path):
        """Nothing is trained yet.

        Args:
          data: what variants are trained and scored with; its auxiliary data is for those that
            say so.
          encoder: what all variants start from.
          folder: where finished things are kept.

        Raises:
          ModelError: dev has no gold label, or one that the training set lacks.
        """
        self.data, self.encoder, self.folder = data, encoder, folder
        self.gold = labels_for_scoring(data.dev, label_set(data.train))
        self.dialogues = [f"{t.episode}/{dialogue}" for t in data.dev for dialogue in t.dialogues]
        self._plain = dataclasses.replace(data, auxiliary=())

    def result(self, variant: Variant, seed: int, progress: Progress = SILENT) -> Result:
        """What a variant says with a seed: from its file, or trained now.

        Args:
          variant: one whose labels are those of the data.
          seed: of its training.
          progress: receives steps and epochs as they go.

        Raises:
          ModelError: labels do not fit, or the folder cannot be written.
        """
        training = dataclasses.replace(variant.training, seed=seed)
        data = self.data if variant.auxiliary else self._plain
        described = (data, variant.settings, training, self.encoder)
        path = self.folder / "results" / f"{key_of(identity_of(*described))}.json"
        if not path.exists():
            outcome = Recipe(*described, self.folder / "steps", progress).finish()
            make_folder(path.parent)
            content = {
                "variant": variant.name,
                "seed": seed,
                "labels": outcome.labels.tolist(),
                "log_loss": outcome.log_loss,
                "seconds": outcome.seconds,
            }
            write_json(path, content)
        found = read_json(path)
        return Result(np.array(found["labels"]), found["log_loss"], found["seconds"])
