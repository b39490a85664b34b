"""Checkpoints on disk: settings, provenance, the trained tensors, and a sha256 of each file.

    CHECKPOINT/
      settings.json        settings, calibration, encoder reference with hashes, provenance
      trained.safetensors  the tensors that training changed, linear maps in bfloat16
      SHA256SUMS           of the two, in the format of `sha256sum --check`

The encoder's own weights are not in it; they are found by reference and checked.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from model.encoders.references import EncoderReference, check_files, sha256_of
from model.errors import ModelError
from model.network.emonet import EmoNet
from model.network.encoder import fastest_device, load_encoder
from model.network.label_shift import LabelShift
from model.network.settings import Calibration, Settings
from model.network.settings_file import FORMER_NAMES

PRETRAINED = Path(__file__).parent / "pretrained"
"""The checkpoint that ships."""

SETTINGS, WEIGHTS, SUMS = "settings.json", "trained.safetensors", "SHA256SUMS"
_DIGEST = "([0-9a-f]{64})"
_SUMS = re.compile(f"{_DIGEST}  {re.escape(SETTINGS)}\n{_DIGEST}  {re.escape(WEIGHTS)}\n".encode())
_VERSION = 2

_BEFORE = {"languages": ["en"], "turn_places": False, "utterance_layers": 0, "window_turns": None}
"""What settings were before they had a name, in checkpoints of version 1. Those have their
calibration in their weights, so that they want none."""


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose files were found to be what its sums say.

    Attributes:
      folder: where it is.
      settings: what the model is.
      calibration: the numbers that its logits are calibrated with.
      encoder: the encoder it was trained over.
      width: d, the size of its hidden states.
      provenance: data digest, seed, versions, dev score and all else that training recorded.
      model_id: 16 hex digits over all of its content and its encoder's.
      label_shift: what `calibration` has of a corpus' own habit, None for nothing.
    """

    folder: Path
    settings: Settings
    calibration: Calibration
    encoder: EncoderReference
    width: int
    provenance: Mapping[str, Any]
    model_id: str
    label_shift: LabelShift | None = None

    def with_label_shift(self, shift: LabelShift | None) -> Checkpoint:
        """The same weights, calibrated for a corpus; None for as they are.

        Raises:
          ModelError: it was fitted for another checkpoint.
        """
        if shift is None:
            return self
        if (shift.model_id, shift.labels) != (self.model_id, self.settings.labels):
            raise ModelError(
                f"the calibration was fitted for model {shift.model_id}, and checkpoint "
                f"{self.folder} is model {self.model_id}; fit it anew with `emonet calibrate`"
            )
        return dataclasses.replace(
            self, calibration=shift.after(self.calibration), label_shift=shift
        )

    @property
    def embedder_id(self) -> str:
        """Hex sha256 of all that an utterance's embedding depends on but its text."""
        content = [sorted(self.encoder.files.items()), self.settings.turn_tokens]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def save_checkpoint(folder: Path, model: EmoNet, provenance: Mapping[str, Any]) -> None:
    """Writes a checkpoint; the sums come last, so that half a checkpoint never loads."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SUMS).unlink(missing_ok=True)
    tensors = {name: _stored(value) for name, value in model.trained().items()}
    safetensors.torch.save_file(tensors, folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)  # safetensors leaves it to its owner alone
    reference = model.context.reference
    content = {
        "version": _VERSION,
        "settings": dataclasses.asdict(model.settings),
        "calibration": dataclasses.asdict(model.calibration),
        "encoder": {
            "name": reference.name,
            "width": model.embedder.width,
            "files": dict(reference.files),
        },
        "provenance": dict(provenance),
    }
    (folder / SETTINGS).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    sums = [f"{sha256_of(folder / file)}  {file}\n" for file in (SETTINGS, WEIGHTS)]
    (folder / SUMS).write_text("".join(sums))


def open_checkpoint(folder: Path, *, encoder: str | None = None) -> Checkpoint:
    """Reads a checkpoint's settings after all its files were checked.

    Args:
      folder: the checkpoint.
      encoder: where its encoder is, if elsewhere than at training; it must be the same one.

    Raises:
      ModelError: something is missing, or differs from its sum.
    """
    sums = _check(folder)
    content = json.loads((folder / SETTINGS).read_text())
    if content["version"] == 1:
        content = _upgraded(content)
    elif content["version"] != _VERSION:
        raise ModelError(
            f"checkpoint {folder} has version {content['version']}, "
            f"this program reads 1 to {_VERSION}"
        )
    reference = EncoderReference(encoder or content["encoder"]["name"], content["encoder"]["files"])
    return Checkpoint(
        folder=folder,
        settings=Settings(**_tuples(content["settings"])),
        calibration=Calibration(**_tuples(content["calibration"])),
        encoder=reference,
        width=content["encoder"]["width"],
        provenance=content["provenance"],
        model_id=hashlib.sha256("".join(sorted(sums.values())).encode()).hexdigest()[:16],
    )


def load_model(checkpoint: Checkpoint) -> EmoNet:
    """The model of a checkpoint, in float32, on `fastest_device`; `for_inference` readies it.

    Raises:
      ModelError: the encoder is missing or another one, or the weights do not fit the settings.
    """
    _check(checkpoint.folder)
    model = EmoNet(
        settings=checkpoint.settings,
        context=load_encoder(checkpoint.encoder),
        embedder=load_encoder(checkpoint.encoder),
        calibration=checkpoint.calibration,
    )
    restore(model.trained(), safetensors.torch.load_file(checkpoint.folder / WEIGHTS))
    return model.to(fastest_device()).eval()


def restore(trained: Mapping[str, nn.Parameter], tensors: Mapping[str, Tensor]) -> None:
    """Sets trained parameters.

    Raises:
      ModelError: `tensors` are not just those that are trained, or one is of another shape;
        nothing is set then.
    """
    if trained.keys() != tensors.keys():
        odd = sorted(trained.keys() ^ tensors.keys())
        raise ModelError(f"weights and settings disagree on {len(odd)} tensors, first {odd[0]}")
    for name, parameter in trained.items():
        found, expected = tuple(tensors[name].shape), tuple(parameter.shape)
        if found != expected:  # copying would stretch some shapes in silence
            raise ModelError(f"tensor {name} is of shape {found}, the settings want {expected}")
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(tensors[name])


def _upgraded(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a checkpoint of version 1 as one of version 2 has it."""
    settings = {**_BEFORE, **content["settings"]}
    named = {FORMER_NAMES.get(name, name): value for name, value in settings.items()}
    return {**content, "settings": named, "calibration": {}}


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of JSON with its lists as tuples."""
    return {n: tuple(value) if isinstance(value, list) else value for n, value in values.items()}


def _stored(parameter: Tensor) -> Tensor:
    value = parameter.detach().cpu()
    return value.to(torch.bfloat16) if value.ndim == 2 else value.clone()


def _check(folder: Path) -> dict[str, str]:
    """The sha256 of each file but the sums, which are those of the files as they are."""
    owner = f"checkpoint {folder}"
    if not (folder / SUMS).is_file():
        raise ModelError(f"{owner}: {SUMS} is missing; this is no finished checkpoint")
    digests = _SUMS.fullmatch((folder / SUMS).read_bytes())
    if not digests:
        raise ModelError(f"{owner}: {SUMS} is damaged; restore it or train anew")
    sums = {SETTINGS: digests[1].decode(), WEIGHTS: digests[2].decode()}
    check_files(folder, sums, f"{owner} by its {SUMS}")
    return sums
