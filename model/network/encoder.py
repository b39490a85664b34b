"""Encoders of the BERT, RoBERTa and MPNet families, by reference, with every file checked.

Law of this module: it alone knows the names that `transformers` uses.
"""

from __future__ import annotations

import contextlib
import copy
import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import safetensors
import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn

from model.encoders.references import WEIGHTS, EncoderReference, check_files, locate
from model.errors import ModelError
from model.network.attention import BLOCKED, block_keys
from model.network.precision import Precision, precision_on

FAMILIES = ("bert", "roberta", "mpnet")

_UNREADABLE = (
    safetensors.SafetensorError,
    StrictDataclassError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
)
"""What `transformers` may raise over files that are not what their names say."""


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
        """How many tokens a row may have: a multiple of 64, because rows are padded to one.

        RoBERTa and MPNet keep two of their positions for padding.
        """
        return int(self.network.config.max_position_embeddings - self._first_position) // 64 * 64

    @property
    def heads(self) -> int:
        """Attention heads of a layer."""
        return int(self.network.config.num_attention_heads)

    @property
    def pad_id(self) -> int:
        """The token that rows are padded with."""
        return int(self.tokenizer.pad_token_id)

    @property
    def layers(self) -> nn.ModuleList:
        """The transformer layers, lowest first."""
        layers = self.network.get_submodule("encoder.layer")
        assert isinstance(layers, nn.ModuleList)
        return layers

    def for_training(self) -> None:
        """Fused attention where it is the faster one with gradients: not in bfloat16."""
        low = precision_on(self.network.device) is Precision.BFLOAT16
        if self.network.config.model_type != "mpnet" and not low:
            self.network.set_attn_implementation("sdpa")

    def tokenize(self, texts: list[str], max_tokens: int) -> list[list[int]]:
        """Token ids of each text with its special tokens, cut to `max_tokens`."""
        if not texts:
            return []
        encoded = self.tokenizer(texts, truncation=True, max_length=max_tokens)
        return list(encoded["input_ids"])

    def forward(
        self,
        tokens: Tensor,
        mask: Tensor,
        position_ids: Tensor | None = None,
        fork: nn.ModuleList | None = None,
    ) -> Tensor:
        """Last hidden states.

        Args:
          tokens: (rows, length) int64, padded with `pad_id`.
          mask: (rows, 1 or heads, length, length) float32, added to the attention scores.
          position_ids: (rows, length) int64, counted from 0; the position in the row by default.
          fork: layers that branch off before as many of the last ones, in parallel to them.

        Returns:
          (rows, length, d) float32; with a fork (rows, length, 2 d), its last hidden states behind
          the encoder's own, which are the same to the last bit.
        """
        mask = mask.to(next(self.layers[0].parameters()).dtype)
        states = self._word_states(tokens, position_ids)
        if not fork:
            return self._through(self.layers, states, mask).float()
        forking = len(self.layers) - len(fork)
        states = self._through(self.layers[:forking], states, mask)
        ends = (self._through(layers, states, mask) for layers in (self.layers[forking:], fork))
        return torch.cat([end.float() for end in ends], dim=-1)

    def upper_layers(self, count: int) -> nn.ModuleList:
        """Copies of the last `count` layers, which training can move apart from them."""
        return copy.deepcopy(self.layers[len(self.layers) - count :])

    def _word_states(self, tokens: Tensor, position_ids: Tensor | None) -> Tensor:
        positions = None if position_ids is None else position_ids + self._first_position
        embeddings = self.network.get_submodule("embeddings")
        return embeddings(input_ids=tokens, position_ids=positions)  # type: ignore[no-any-return]

    def _relative_positions(self, states: Tensor) -> Tensor:
        compute = self.network.get_submodule("encoder").compute_position_bias
        return compute(states)  # type: ignore[operator, no-any-return]

    def _through(self, layers: Iterable[nn.Module], states: Tensor, mask: Tensor) -> Tensor:
        position_bias: tuple[Tensor, ...] = ()
        if self.network.config.model_type == "mpnet":
            position_bias = (self._relative_positions(states),)
        for layer in layers:
            output = layer(states, mask, *position_bias)
            states = output[0] if isinstance(output, tuple) else output
        return states

    @property
    def _first_position(self) -> int:
        config = self.network.config
        return 0 if config.model_type == "bert" else int(config.pad_token_id) + 1


def load_encoder(reference: EncoderReference) -> Encoder:
    """Loads an encoder whose files are those of `reference`, in float32 and evaluation mode.

    Raises:
      ModelError: a file is missing, cannot be read or has another sha256, the family is not
        supported, or the weights lack a tensor or have one of another shape.
    """
    folder = locate(reference.name)
    check_files(folder, reference.files, f"encoder {reference.name!r}")
    with _refused(reference, folder, "config.json"):
        family = json.loads((folder / "config.json").read_text())["model_type"]
    if family not in FAMILIES:
        raise ModelError(
            f"encoder {reference.name!r} is of the family {family!r}; "
            f"supported are {', '.join(FAMILIES)}"
        )
    with _quietly(), _refused(reference, folder, f"config.json or {WEIGHTS}"):
        network, report = transformers.AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            attn_implementation="eager" if family == "mpnet" else BLOCKED,
            dtype=torch.float32,
            add_pooling_layer=False,
            ignore_mismatched_sizes=True,  # they are reported below
            # drawing the random numbers would take longer in training than attention itself
            attention_probs_dropout_prob=0.0,
            output_loading_info=True,
        )
    with _quietly(), _refused(reference, folder, "the tokenizer's files"):
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    lacking = sorted({*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])})
    if lacking:  # transformers would draw them at random
        raise ModelError(
            f"encoder {reference.name!r}: {folder / WEIGHTS} lacks {len(lacking)} tensors, "
            f"first {lacking[0]}, or has them in other shapes than config.json; restore it"
        )
    block_keys(network)
    return Encoder(network=network.eval(), tokenizer=tokenizer, reference=reference)


def fastest_device() -> torch.device:
    """Where models are loaded to and trained: the accelerator, if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextlib.contextmanager
def _refused(reference: EncoderReference, folder: Path, what: str) -> Iterator[None]:
    """Names the files that cannot be read, instead of the library's trouble with them."""
    try:
        yield
    except _UNREADABLE as error:
        raise ModelError(
            f"encoder {reference.name!r}: {what} in {folder} cannot be read "
            f"({type(error).__name__}); restore it or give another folder"
        ) from error


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
