"""A small model trained on made-up transcripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from small_models import made_up, small_settings

from model.encoder import EncoderReference
from model.run import Epoch, TrainingSettings
from model.train import train

DATA = [made_up(12, seed=seed, dialogues=2) for seed in range(4)]
DEV = [made_up(12, seed=seed, dialogues=2) for seed in range(4, 6)]
SETTINGS = small_settings(history=3, trained_layers=1)
TRAINING = TrainingSettings(epochs=3, patience=3, batch_turns=16)


def run(
    output: Path, encoder: EncoderReference, training: TrainingSettings = TRAINING, **changes: Any
) -> list[Epoch]:
    options = {"data": DATA, "dev": DEV, "settings": SETTINGS, **changes}
    data, dev = options.pop("data"), options.pop("dev")
    return train(data, dev, training=training, encoder=encoder, output=output, **options)
