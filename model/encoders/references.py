"""Encoders by reference: a name, and the sha256 of each of its files.

Nothing of them is read here but their bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path

import huggingface_hub

from model.encoders.known_encoders import KNOWN_ENCODERS, PACKAGED_ENCODERS, kept_in
from model.errors import ModelError

DEFAULT_ENCODER = "e5-small"
WEIGHTS = "model.safetensors"

_REQUIRED = ("config.json", WEIGHTS)
_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
)
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json")
_HUB_REFERENCE = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)@(?P<revision>[0-9a-f]{40})")


@dataclasses.dataclass(frozen=True)
class EncoderReference:
    """An encoder by name and by content.

    Attributes:
      name: one of `PACKAGED_ENCODERS` or `KNOWN_ENCODERS`, a folder, an installed package, or
        `owner/name@REVISION` on the hub with a revision of 40 hex digits.
      files: sha256 of each of its files, by file name.
    """

    name: str
    files: Mapping[str, str]


def reference_to(name: str) -> EncoderReference:
    """The reference of the encoder that `name` stands for now, with the hashes of its files.

    Raises:
      ModelError: nothing is found under that name, or a file is missing.
    """
    folder = locate(name)
    missing = [file for file in _REQUIRED if not (folder / file).is_file()]
    if not any((folder / file).is_file() for file in _VOCABULARIES):
        missing.append(" or ".join(_VOCABULARIES))
    if missing:
        raise ModelError(f"encoder {name!r}: {folder} has no {' and no '.join(missing)}")
    if name in KNOWN_ENCODERS:  # what they should be is known, whatever lies there now
        return EncoderReference(name, KNOWN_ENCODERS[name].files)
    present = [file for file in (*_REQUIRED, *_TOKENIZER) if (folder / file).is_file()]
    return EncoderReference(name, {file: sha256_of(folder / file) for file in present})


def check_files(folder: Path, files: Mapping[str, str], owner: str) -> None:
    """Holds files against their sha256.

    Raises:
      ModelError: naming the first file that is missing or differs, and both hashes.
    """
    for file, expected in files.items():
        path = folder / file
        if not path.is_file():
            raise ModelError(f"{owner}: {path} is missing; restore it or make it anew")
        found = sha256_of(path)
        if found != expected:
            raise ModelError(
                f"{owner}: {path} is not the file it was made with "
                f"(sha256 {found[:12]}, expected {expected[:12]}); restore it or make it anew"
            )


def sha256_of(path: Path) -> str:
    """Hex digest of a file.

    Raises:
      ModelError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error.strerror}); let it be read, or give another folder"
        ) from error


def locate(name: str) -> Path:
    """The folder that an encoder's files are in; one on the hub is fetched.

    Raises:
      ModelError: nothing is found under that name, or it cannot be fetched.
    """
    if name in PACKAGED_ENCODERS:
        return PACKAGED_ENCODERS[name]
    if name in KNOWN_ENCODERS:
        if kept_in(name).is_dir():
            return kept_in(name)
        raise ModelError(f"encoder {name!r} is not here yet; `emonet encoder fetch {name}` gets it")
    if Path(name).is_dir():
        return Path(name)
    hub = _HUB_REFERENCE.fullmatch(name)
    if hub:
        return _fetch(hub["repository"], hub["revision"])
    try:
        spec = importlib.util.find_spec(name.replace("-", "_"))
    except (ValueError, ImportError):
        spec = None
    for root in (spec and spec.submodule_search_locations) or ():
        for config in sorted(Path(root).rglob("config.json")):
            if (config.parent / WEIGHTS).is_file():
                return config.parent
    raise ModelError(
        f"encoder {name!r} is neither a folder, nor an installed package with weights, nor a hub "
        "id with a pinned revision (owner/name@ and 40 hex digits), nor one of "
        f"{', '.join([*PACKAGED_ENCODERS, *KNOWN_ENCODERS])}"
    )


def _fetch(repository: str, revision: str) -> Path:
    try:
        folder = huggingface_hub.snapshot_download(
            repository, revision=revision, allow_patterns=[*_REQUIRED, *_TOKENIZER]
        )
    except (OSError, huggingface_hub.errors.HfHubHTTPError) as error:
        raise ModelError(
            f"encoder {repository}@{revision} could not be fetched ({type(error).__name__}); "
            "fetch it where there is a network, or give a folder"
        ) from error
    return Path(folder)
