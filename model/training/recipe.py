"""The recipe: from data to a calibrated model, one list of steps.

    out-of-fold logits         of contexts of K folds, each for the episodes that it is not trained
                               on (cross-fitting)
    context                    the context; its teacher are the out-of-fold logits, or others
                               (distillation)
    utterance-only classifier  the same training, of one turn alone
    class bias                 fitted on the out-of-fold logits
    embeddings                 of all utterances by the frozen encoder
    speaker encoder            over the out-of-fold logits: of its own training set a context is too
                               sure
    calibration                mixing weights and temperature, fitted on dev

`train.train` runs it and exports a checkpoint. The ablation suite runs it once a variant and seed
over one folder, where variants share all steps in which they do not differ.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from model.checkpoint import restore, save_checkpoint
from model.dataset import Data, known_speakers, labels_for_scoring
from model.encoders.references import EncoderReference
from model.evaluation.calibration import calibrate, log_likelihood, probabilities
from model.evaluation.scores import score
from model.network.emonet import EmoNet
from model.network.encoder import fastest_device, load_encoder
from model.network.settings import Calibration, Settings, TrainingSettings
from model.network.utterance import utterance_only
from model.training.class_bias import CLASS_BIAS, class_bias_step
from model.training.context import HISTORY, LOGITS, ContextTraining
from model.training.cross_fitting import OOF_LOGITS, cross_fitting, load_oof_logits
from model.training.loop import WEIGHTS
from model.training.outcome import Outcome
from model.training.progress import Epoch, Progress
from model.training.provenance import history_of, identity_of
from model.training.speaker_stage import (
    EMBEDDINGS,
    embeddings_step,
    read_histories,
    train_speaker_encoder,
)
from model.training.steps import (
    LazyLogits,
    Step,
    known_logits,
    read_arrays,
    read_json,
    replace_file,
    write_arrays,
    write_json,
    write_tensors,
)

_RESULT = "result.json"


class Recipe:
    """The steps of one model, in a folder that others may share.

    Attributes:
      identity: everything that the model depends on, as JSON can hold it.
      steps: in order.
    """

    def __init__(
        self,
        data: Data,
        settings: Settings,
        training: TrainingSettings,
        encoder: EncoderReference,
        folder: Path,
        progress: Progress,
    ):
        """Nothing is done yet.

        Args:
          data: see `train.train`, as all that follows.
          settings: what the model is.
          training: how it is trained.
          encoder: the encoder it starts from.
          folder: that of the steps.
          progress: receives steps and epochs as they go.

        Raises:
          ModelError: the labels do not fit, dev has none, or there are fewer episodes than folds.
        """
        self._gold = labels_for_scoring(data.dev, settings.labels)
        self.data, self.settings, self.training = data, settings, training
        self.encoder, self.folder, self.progress = encoder, folder, progress
        self.identity = identity_of(data, settings, training, encoder)
        self._cross_fitting = None
        if training.oof_folds and data.oof_logits is None:
            fold_context = ContextTraining(data, settings, training, encoder)
            self._cross_fitting = cross_fitting(fold_context, training.oof_folds, folder, progress)
        self._oof = self._oof_logits()
        teacher = self._oof if data.teacher_logits is None else known_logits(data.teacher_logits)
        self._context = self._context_step("context", settings, training, teacher)
        self._utterance = self._class_bias = self._embeddings = self._speaker = None
        if settings.utterance_encoder_layers:
            own_settings = utterance_only(settings, training)
            self._utterance = self._context_step("utterance-only classifier", *own_settings)
        if self._oof and training.fit_class_bias:
            self._class_bias = class_bias_step(data, settings, self._oof)
        if settings.history:
            self._embeddings = embeddings_step(data, settings, encoder)
            self._speaker = self._speaker_step(self._embeddings)
        self._calibration = self._calibration_step()

    @property
    def steps(self) -> list[Step]:
        """All steps in order."""
        trained = (self._cross_fitting, self._context, self._utterance)
        after = (self._class_bias, self._embeddings, self._speaker, self._calibration)
        return [step for step in (*trained, *after) if step]

    def finish(self) -> Outcome:
        """Does what is left to do, and returns what the model says of dev."""
        for step in self.steps:
            self._files(step)
        found = read_json(self._files(self._calibration) / _RESULT)
        calibration = found.pop("calibration")
        bias = tuple(calibration.pop("class_bias"))
        trained = [step for step in (self._context, self._utterance) if step]
        return Outcome(
            calibration=Calibration(**calibration, class_bias=bias),
            labels=np.array(found.pop("labels")),
            seconds=sum(read_json(self._files(step) / HISTORY)["seconds"] for step in trained),
            **found,
        )

    def export(self, output: Path) -> list[Epoch]:
        """Writes the finished model as a checkpoint, and returns the epochs of its context."""
        result = self.finish()
        epochs = [Epoch(**one) for one in read_json(self._files(self._context) / HISTORY)["epochs"]]
        model = self._model(self.settings, self._context, result.calibration)
        if self._utterance:
            own_settings, _ = utterance_only(self.settings, self.training)
            classifier = self._model(own_settings, self._utterance)
            model.utterance.load(classifier.context, classifier.classify)
        if self._speaker:
            restore(_speaker_encoder(model), _tensors(self._files(self._speaker)))
        if self._cross_fitting:
            made = self._files(self._cross_fitting) / OOF_LOGITS
            replace_file(output / OOF_LOGITS, lambda path: shutil.copyfile(made, path))
        how = {**history_of(epochs, self.data), **result.of_dev}
        save_checkpoint(output, model, {**self.identity, **how})
        return epochs

    def _files(self, step: Step) -> Path:
        return step.finish(self.folder)

    def _logits(self, step: Step) -> dict[str, np.ndarray]:
        return read_arrays(self._files(step) / LOGITS)

    def _context_step(
        self,
        name: str,
        settings: Settings,
        training: TrainingSettings,
        teacher: LazyLogits | None = None,
    ) -> Step:
        learned = ContextTraining(self.data, settings, training, self.encoder, teacher)
        sets = {"train": self.data.train, "dev": self.data.dev}
        return learned.step(name, sets, self.progress)

    def _oof_logits(self) -> LazyLogits | None:
        step, data = self._cross_fitting, self.data
        if step:
            path, labels = step.folder(self.folder) / OOF_LOGITS, self.settings.labels
            return LazyLogits(step.key, lambda: load_oof_logits(path, data.train, labels))
        return None if data.oof_logits is None else known_logits(data.oof_logits)

    def _speaker_step(self, embeddings: Step) -> Step:
        def make(folder: Path) -> None:
            self.progress.begin("speaker encoder")
            own, labels = self.training, self.settings.labels
            train, dev = (
                known_speakers(part, own.speakers, own.seed)
                for part in (self.data.train, self.data.dev)
            )
            embedded = read_arrays(self._files(embeddings) / EMBEDDINGS)["embeddings"]
            n = self.settings.history
            learned, chosen = read_histories(train, dev, embedded, n=n, labels=labels)
            mixing = self._mixing()
            fixed = self._fixed_logits(mixing)
            torch.manual_seed(own.seed)
            model = self._model(self.settings, self._context)
            train_speaker_encoder(model, own, learned, fixed, mixing.context_weight)
            write_tensors(folder / WEIGHTS, _speaker_encoder(model))
            logits = model.eval().speaker_logits(chosen.embeddings, chosen.windows)
            write_arrays(folder / LOGITS, {"dev": logits})

        training = dataclasses.replace(
            self.training, fit_speaker_weight=TrainingSettings.fit_speaker_weight
        )
        depends_on = {
            "settings": dataclasses.asdict(self.settings),
            "training": dataclasses.asdict(training),
            "oof_logits": self._oof and self._oof.identity,
            **self._keys(self._context, self._utterance, self._class_bias, embeddings),
        }
        return Step("speaker encoder", depends_on, make)

    def _calibration_step(self) -> Step:
        def make(folder: Path) -> None:
            raw = self._logits(self._speaker)["dev"] if self._speaker else None
            mixing = self._mixing()
            calibration, logits = calibrate(
                mixing, self._mixed(mixing, "dev"), raw, self._gold, self.training
            )
            scores = score(self._gold, logits, self.settings.labels)
            found = {
                "calibration": dataclasses.asdict(calibration),
                "labels": logits.argmax(axis=1).tolist(),
                "weighted_f1": 100 * scores.weighted_f1,
                "log_loss": -log_likelihood(logits, self._gold),
                "scores": scores.as_json(),
                "priors": probabilities(logits).mean(axis=0).tolist(),
            }
            write_json(folder / _RESULT, found)

        chosen = ("utterance_weight", "fit_speaker_weight")
        depends_on = {
            "training": {name: getattr(self.training, name) for name in chosen},
            **self._keys(self._context, self._utterance, self._class_bias, self._speaker),
        }
        return Step("calibration", depends_on, make)

    def _keys(self, *steps: Step | None) -> dict[str, str]:
        return {step.name: step.key for step in steps if step}

    def _mixing(self) -> Calibration:
        """The calibration without the numbers that dev decides."""
        bias = read_json(self._files(self._class_bias) / CLASS_BIAS) if self._class_bias else ()
        if not self._utterance:
            return Calibration(class_bias=tuple(bias))
        weight = self.training.utterance_weight
        return Calibration(1 - weight, weight, class_bias=tuple(bias))

    def _mixed(self, mixing: Calibration, part: str) -> np.ndarray:
        """Logits of all parts but the speaker's, of `train` or `dev`."""
        context = self._logits(self._context)[part]
        utterance = self._logits(self._utterance)[part] if self._utterance else 0 * context
        return mixing.context_logits(context, utterance)

    def _fixed_logits(self, mixing: Calibration) -> np.ndarray:
        """What the speaker encoder is trained over: logits out of fold, if there are any."""
        if not self._oof:
            return self._mixed(mixing, "train")
        logits = self._oof.read()
        return logits + np.array(mixing.class_bias or 0, dtype=np.float32)

    def _model(
        self,
        settings: Settings,
        context: Step | None = None,
        calibration: Calibration | None = None,
    ) -> EmoNet:
        """A model with a finished context, or with a random classifier."""
        model = EmoNet(
            settings=settings,
            context=load_encoder(self.encoder),
            embedder=load_encoder(self.encoder),
            calibration=calibration,
        )
        if context:
            restore(model.trained_context(), _tensors(self._files(context)))
        return model.to(fastest_device())


def _tensors(folder: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(folder / WEIGHTS)


def _speaker_encoder(model: EmoNet) -> dict[str, torch.nn.Parameter]:
    parts = ("gru.", "project.")
    return {name: p for name, p in model.trained().items() if name.startswith(parts)}
