"""What the history of a speaker adds to the dialogue of an utterance.

python benchmarks/history.py emotion-detection-trn.json CHECKPOINT/oof_logits.safetensors

The second file is made by `emonet train`: logits of episodes by contexts that were not trained on
them. To these logits a linear model adds what it learns of the last ten utterances of the
speaker, the latest with the most weight: their frozen embeddings, their emotions as the contexts
tell them, or their gold labels, which nobody has who labels a corpus. Printed is how much likelier
that makes the gold labels of other episodes than one offset a class does (nats an utterance,
standard error).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.transcripts import read_transcripts
from model.checkpoint import PRETRAINED, load_model, open_checkpoint
from model.dataset import Transcript, gold_indices, label_set, shuffle_speakers
from model.evaluation.calibration import fit_temperature, probabilities
from model.network.emonet import histories
from model.training.cross_fitting import load_oof_logits

N, DECAY, COMPONENTS, PARTS, SHRINKING = 10, 0.7, 32, 5, 0.01


def principal(embeddings: np.ndarray) -> np.ndarray:
    """(utterances, COMPONENTS) float32 of (utterances, d) float16, of variance one."""
    centred = embeddings.astype(np.float32) - embeddings.mean(axis=0, dtype=np.float32)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    components: np.ndarray = centred @ axes[:COMPONENTS].T / lengths[:COMPONENTS]
    return components * math.sqrt(len(centred))


def summary(windows: np.ndarray, features: np.ndarray, used: np.ndarray) -> np.ndarray:
    """The weighted mean of what the used utterances of each history tell, and whether any is."""
    weights = used * DECAY ** np.arange(N)[::-1]
    total = (weights[..., None] * features[windows.clip(0)]).sum(axis=1)
    mean = total / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return np.concatenate([mean, used.any(axis=1, keepdims=True)], axis=1).astype(np.float32)


def losses(
    logits: np.ndarray, gold: np.ndarray, features: np.ndarray, part: np.ndarray
) -> np.ndarray:
    """(utterances,) float64: natural log loss of each, by a model of the other parts' episodes."""
    scaled = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
    inputs, base, target = map(torch.from_numpy, (scaled, logits, gold))
    loss = torch.zeros(len(gold))
    for held in (torch.from_numpy(part == number) for number in range(PARTS)):
        weight, offset = fitted(inputs[~held], base[~held], target[~held])
        fitted_logits = base[held] + inputs[held] @ weight + offset
        loss[held] = functional.cross_entropy(fitted_logits, target[held], reduction="none")
    return loss.double().numpy()


def fitted(inputs: Tensor, base: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """(features, classes) weights and (classes,) offsets of what is added to the base."""
    weight = torch.zeros(inputs.shape[1], base.shape[1], requires_grad=True)
    offset = torch.zeros(base.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, offset], max_iter=60)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(base + inputs @ weight + offset, target)
        loss = loss + SHRINKING * (weight**2).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach(), offset.detach()


def histories_by_reach(
    data: list[Transcript], embeddings: np.ndarray, logits: np.ndarray, gold: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """What is looked at, by name: (utterances, features) float32."""
    dialogue = np.array([f"{t.episode}/{d}" for t in data for d in t.dialogues])
    sources = {
        "embeddings": principal(embeddings),
        "emotions as contexts tell them": probabilities(logits),
        "gold emotions": np.eye(logits.shape[1], dtype=np.float32)[gold],
    }
    for whose, episodes in (("own", data), ("a stranger's", shuffle_speakers(data, 0))):
        windows = histories(episodes, N)
        spoken = windows >= 0
        inside = spoken & (dialogue[windows.clip(0)] == dialogue[:, None])
        reach = {"this dialogue": inside, "others": spoken & ~inside, "all": spoken}
        for where, used in reach.items():
            for what, features in sources.items():
                yield f"{whose}, {where}: {what}", summary(windows, features, used)


def main(data_file: str, oof_logits: str) -> None:
    """Prints a line for each way to read the history."""
    data = read_transcripts([data_file], ReadOptions(corpus="data"))
    data = sorted(data, key=lambda transcript: transcript.place)
    gold = gold_indices(data, label_set(data))
    logits = load_oof_logits(Path(oof_logits), data, label_set(data))
    logits = logits / np.float32(fit_temperature(logits, gold))
    model = load_model(open_checkpoint(PRETRAINED)).for_inference()
    embeddings = model.embed([text for t in data for text in t.texts])
    part = np.concatenate([np.full(len(t), number % PARTS) for number, t in enumerate(data)])
    nothing = losses(logits, gold, np.zeros((len(gold), 1), np.float32), part)
    for name, features in histories_by_reach(data, embeddings, logits, gold):
        gain = nothing - losses(logits, gold, features, part)
        print(f"{name:55} {gain.mean():+.4f} ({gain.std() / len(gain) ** 0.5:.4f})", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
