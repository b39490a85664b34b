"""Training of a context: weighted cross entropy, a teacher's probabilities, an auxiliary head.

weights.safetensors   of the best epoch
logits.safetensors    raw logits of each set that is asked for, W_o c_t + b
history.json          the epochs, and the seconds that they took
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from model.dataset import Data, Transcript, class_weights, digest
from model.encoders.references import EncoderReference
from model.evaluation.scores import Scores, score
from model.network.emonet import EmoNet
from model.network.encoder import fastest_device, load_encoder
from model.network.precision import autocast
from model.network.settings import Settings, TrainingSettings
from model.network.windows import Window
from model.training.auxiliary_head import AuxiliaryHead
from model.training.batches import Corpus, batch_states, batches, corpus_logits, read_corpus
from model.training.loop import STATE, TrainingLoop
from model.training.progress import Progress
from model.training.steps import LazyLogits, Step, write_arrays, write_json

Batch = tuple[list[Window], list[Window] | None]
"""Windows of the training set, and of the auxiliary data."""


LOGITS, HISTORY = "logits.safetensors", "history.json"


_OF_NO_CONTEXT = (
    "fit_class_bias",
    "fit_speaker_weight",
    "oof_folds",
    "speaker_epochs",
    "speakers",
    "utterance_weight",
)
"""Training settings that no context depends on."""


@dataclasses.dataclass(frozen=True)
class ContextTraining:
    """All that a context's training depends on.

    Attributes:
      data: of which the logits are left alone.
      settings: history and utterance-only classifier are left out.
      training: how it is trained.
      encoder: the encoder it starts from.
      teacher: logits of the training set to learn from, if any.
    """

    data: Data
    settings: Settings
    training: TrainingSettings
    encoder: EncoderReference
    teacher: LazyLogits | None = None

    def step(self, name: str, sets: Mapping[str, Sequence[Transcript]], progress: Progress) -> Step:
        """The training as a step.

        Args:
          name: of the step.
          sets: what logits are written of, by name.
          progress: receives steps and epochs as they go.
        """
        settings = dataclasses.replace(
            self.settings, history=0, hidden=Settings.hidden, utterance_encoder_layers=0
        )
        idle = [*_OF_NO_CONTEXT]
        if not self.teacher:
            idle.append("distillation_weight")
        if not self.data.auxiliary:
            idle.append("auxiliary_weight")
        usual = {name: getattr(TrainingSettings, name) for name in idle}
        training = dataclasses.replace(self.training, **usual)
        depends_on = {
            "settings": dataclasses.asdict(settings),
            "training": dataclasses.asdict(training),
            "encoder": dict(self.encoder.files),
            "sets": [digest(s) for s in (self.data.train, self.data.dev, self.data.auxiliary)],
            "logits_of": {key: digest(part) for key, part in sets.items()},
            "teacher": self.teacher and self.teacher.identity,
        }

        def make(folder: Path) -> None:
            progress.begin(name)
            begun = time.monotonic()
            model = new_context(settings, training.seed, self.encoder)
            learner = ContextLearner(model, training, self.data, self.teacher)
            epochs = TrainingLoop(learner, training, folder).run(progress)
            write_arrays(folder / LOGITS, {key: learner.logits(part) for key, part in sets.items()})
            seconds = time.monotonic() - begun
            history = [dataclasses.asdict(epoch) for epoch in epochs]
            write_json(folder / HISTORY, {"epochs": history, "seconds": seconds})

        return Step(name, depends_on, make, scratch=(STATE,))


def new_context(settings: Settings, seed: int, encoder: EncoderReference) -> EmoNet:
    """A model whose classifier is drawn at random, ready for training, on `fastest_device`."""
    torch.manual_seed(seed)
    model = EmoNet(
        settings=settings, context=load_encoder(encoder), embedder=load_encoder(encoder)
    ).to(fastest_device())
    model.context.for_training()
    return model


class ContextLearner:
    """A context in training, as `loop.Learner` describes it.

    Attributes:
      model: the context, with neither history nor utterance-only classifier.
    """

    encoders = ("context.",)

    def __init__(
        self, model: EmoNet, training: TrainingSettings, data: Data, teacher: LazyLogits | None
    ):
        """Reads the data.

        Args:
          model: as `new_context` gives it.
          training: how it is trained.
          data: of which the logits are left alone.
          teacher: logits of the training set to learn from, if any.

        Raises:
          ModelError: a class does not occur, or the auxiliary data has fewer than two labels.
        """
        self.model, self.training = model, training
        self.teacher = teacher and teacher.read()
        labels = model.settings.labels
        self.corpus, self.dev = (read_corpus(model, s, labels) for s in (data.train, data.dev))
        self.auxiliary: AuxiliaryHead | None = None
        if data.auxiliary:
            self.auxiliary = AuxiliaryHead(model, data.auxiliary, training.weight_exponent)
        weights = class_weights(self.corpus.gold, len(labels), training.weight_exponent)
        self.weights = torch.from_numpy(weights).to(model.device)
        head = self.auxiliary.named_parameters(prefix="auxiliary") if self.auxiliary else ()
        self.averaged = model.trained_context()
        self.parameters = {**self.averaged, **dict(head)}

    def train(self) -> None:
        """Dropout everywhere but in the frozen encoder."""
        self.model.train()
        self.model.embedder.eval()

    def batches(self, number: int) -> Iterator[Batch]:
        """Auxiliary data that an epoch has no step for waits for the next one."""
        auxiliary: Iterator[list[Window] | None] = itertools.repeat(None)
        if self.auxiliary:
            auxiliary = itertools.chain(self._batches(self.auxiliary.corpus, number), auxiliary)
        return zip(self._batches(self.corpus, number), auxiliary, strict=False)

    def add_gradients(self, batch: Batch) -> float:
        """The loss returned is without the auxiliary head's."""
        windows, auxiliary = batch
        with autocast(self.model.device):
            scored, states = batch_states(self.model, self.corpus, windows)
            logits = self.model.classify(self.model.dropout(states)).float()
        gold = torch.from_numpy(self.corpus.gold)[scored].to(logits.device)
        loss = functional.cross_entropy(logits, gold, weight=self.weights, ignore_index=-1)
        if self.teacher is not None:
            # a teacher was trained with a weighted loss: to weigh it again would be once too often
            teacher = torch.from_numpy(self.teacher)[scored].to(logits.device).softmax(dim=1)
            distillation = functional.cross_entropy(logits, teacher)
            loss = loss.lerp(distillation, self.training.distillation_weight)
        total = loss
        if self.auxiliary and auxiliary:
            with autocast(self.model.device):
                extra = self.auxiliary.loss(self.model, auxiliary)
            total = loss + self.training.auxiliary_weight * extra
        total.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    def dev_scores(self) -> Scores:
        """Scores of the context alone."""
        logits = corpus_logits(self.model, self.dev)
        return score(self.dev.gold, logits, self.model.settings.labels)

    def logits(self, transcripts: Sequence[Transcript]) -> np.ndarray:
        """Logits of any transcripts, (utterances, classes) float32."""
        corpus = read_corpus(self.model, transcripts, self.model.settings.labels)
        return corpus_logits(self.model, corpus)

    def _batches(self, corpus: Corpus, number: int) -> Iterator[list[Window]]:
        random = np.random.default_rng([self.training.seed, number])
        order = random.permutation(len(corpus.windows)).tolist()
        return batches(corpus, order, self.training.batch_turns)
