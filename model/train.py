"""Training: context and utterance, class offsets, the speaker's part over all, calibration.

All is weighted cross entropy; a context's training stops early on dev, and is resumed if
interrupted. The reader of utterances is learned as a model is whose context is one turn. Other
contexts come first, each of which says what it thinks of episodes that it has not learned from: the
one that is kept is taught by them beside gold labels, and what comes after it is learned over what
they say, for of its own episodes a context is too sure.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import nn

from model.artifact import (
    SUMS,
    WEIGHTS,
    Checkpoint,
    load_model,
    open_checkpoint,
    restore,
    save_checkpoint,
)
from model.batches import Corpus, corpus_logits, read_context, read_corpus
from model.behaviour import learn_behaviour
from model.calibration import fit_temperature, speaker_share
from model.dataset import (
    Transcript,
    gold_to_score,
    known_speakers,
)
from model.emonet import EmoNet
from model.encoder import fastest_device, load_encoder
from model.errors import ModelError
from model.evaluate import Scores, score
from model.folds import SAID, save_said
from model.offsets import class_offsets
from model.precision import autocast
from model.provenance import history_of, identity_of
from model.references import EncoderReference
from model.run import Epoch, TrainingRun, differing
from model.second_head import SecondHead
from model.settings import Settings, TrainingSettings
from model.utterance import alone

FOLDS = 4
"""Parts of the training set, where nothing else is said: contexts learn from three quarters."""

TAUGHT = 0.5
"""How far a context is taught by those of the other folds, where nothing else is said."""

_PROGRESS = ".training"


def train(
    data: Sequence[Transcript],
    dev: Sequence[Transcript],
    *,
    settings: Settings,
    training: TrainingSettings,
    encoder: EncoderReference,
    output: Path,
    second: Sequence[Transcript] = (),
    folds: int = 0,
    said: np.ndarray | None = None,
    teacher: np.ndarray | None = None,
    begins: Callable[[str], None] = lambda part: None,
    advance: Callable[[int, int], None] = lambda done, total: None,
    finished: Callable[[Epoch], None] = lambda epoch: None,
    resumed: Callable[[int | None], None] = lambda number: None,
) -> list[Epoch]:
    """Trains a model over the context's best epoch and writes it to `output`, calibrated on dev.

    The histories of dev are those of one timeline over both sets, as a corpus has it.

    Args:
      data: what it learns from.
      dev: what it is chosen on.
      settings: what the model is.
      training: how it is trained.
      encoder: the encoder it starts from.
      output: where the checkpoint goes; an interrupted run in it is taken up, a finished one
        is left as it is.
      second: other labels of like dialogue, learned beside `data`; see `SecondHead`.
      folds: see `cross_logits`; what they say is kept beside the checkpoint (`folds.SAID`).
      said: what folds said of `data`, where it is known already, (utterances, classes) float32.
        Without it and without folds the speaker's part is learned over the context's own logits,
        and there are no `class_offsets`.
      teacher: what the context is taught by, as `said`, which it is by default.
      begins: called with the name of each part that is trained in turn.
      advance: called with steps done and all steps of that part.
      finished: called with each epoch when it is done, and at first with those that `output`
        holds.
      resumed: called after them, where `output` holds such a run, with the number of the epoch
        that comes next, None where all are done.

    Raises:
      ModelError: the labels do not fit, dev has none, there are fewer episodes than folds, none
        to be taught by, or `output` cannot be written or holds a run or a checkpoint with other
        settings or data.
    """
    gold_to_score(dev, settings.labels)
    if folds and not 1 < folds <= len(data):
        raise ModelError(
            f"folds is {folds}, not 0 or within 2 and the {len(data)} episodes there are"
        )
    if training.taught and not folds and said is None and teacher is None:
        raise ModelError(f"taught is {training.taught}, and without folds there is no teacher")
    data, dev = (known_speakers(part, training.speakers, training.seed) for part in (data, dev))
    identity = identity_of(settings, training, encoder, data, dev, second, folds, said, teacher)
    progress = output / _PROGRESS
    if (output / SUMS).exists():
        epochs = _finished_epochs(output, identity)
        for epoch in epochs:
            finished(epoch)
        resumed(None)
    else:
        _make_folder(progress)
        torch.manual_seed(training.seed)
        model = EmoNet(
            settings=settings, context=load_encoder(encoder), embedder=load_encoder(encoder)
        ).to(fastest_device())
        nn.init.zeros_(model.project.weight)  # until the second stage there is no past
        model.context.for_training()
        context = [read_context(model, part, settings.labels) for part in (data, dev)]
        head = SecondHead(model, second, training.weight_exponent) if second else None
        run = TrainingRun.resume(model, training, context[0], head, progress, identity)
        usual: dict[str, Any] = {"encoder": encoder, "second": second, "advance": advance}
        if folds and said is None:
            said = cross_logits(
                data, dev, settings=settings, training=training, folder=progress, folds=folds,
                begins=begins, **usual,
            )  # fmt: skip
            save_said(output / SAID, said, data, settings.labels)
        run.teacher = said if teacher is None else teacher
        begins("the context")
        epochs = _train(run, context[1], advance, finished, resumed)
        restore(model.trained_context(), safetensors.torch.load_file(progress / WEIGHTS))
        if settings.utterance_layers:
            reader, plainly = alone(settings, training)
            folder = progress / "utterance"
            begins("the reader of utterances")
            train(data, dev, settings=reader, training=plainly, output=folder, **usual)
            model.take_over(uncalibrated(open_checkpoint(folder)))
        with autocast(model.device):
            learned, chosen = read_corpus(model, data, dev)
        if said is not None:
            offsets = class_offsets(said, learned.gold)
            model.shift_logits(offsets)
            said = said + offsets
        if settings.history:
            over = corpus_logits(model, learned) if said is None else said
            learn_behaviour(model, training, learned, over)
        noted = {**history_of(epochs, data, dev), **_finish(model, chosen)}
        save_checkpoint(output, model, {**identity, **noted})
    shutil.rmtree(progress, ignore_errors=True)  # none, or part of one, beside a finished run
    return epochs


def cross_logits(
    data: Sequence[Transcript],
    dev: Sequence[Transcript],
    *,
    settings: Settings,
    training: TrainingSettings,
    encoder: EncoderReference,
    second: Sequence[Transcript],
    folder: Path,
    folds: int,
    begins: Callable[[str], None] = lambda part: None,
    advance: Callable[[int, int], None],
) -> np.ndarray:
    """What contexts say of episodes that they have not learned from (cross-fitting).

    The episodes are dealt out in turn; each part is read by a context that learned from the others,
    with a seed of its own. Those that `folder` holds are not trained again.

    Args:
      data: as `train` takes it, and so what follows.
      dev: see data.
      settings: see data; the speaker's past has no part in it.
      training: see data.
      encoder: see data.
      second: see data.
      folder: where the contexts' checkpoints are kept.
      folds: how many parts there are, from 2 to as many as there are episodes.
      begins: called with the name of each part.
      advance: called with steps done and all steps of it.

    Returns:
      (utterances, classes) float32, the episodes in the order of their places.

    Raises:
      ModelError: as `train` does.
    """
    data = sorted(data, key=lambda transcript: transcript.place)
    settings = dataclasses.replace(settings, history=0, utterance_layers=0)  # a context, no more
    training = dataclasses.replace(training, taught=0, memory_epochs=0)
    said: dict[int, np.ndarray] = {}
    for fold in range(folds):
        held = range(fold, len(data), folds)
        output = folder / f"fold-{fold}"
        begins(f"fold {fold + 1} of {folds}")
        train(
            [transcript for place, transcript in enumerate(data) if place not in held],
            dev,
            settings=settings,
            training=dataclasses.replace(training, seed=training.seed + fold),
            encoder=encoder,
            output=output,
            second=second,
            advance=advance,
        )
        model = uncalibrated(open_checkpoint(output))
        corpus = read_context(model, [data[place] for place in held], settings.labels)
        ends = np.cumsum([len(data[place]) for place in held])
        said.update(zip(held, np.split(corpus_logits(model, corpus), ends[:-1]), strict=True))
    return np.concatenate([said[place] for place in range(len(data))])


def uncalibrated(checkpoint: Checkpoint) -> EmoNet:
    """The model of a checkpoint with the logits that it was trained with."""
    model = load_model(checkpoint)
    model.divide_logits(1 / checkpoint.provenance["temperature"])
    return model


def _finish(model: EmoNet, dev: Corpus) -> dict[str, float]:
    """Gives the speaker's part its share, calibrates the model, and says how well it does."""
    told = {}
    logits = corpus_logits(model, dev)
    if model.settings.history:
        speaker = model.speaker_logits(dev.embeddings, dev.histories)
        told["speaker_share"] = speaker_share(logits, speaker, dev.gold)
        model.scale_speaker(told["speaker_share"])
        logits = logits + told["speaker_share"] * speaker
    told["temperature"] = fit_temperature(logits, dev.gold)
    model.divide_logits(told["temperature"])
    scores = score(dev.gold, logits, model.settings.labels)
    return {"dev_weighted_f1": 100 * scores.weighted_f1, **told}


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"{folder}: cannot be written ({error.strerror}); give another folder"
        ) from error


def _train(
    run: TrainingRun,
    chosen: Corpus,
    advance: Callable[[int, int], None],
    finished: Callable[[Epoch], None],
    resumed: Callable[[int | None], None],
) -> list[Epoch]:
    for epoch in run.epochs:
        finished(epoch)
    if run.taken_up:
        resumed(len(run.epochs) + 1 if run.epochs_left() else None)
    while run.epochs_left():
        loss = run.epoch(advance)
        with run.averaged() as model:
            dev_score = 100 * dev_scores(model, chosen).weighted_f1
        run.note(Epoch(len(run.epochs) + 1, loss, dev_score))
        finished(run.epochs[-1])
    return run.epochs


def dev_scores(model: EmoNet, corpus: Corpus) -> Scores:
    """Scores of a model in training."""
    return score(corpus.gold, corpus_logits(model, corpus), model.settings.labels)


def _finished_epochs(output: Path, identity: Mapping[str, Any]) -> list[Epoch]:
    """The epochs of the checkpoint in `output`, which must be that of this very run."""
    provenance = open_checkpoint(output).provenance
    other = differing({part: provenance.get(part) for part in identity}, identity)
    if other:
        raise ModelError(
            f"{output} holds a finished checkpoint with other data or settings "
            f"({', '.join(other)}); give another --output, or remove it first"
        )
    return [Epoch(**epoch) for epoch in provenance["epochs"]]
