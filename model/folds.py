"""What contexts say of a training set that they have not learned from, in a file.

Another training over the same data can be taught by it: one over an encoder that is too large to be
trained once a fold and once more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from model.dataset import Transcript, digest
from model.errors import ModelError
from model.run import replace_file

SAID = "folds.safetensors"
"""Its name beside a checkpoint."""

_TENSOR = "said"


def save_said(
    path: Path, said: np.ndarray, data: Sequence[Transcript], labels: Sequence[str]
) -> None:
    """Writes what was said, and of what.

    Args:
      path: of the file.
      said: (utterances, classes) float32, the episodes in the order of their places.
      data: of which it was said, in any order.
      labels: the classes.
    """
    about = {**_about(data, labels), "sha256": sha256_of_said(said)}
    tensors = {_TENSOR: np.ascontiguousarray(said)}
    replace_file(path, lambda part: safetensors.numpy.save_file(tensors, part, about))


def load_said(path: Path, data: Sequence[Transcript], labels: Sequence[str]) -> np.ndarray:
    """Reads what `save_said` wrote of these very data.

    Returns:
      (utterances, classes) float32, the episodes in the order of their places.

    Raises:
      ModelError: it cannot be read, is damaged, or is about other data or labels.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            about, said = file.metadata() or {}, file.get_tensor(_TENSOR)
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read as what folds said: {error}") from error
    if sha256_of_said(said) != about.get("sha256"):
        raise ModelError(f"{path}: is damaged (its sha256 is another one); make it anew")
    for part, expected in _about(data, labels).items():
        if about[part] != expected:
            raise ModelError(
                f"{path}: was said of other {part} than those that are to be learned from; "
                "give the file of a training over the same ones"
            )
    return np.asarray(said)


def sha256_of_said(said: np.ndarray) -> str:
    """Hex digest of (utterances, classes) float32."""
    return hashlib.sha256(np.ascontiguousarray(said).tobytes()).hexdigest()


def _about(data: Sequence[Transcript], labels: Sequence[str]) -> dict[str, str]:
    data = sorted(data, key=lambda transcript: transcript.place)
    return {"labels": json.dumps(list(labels)), "data": digest(data)}
