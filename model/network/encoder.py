"""Encoders of the BERT, RoBERTa and MPNet families, by reference, with every file checked.

Law of this module: it alone knows `transformers`, which reads settings and tokenizers.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import safetensors
import safetensors.torch
import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn

from model.encoders.references import WEIGHTS, EncoderReference, check_files, locate
from model.errors import ModelError
from model.network.attention import Span
from model.network.inference import DTYPES, prepare
from model.network.packing import Batch
from model.network.precision import Precision, precision_on
from model.network.transformer import SelfAttention, Shape, Transformer

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
    """An encoder with its tokenizer."""

    def __init__(
        self,
        *,
        network: Transformer,
        tokenizer: transformers.PreTrainedTokenizerBase,
        reference: EncoderReference,
    ):
        super().__init__()
        self.network = network
        self.tokenizer = tokenizer
        self.reference = reference
        self.precision = Precision.FLOAT32
        self._position_bias: Tensor | None = None

    @property
    def width(self) -> int:
        """d, the size of a hidden state."""
        return self.network.shape.width

    @property
    def max_tokens(self) -> int:
        """How many tokens a row may have: a multiple of 64, because rows are padded to one.

        RoBERTa and MPNet keep two of their positions for padding.
        """
        shape = self.network.shape
        return (shape.positions - shape.first_position) // 64 * 64

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.network.embeddings.LayerNorm.weight.device

    @property
    def heads(self) -> int:
        """Attention heads of a layer."""
        return self.network.shape.heads

    @property
    def pad_id(self) -> int:
        """The token that rows are padded with."""
        return int(self.tokenizer.pad_token_id)

    @property
    def layers(self) -> nn.ModuleList:
        """The transformer layers, lowest first."""
        return self.network.encoder.layer

    def for_training(self) -> None:
        """Fused attention where it is the faster one with gradients: not in bfloat16.

        MPNet's relative positions would need a gradient for the bias, which that kernel lacks.
        """
        low = precision_on(self.device) is Precision.BFLOAT16
        for module in self.network.modules():
            if isinstance(module, SelfAttention):
                module.fused = not low and self.network.shape.family != "mpnet"

    def for_inference(self, precision: Precision) -> None:
        """Layers in a precision, for good: they cannot be trained any more."""
        prepare(self.network, precision)
        self.precision = precision
        self._position_bias = self.network.position_bias(self.max_tokens)

    def tokenize(self, texts: list[str], max_tokens: int) -> list[list[int]]:
        """Token ids of each text with its special tokens, cut to `max_tokens`."""
        if not texts:
            return []
        encoded = self.tokenizer(texts, truncation=True, max_length=max_tokens)
        return list(encoded["input_ids"])

    def forward(self, batch: Batch, fork: nn.ModuleList | None = None) -> Tensor:
        """Last hidden states.

        Args:
          batch: a buffer of tokens.
          fork: layers that branch off before as many of the last ones, in parallel to them.

        Returns:
          (rows, d) float32; with a fork (rows, 2 d), its last hidden states behind the encoder's
          own, which are the same to the last bit.
        """
        spans = self._biased(batch.spans)
        states = self.network.embeddings(batch.tokens, batch.position_ids)
        if not fork:
            return _through(self.layers, states, spans).float()
        forking = len(self.layers) - len(fork)
        states = _through(self.layers[:forking], states, spans)
        ends = (_through(layers, states, spans) for layers in (self.layers[forking:], fork))
        return torch.cat([end.float() for end in ends], dim=1)

    def _biased(self, spans: Sequence[Span]) -> list[Span]:
        """The spans with all that is added to their scores, in the precision of these."""
        positions = self._position_bias
        if positions is None:
            positions = self.network.position_bias(max(span.keys for span in spans))
        biased = []
        for span in spans:
            bias = span.bias
            if positions is not None:
                own = positions[:, :, span.keys - span.queries : span.keys, : span.keys]
                bias = own if bias is None else own + bias
            if bias is not None:
                bias = bias.to(DTYPES[self.precision])
            biased.append(dataclasses.replace(span, bias=bias))
        return biased

    def upper_layers(self, count: int) -> nn.ModuleList:
        """Copies of the last `count` layers, which training can move apart from them."""
        return copy.deepcopy(self.layers[len(self.layers) - count :])


def _through(layers: Iterable[nn.Module], states: Tensor, spans: Sequence[Span]) -> Tensor:
    for layer in layers:
        states = layer(states, spans)
    return states


def load_encoder(reference: EncoderReference, layers: int | None = None) -> Encoder:
    """Loads an encoder whose files are those of `reference`, in float32 and evaluation mode.

    Args:
      reference: which one.
      layers: how many of its lower layers it is to have; all if not given.

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
    with _refused(reference, folder, f"config.json or {WEIGHTS}"):
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
        weights = _published_weights(folder, family)
    shape = _shape(config, reference)
    if layers is not None and layers > shape.layers:
        raise ModelError(
            f"{layers} layers are wanted of encoder {reference.name!r}, it has {shape.layers}"
        )
    if layers is not None:
        shape = dataclasses.replace(shape, layers=layers)
    network = _network(shape, weights, folder, reference)
    with _quietly(), _refused(reference, folder, "the tokenizer's files"):
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return Encoder(network=network.eval(), tokenizer=tokenizer, reference=reference)


def _shape(config: transformers.PreTrainedConfig, reference: EncoderReference) -> Shape:
    if config.hidden_act != "gelu" or config.hidden_size % config.num_attention_heads:
        raise ModelError(
            f"encoder {reference.name!r}: config.json says hidden_act {config.hidden_act!r} and "
            f"{config.num_attention_heads} heads over {config.hidden_size}; expected 'gelu', and "
            "heads of one size"
        )
    bert, mpnet = (config.model_type == family for family in ("bert", "mpnet"))
    return Shape(
        family=config.model_type,
        vocabulary=config.vocab_size,
        width=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        intermediate=config.intermediate_size,
        positions=config.max_position_embeddings,
        # RoBERTa and MPNet keep those up to the padding token's for padding
        first_position=0 if bert else config.pad_token_id + 1,
        token_types=0 if mpnet else config.type_vocab_size,
        epsilon=config.layer_norm_eps,
        dropout=config.hidden_dropout_prob,
    )


def _published_weights(folder: Path, family: str) -> dict[str, Tensor]:
    """The tensors of a file in float32, by their names in `Transformer`.

    Those of a model with a head have the family as prefix, the oldest ones gamma and beta.
    """
    renamed = {}
    for name, tensor in safetensors.torch.load_file(folder / WEIGHTS).items():
        own = name.removeprefix(f"{family}.")
        own = own.replace("LayerNorm.gamma", "LayerNorm.weight")
        own = own.replace("LayerNorm.beta", "LayerNorm.bias")
        renamed[own] = tensor.float()
    return renamed


def _network(
    shape: Shape, weights: dict[str, Tensor], folder: Path, reference: EncoderReference
) -> Transformer:
    """A transformer with these weights; those of poolers and heads are left out."""
    with torch.device("meta"):
        network = Transformer(shape)
    wanted = network.state_dict()
    lacking = sorted(
        name
        for name, tensor in wanted.items()
        if name not in weights or weights[name].shape != tensor.shape
    )
    if lacking:
        raise ModelError(
            f"encoder {reference.name!r}: {folder / WEIGHTS} lacks {len(lacking)} tensors, "
            f"first {lacking[0]}, or has them in other shapes than config.json; restore it"
        )
    network.load_state_dict({name: weights[name] for name in wanted}, assign=True)
    return network


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
