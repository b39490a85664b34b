"""The model cache of a process: one model, used by all its threads, one intra-op thread each."""

from __future__ import annotations

import dataclasses
import functools
import threading
from pathlib import Path

import torch

from model.checkpoint import load_model, open_checkpoint
from model.network.emonet import EmoNet
from model.network.label_shift import LabelShift
from model.network.precision import Precision

_loading = threading.Lock()


@dataclasses.dataclass(frozen=True)
class ModelSource:
    """Where the workers find the model.

    Attributes:
      checkpoint: its folder.
      encoder: where its encoder is, None for where the checkpoint says.
      precision: what all workers compute in, whatever their processors have, so that labels do not
        depend on the worker that made them.
      label_shift: how it is calibrated for the corpus, None for as it is.
    """

    checkpoint: str
    encoder: str | None
    precision: Precision
    label_shift: LabelShift | None = None

    def load(self) -> EmoNet:
        """The model, ready for inference, on the accelerator if there is one.

        Call it in the thread that uses the model: it also sets that thread's number of threads.

        Raises:
          ModelError: the checkpoint or its encoder is not what it should be.
        """
        # a number of threads that depends on the machine would let labels depend on it
        torch.set_num_threads(1)
        with _loading:
            return _load(self)


@functools.lru_cache(maxsize=1)
def _load(source: ModelSource) -> EmoNet:
    checkpoint = open_checkpoint(Path(source.checkpoint), encoder=source.encoder)
    checkpoint = checkpoint.with_label_shift(source.label_shift)
    return load_model(checkpoint).for_inference(precision=source.precision)
