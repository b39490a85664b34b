"""Small models trained on made-up transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from small_models import LABELS, made_up, small_settings, transcript

from model.dataset import Data, Transcript
from model.encoders.references import EncoderReference
from model.network.settings import Settings, TrainingSettings
from model.training.progress import SILENT, Epoch
from model.training.train import train

DATA = [made_up(12, seed=seed, dialogues=2) for seed in range(4)]
DEV = [made_up(12, seed=seed, dialogues=2) for seed in range(4, 6)]
SETTINGS = small_settings(history=3, trained_layers=1, utterance_encoder_layers=0)
TRAINING = TrainingSettings(epochs=3, patience=3, batch_turns=16, oof_folds=0)


def run(
    output: Path, encoder: EncoderReference, training: TrainingSettings = TRAINING, **changes: Any
) -> list[Epoch]:
    """A training of the small data, or with `changes` of data, settings and progress."""
    settings, progress = changes.pop("settings", SETTINGS), changes.pop("progress", SILENT)
    data = Data(**{"train": DATA, "dev": DEV, **changes})
    return train(data, settings, training, encoder, output, progress)


def history_decides(seed: int, speakers: int, first: int) -> list[Transcript]:
    """What a speaker said in one episode, without a label, decides their label in the next."""
    random = np.random.default_rng(seed)
    names = [f"{first}-{number}" for number in range(speakers)]
    feelings = random.choice(["joy", "sadness"], speakers).tolist()
    before = ["i love it" if feeling == "joy" else "i hate it" for feeling in feelings]
    order = random.permutation(speakers).tolist()
    scenes = [f"d{turn // 4}" for turn in range(speakers)]
    return [
        transcript(before, episode=f"{first}a", place=(first, 1), names=names, dialogues=scenes),
        transcript(
            ["well it is so"] * speakers,
            episode=f"{first}b",
            place=(first, 2),
            names=[names[number] for number in order],
            dialogues=scenes,
            labels=[feelings[number] for number in order],
        ),
    ]


def word_says(seed: int, episodes: Sequence[int]) -> list[Transcript]:
    """A word of the turn itself decides its label."""
    cues = {"joy": "glad", "neutral": "door", "sadness": "lost"}
    random = np.random.default_rng(seed)
    made = []
    for episode in episodes:
        labels = random.choice(LABELS, 24).tolist()
        texts = [f"we {random.choice(['all', 'then'])} {cues[label]} now" for label in labels]
        made.append(
            transcript(
                texts,
                episode=f"{episode}",
                place=(episode,),
                dialogues=[f"d{turn // 4}" for turn in range(24)],
                labels=labels,
            )
        )
    return made


LEARNING = TrainingSettings(
    epochs=2,
    patience=2,
    batch_turns=16,
    encoder_lr=1e-3,
    head_lr=1e-2,
    oof_folds=0,
    speaker_epochs=20,
)

HISTORY_DATA, HISTORY_DEV = history_decides(0, 160, 1), history_decides(1, 80, 2)
HISTORY_SETTINGS = Settings(
    ("joy", "sadness"),
    tag="none",
    history=2,
    window_tokens=64,
    per_turn_positions=False,
    turn_tokens=16,
    trained_layers=0,
    utterance_encoder_layers=0,
)
