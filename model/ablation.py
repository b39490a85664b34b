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
import hashlib
import json
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from torch import Tensor, nn

from model.artifact import open_checkpoint
from model.batches import read_corpus
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
from model.emonet import EmoNet, Settings
from model.encoder import EncoderReference, autocast
from model.errors import ModelError
from model.offsets import class_offsets
from model.run import TrainingSettings, replace_file
from model.train import FOLDS, corpus_logits, cross_logits, train, uncalibrated

LADDER = Path(__file__).parent / "ladder.toml"
"""The rows of the ablation."""

_SEEDS, _MAIN_SEEDS = 3, 5


@dataclasses.dataclass(frozen=True)
class Row:
    """One set of settings.

    Attributes:
      name: what it is called.
      settings: what the model is.
      training: how it is trained, with seed 0.
      seeds: how many it is trained with, from 0.
      main: whether it is one of the rows that tell the story.
      beside: whether it learns from a second data set, too.
      finished: whether it has class offsets and a share of the speaker's part, as `train` gives
        them; else the speaker's part has its full weight, as in the papers.
      against: the name of the row that it is one step away from.
    """

    name: str
    settings: Settings
    training: TrainingSettings
    seeds: int
    main: bool = False
    beside: bool = False
    finished: bool = False
    against: str | None = None


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


def read_ladder(path: Path, labels: Sequence[str]) -> list[Row]:
    """The rows of a settings file.

    Raises:
      ModelError: it cannot be read, or a row has a name that is no setting's or no row's.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error
    rows = [_row(path, {**content.get("all", {}), **row}, labels) for row in content.get("row", [])]
    if not rows:
        raise ModelError(f"{path}: has no row; one begins with [[row]]")
    names = {row.name for row in rows}
    if len(names) < len(rows):
        raise ModelError(f"{path}: two rows have one name")
    for row in rows:
        if row.against not in {None, *names}:
            raise ModelError(
                f"{path}: row {row.name!r} stands against {row.against!r}, no row of it"
            )
    return rows


def _row(path: Path, content: dict[str, Any], labels: Sequence[str]) -> Row:
    name = str(content.pop("name", "without a name"))
    main = content.pop("main", False)
    own = {part: content.pop(part) for part in ("against", "beside", "finished") if part in content}
    parts = [
        {f.name: content.pop(f.name) for f in dataclasses.fields(kind) if f.name in content}
        for kind in (Settings, TrainingSettings)
    ]
    if content or "seed" in parts[1]:
        raise ModelError(f"{path}: row {name!r}: {next(iter(content), 'seed')} is no setting of it")
    try:
        settings = Settings(labels=tuple(labels), **parts[0])
        training = TrainingSettings(**parts[1])
    except (TypeError, ModelError) as error:
        raise ModelError(f"{path}: row {name!r}: {error}") from error
    return Row(name, settings, training, _MAIN_SEEDS if main else _SEEDS, main, **own)


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

    def result(
        self, row: Row, seed: int, advance: Callable[[int, int], None] = lambda done, total: None
    ) -> Result:
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

    def _train(
        self, row: Row, training: TrainingSettings, advance: Callable[[int, int], None]
    ) -> Result:
        # what a context does not depend on is the same in all rows that share it
        settings = dataclasses.replace(row.settings, history=0, hidden=Settings.hidden)
        alone = dataclasses.replace(training, speakers="corpus", memory_epochs=0)
        folder = self.folder / "contexts" / self._key(settings, alone, row.beside)
        crossing = settings, alone, row.beside, advance
        taught_by = self._crossed(*crossing)[0] if training.taught else None
        begun = time.monotonic()
        train(
            self.data, self.dev, settings=settings, training=alone, encoder=self.encoder,
            output=folder, second=self.second if row.beside else (), said=taught_by,
            advance=advance,
        )  # fmt: skip
        model = uncalibrated(open_checkpoint(folder))
        said = self._said(folder.with_suffix(".safetensors"), time.monotonic() - begun, model)
        data, dev = said["data"].numpy(), said["dev"].numpy()
        if row.finished:
            data, offsets = self._crossed(*crossing)
            data, dev = data + offsets, dev + offsets
        if row.settings.history:
            past = self._past(model, row.settings, training, data)
            dev = dev + (speaker_share(dev, past, self.gold) if row.finished else 1) * past
        return Result(dev.argmax(axis=1), _log_loss(dev, self.gold), float(said["seconds"]))

    def _crossed(
        self,
        settings: Settings,
        training: TrainingSettings,
        beside: bool,
        advance: Callable[[int, int], None],
    ) -> tuple[np.ndarray, np.ndarray]:
        """`cross_logits` over the data and `class_offsets`, of seed 0 whatever the seed is."""
        training = dataclasses.replace(training, seed=0, taught=0)
        folder = self.folder / "contexts" / f"{self._key(settings, training, beside)}-folds"
        path = folder.with_suffix(".safetensors")
        if not path.exists():
            said = cross_logits(
                self.data, self.dev, settings=settings, training=training, encoder=self.encoder,
                second=self.second if beside else (), folder=folder, folds=FOLDS, advance=advance,
            )  # fmt: skip
            offsets = class_offsets(said, gold_indices(self.data, settings.labels))
            both = {"data": said, "offsets": offsets}
            replace_file(path, lambda temporary: safetensors.numpy.save_file(both, temporary))
        both = safetensors.numpy.load_file(path)
        return both["data"], both["offsets"]

    def _said(self, path: Path, seconds: float, model: EmoNet) -> dict[str, Tensor]:
        """Logits of a context over both sets, and the seconds it took to make it, from a file."""
        if not path.exists():
            corpora = read_corpus(model, self.data, self.dev)
            said = {
                name: torch.from_numpy(corpus_logits(model, corpus))
                for name, corpus in zip(("data", "dev"), corpora, strict=True)
            }
            said["seconds"] = torch.tensor(seconds)
            replace_file(path, lambda temporary: safetensors.torch.save_file(said, temporary))
        return safetensors.torch.load_file(path)

    def _past(
        self, model: EmoNet, settings: Settings, training: TrainingSettings, context: np.ndarray
    ) -> np.ndarray:
        """What the speakers' past adds to the logits of dev, by a second stage over a context."""
        torch.manual_seed(training.seed)
        behaving = EmoNet(settings=settings, context=model.context, embedder=model.embedder)
        behaving.classify = model.classify
        nn.init.zeros_(behaving.project.weight)
        data, dev = (
            known_speakers(part, training.speakers, training.seed) for part in (self.data, self.dev)
        )
        learned, chosen = read_corpus(behaving, data, dev, self._embed(model))
        behaving.trained()
        learn_behaviour(behaving, training, learned, context)
        return behaving.eval().speaker_logits(chosen.embeddings, chosen.histories)

    def _embed(self, model: EmoNet) -> Callable[[tuple[str, ...]], np.ndarray]:
        """An embedding depends on its text alone: all rows have the same."""

        def embed(texts: tuple[str, ...]) -> np.ndarray:
            if texts not in self._embeddings:
                with autocast(model.device):
                    self._embeddings[texts] = model.embed(texts)
            return self._embeddings[texts]

        return embed

    def _key(self, settings: Settings, training: TrainingSettings, beside: bool) -> str:
        parts = [dataclasses.asdict(part) for part in (settings, training)]
        sets = [*self._sets, self._second_set] if beside else self._sets
        content = json.dumps([parts, sets, dict(self.encoder.files)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def _log_loss(logits: np.ndarray, gold: np.ndarray) -> float:
    """Mean over what has a gold label, after the temperature that makes it least."""
    return -log_likelihood(logits / fit_temperature(logits, gold), gold)
