"""Steps of a recipe: each makes files, in a folder that is named by the hash of what it depends on.

    ROOT/NAME-KEY/step.json      what it depends on; it comes last, so that half a step is none
    ROOT/NAME-KEY/...            what it made

A step that is finished is not done again, whoever asks for it; one that was interrupted goes on.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import safetensors.torch
from torch import Tensor

from model.errors import ModelError

_DONE = "step.json"


@dataclasses.dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
      name: begins the name of its folder.
      depends_on: everything that its files depend on, as JSON can hold it.
      make: writes them to the folder it is given, which may hold those of an interrupted call.
      scratch: the names of files that only an interrupted call needs.
    """

    name: str
    depends_on: Mapping[str, Any]
    make: Callable[[Path], None]
    scratch: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """16 hex digits, over what it depends on."""
        return key_of([self.name, self.depends_on])

    def folder(self, root: Path) -> Path:
        """Where its files are, or are to be."""
        return root / f"{self.name.replace(' ', '-')}-{self.key}"

    def finish(self, root: Path) -> Path:
        """The folder with the step's files, which are made now unless they are there.

        Raises:
          ModelError: it cannot be written.
        """
        folder = self.folder(root)
        if not (folder / _DONE).exists():
            make_folder(folder)
            self.make(folder)
            write_json(folder / _DONE, self.depends_on)
            for name in self.scratch:
                (folder / name).unlink(missing_ok=True)
        return folder


@dataclasses.dataclass(frozen=True)
class LazyLogits:
    """Logits of a training set that may still have to be made.

    Attributes:
      identity: tells them from all others.
      read: gives them, (utterances, classes) float32, the episodes in timeline order.
    """

    identity: str
    read: Callable[[], np.ndarray]


def known_logits(logits: np.ndarray) -> LazyLogits:
    """Logits that are there."""
    return LazyLogits(sha256_of_logits(logits), lambda: logits)


def sha256_of_logits(logits: np.ndarray) -> str:
    """Hex digest of (utterances, classes) float32."""
    return hashlib.sha256(np.ascontiguousarray(logits).tobytes()).hexdigest()


def key_of(content: object) -> str:
    """16 hex digits of the sha256 of what JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def make_folder(folder: Path) -> None:
    """Makes a folder unless it is there.

    Raises:
      ModelError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"{folder}: cannot be written ({error.strerror}); give another folder"
        ) from error


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file, which is there as it was or as it is to be, also after a power cut."""
    temporary = path.with_suffix(".new")
    write(temporary)
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def write_json(path: Path, content: object) -> None:
    """Replaces a file by JSON on one line."""
    text = json.dumps(content) + "\n"
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> Any:
    """What `write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Replaces a file by arrays in safetensors."""
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    replace_file(path, lambda temporary: safetensors.numpy.save_file(plain, temporary))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """What `write_arrays` wrote."""
    return dict(safetensors.numpy.load_file(path))


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: str = "") -> None:
    """Replaces a file by tensors in safetensors, with a text in the header."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    about = {"metadata": metadata}
    replace_file(path, lambda temporary: safetensors.torch.save_file(plain, temporary, about))
