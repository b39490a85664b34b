"""The ablation: what each idea brings, a row a set of settings, trained over seeds.

Rows that differ in the speaker's past alone share their context, which is trained once a seed. All
that is finished is kept in files, so that an interrupted ablation goes on where it was:

    DIR/contexts/KEY/                   the context's checkpoint
    DIR/contexts/KEY.safetensors        what it says of both sets
    DIR/contexts/KEY-folds.safetensors  what contexts say of what they have not learned from
    DIR/results/KEY.json                what a row's model with one seed says of dev
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from model.artifact import open_checkpoint
from model.batches import corpus_logits, read_context, read_corpus
from model.behaviour import learn_behaviour
from model.calibration import fit_temperature, log_likelihood, speaker_share
from model.dataset import (
    Transcript,
    digest,
    gold_indices,
    gold_to_score,
    known_speakers,
    label_set,
)
from model.emonet import EmoNet
from model.folds import load_said, save_said
from model.ladder import Row
from model.offsets import class_offsets
from model.precision import autocast
from model.references import EncoderReference
from model.run import replace_file
from model.settings import Settings, TrainingSettings
from model.train import FOLDS, cross_logits, train, uncalibrated
from model.utterance import alone, mixed

Advance = Callable[[int, int], None]
"""Called with steps done and all steps."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What a row's model with one seed says of dev.

    Attributes:
      labels: (utterances,) int64, the chosen class.
      log_loss: mean, natural, after a temperature fitted on dev.
      seconds: that training its context took.
    """

    labels: np.ndarray
    log_loss: float
    seconds: float


class Ablation:
    """Rows over one pair of data sets, in one folder.

    Attributes:
      gold: of dev, (utterances,) int64, -1 for none.
      dialogues: of each utterance of dev, an id.
    """

    def __init__(
        self,
        data: Sequence[Transcript],
        dev: Sequence[Transcript],
        *,
        second: Sequence[Transcript],
        encoder: EncoderReference,
        folder: Path,
    ):
        """Nothing is trained yet.

        Args:
          data: what is learned from.
          dev: what is scored.
          second: what rows learn from that have it beside them.
          encoder: what all rows start from.
          folder: where finished things are kept.

        Raises:
          ModelError: dev has no gold label, or one that the data lacks.
        """
        self.data, self.dev, self.second = (
            sorted(part, key=lambda transcript: transcript.place) for part in (data, dev, second)
        )
        self.encoder, self.folder = encoder, folder
        self.gold = gold_to_score(self.dev, label_set(self.data))
        self.dialogues = [f"{t.episode}/{dialogue}" for t in self.dev for dialogue in t.dialogues]
        self._sets = [digest(self.data), digest(self.dev)]
        self._second_set = digest(self.second)
        self._embeddings: dict[tuple[str, ...], np.ndarray] = {}

    def result(self, row: Row, seed: int, advance: Advance = lambda done, total: None) -> Result:
        """What a row says with a seed: from its file, or trained now.

        Args:
          row: one whose labels are those of the data.
          seed: of its training.
          advance: called with steps done and all steps.

        Raises:
          ModelError: labels do not fit, or the folder cannot be written.
        """
        training = dataclasses.replace(row.training, seed=seed)
        key = self._key(row.settings, training, row.beside)
        path = self.folder / "results" / f"{key}{'-finished' if row.finished else ''}.json"
        if not path.exists():
            result = self._train(row, training, advance)
            path.parent.mkdir(parents=True, exist_ok=True)
            told = {**dataclasses.asdict(result), "labels": result.labels.tolist()}
            described = json.dumps({"row": row.name, "seed": seed, **told})
            replace_file(path, lambda temporary: temporary.write_text(described))
        content = json.loads(path.read_text())
        return Result(np.array(content["labels"]), content["log_loss"], content["seconds"])

    def _train(self, row: Row, training: TrainingSettings, advance: Advance) -> Result:
        # what a context does not depend on is the same in all rows that share it
        plain = dataclasses.replace(row.settings, hidden=Settings.hidden)
        context = (
            dataclasses.replace(plain, history=0, utterance_layers=0),
            dataclasses.replace(training, speakers="corpus", memory_epochs=0),
        )
        crossed = functools.partial(self._crossed, *context, row.beside, advance)
        teacher = crossed() if training.taught else None
        said = self._said(*context, row.beside, teacher, advance)
        data, dev, seconds = said["data"].numpy(), said["dev"].numpy(), float(said["seconds"])
        parts = [context]
        if row.settings.utterance_layers:
            reader = alone(plain, context[1])
            said = self._said(*reader, row.beside, None, advance)
            data, dev = mixed(data, said["data"].numpy()), mixed(dev, said["dev"].numpy())
            seconds += float(said["seconds"])
            parts.append(reader)
        if row.finished:
            data = crossed()
            offsets = class_offsets(data, gold_indices(self.data, plain.labels))
            data, dev = data + offsets, dev + offsets
        if row.settings.history:
            models = [self._model(*part, row.beside) for part in parts]
            past = self._past(models, row.settings, training, data)
            dev = dev + (speaker_share(dev, past, self.gold) if row.finished else 1) * past
        return Result(dev.argmax(axis=1), _log_loss(dev, self.gold), seconds)

    def _said(
        self,
        settings: Settings,
        training: TrainingSettings,
        beside: bool,
        teacher: np.ndarray | None,
        advance: Advance,
    ) -> dict[str, Tensor]:
        """Logits of a context over both sets, and the seconds it took to make it, from a file."""
        folder = self._folder(settings, training, beside)
        path = folder.with_suffix(".safetensors")
        if not path.exists():
            begun = time.monotonic()
            train(
                self.data, self.dev, settings=settings, training=training, encoder=self.encoder,
                output=folder, second=self.second if beside else (), teacher=teacher,
                advance=advance,
            )  # fmt: skip
            seconds = time.monotonic() - begun
            model = uncalibrated(open_checkpoint(folder))
            said = {
                name: torch.from_numpy(
                    corpus_logits(model, read_context(model, part, settings.labels))
                )
                for name, part in (("data", self.data), ("dev", self.dev))
            }
            said["seconds"] = torch.tensor(seconds)
            replace_file(path, lambda temporary: safetensors.torch.save_file(said, temporary))
        return safetensors.torch.load_file(path)

    def _crossed(
        self, settings: Settings, training: TrainingSettings, beside: bool, advance: Advance
    ) -> np.ndarray:
        """`cross_logits` over the data, from a file: of seed 0, whatever the seed is."""
        training = dataclasses.replace(training, seed=0, taught=0)
        folder = self._folder(settings, training, beside, "-folds")
        path = folder.with_suffix(".safetensors")
        if not path.exists():
            said = cross_logits(
                self.data, self.dev, settings=settings, training=training, encoder=self.encoder,
                second=self.second if beside else (), folder=folder, folds=FOLDS, advance=advance,
            )  # fmt: skip
            save_said(path, said, self.data, settings.labels)
        return load_said(path, self.data, settings.labels)

    def _past(
        self,
        models: Sequence[EmoNet],
        settings: Settings,
        training: TrainingSettings,
        said: np.ndarray,
    ) -> np.ndarray:
        """What the speakers' past adds to the logits of dev, by a second stage over what is said.

        Args:
          models: the context, and where there is one the reader of utterances.
          settings: of the row.
          training: see settings.
          said: of the data, by both, (utterances, classes) float32.
        """
        torch.manual_seed(training.seed)
        context, *readers = models
        behaving = EmoNet(settings=settings, context=context.context, embedder=context.embedder)
        behaving.to(context.device)
        behaving.classify = context.classify
        for reader in readers:
            behaving.take_over(reader)
        nn.init.zeros_(behaving.project.weight)
        data, dev = (
            known_speakers(part, training.speakers, training.seed) for part in (self.data, self.dev)
        )
        learned, chosen = read_corpus(behaving, data, dev, self._read_alone(context))
        behaving.trained()
        learn_behaviour(behaving, training, learned, said)
        return behaving.eval().speaker_logits(chosen.embeddings, chosen.histories)

    def _read_alone(
        self, model: EmoNet
    ) -> Callable[[tuple[str, ...]], tuple[np.ndarray, np.ndarray]]:
        """An embedding depends on its text alone: all rows have the same."""

        def read_alone(texts: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
            if texts not in self._embeddings:
                with autocast(model.device):
                    self._embeddings[texts] = model.embed(texts)
            return np.zeros((len(texts), len(model.settings.labels)), np.float32), self._embeddings[
                texts
            ]

        return read_alone

    def _model(self, settings: Settings, training: TrainingSettings, beside: bool) -> EmoNet:
        return uncalibrated(open_checkpoint(self._folder(settings, training, beside)))

    def _folder(
        self, settings: Settings, training: TrainingSettings, beside: bool, suffix: str = ""
    ) -> Path:
        return self.folder / "contexts" / (self._key(settings, training, beside) + suffix)

    def _key(self, settings: Settings, training: TrainingSettings, beside: bool) -> str:
        parts = [dataclasses.asdict(part) for part in (settings, training)]
        sets = [*self._sets, self._second_set] if beside else self._sets
        content = json.dumps([parts, sets, dict(self.encoder.files)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def _log_loss(logits: np.ndarray, gold: np.ndarray) -> float:
    """Mean over what has a gold label, after the temperature that makes it least."""
    return -log_likelihood(logits / fit_temperature(logits, gold), gold)
