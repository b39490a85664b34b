"""The transformer of the BERT, RoBERTa and MPNet families (Devlin et al. 2019; Song et al. 2020).

Submodules have the names that published weights have. `transformers` computes the same, and is
left out because importing its models takes longer than labelling a file.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.network.attention import Span, attend

_BUCKETS, _FARTHEST = 32, 128
"""MPNet's relative positions: how many are told apart, and from where on all are one."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """What the weights of a transformer are.

    Attributes:
      family: `bert`, `roberta` or `mpnet`.
      vocabulary: how many tokens there are.
      width: d, of a hidden state.
      layers: how many.
      heads: attention heads of a layer.
      intermediate: width within a layer's feed-forward part.
      positions: how many position embeddings there are.
      first_position: the one of a row's first token.
      token_types: how many token type embeddings there are; 0 for MPNet.
      epsilon: of the layer norms.
      dropout: share of states that are dropped in training; attention drops none.
    """

    family: str
    vocabulary: int
    width: int
    layers: int
    heads: int
    intermediate: int
    positions: int
    first_position: int
    token_types: int
    epsilon: float
    dropout: float


class _Embedding(nn.Embedding):
    def reset_parameters(self) -> None:
        """Draws nothing: weights are loaded. Where there is no memory yet, it takes seconds."""


class Linear(nn.Linear):
    """A linear map whose weights are to be loaded, with a GELU behind it where one is wanted."""

    def reset_parameters(self) -> None:
        """As `_Embedding`."""

    def forward(self, states: Tensor, *, gelu: bool = False) -> Tensor:
        """(rows, out) of states (rows, in)."""
        mapped = super().forward(states)
        return functional.gelu(mapped) if gelu else mapped


class Transformer(nn.Module):
    """Token embeddings and the layers above them, with weights that are still to be loaded."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.embeddings = _Embeddings(shape)
        self.encoder = _Layers(shape)

    def position_bias(self, length: int) -> Tensor | None:
        """MPNet's relative positions, added to attention scores: (1, heads, length, length)."""
        bias = self.encoder.relative_attention_bias
        if bias is None:
            return None
        buckets = _relative_buckets(length, bias.weight.device)
        return bias(buckets).permute(2, 0, 1)[None].contiguous()  # type: ignore[no-any-return]


class _Embeddings(nn.Module):
    """What the first layer reads: a token's word, its type and its position, normed."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.first_position = shape.first_position
        self.word_embeddings = _Embedding(shape.vocabulary, shape.width)
        self.position_embeddings = _Embedding(shape.positions, shape.width)
        if shape.token_types:
            self.token_type_embeddings = _Embedding(shape.token_types, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, tokens: Tensor, position_ids: Tensor) -> Tensor:
        """(rows, d) float32 of tokens and their positions from 0, (rows,) int64."""
        states = self.word_embeddings(tokens)
        if hasattr(self, "token_type_embeddings"):
            states = states + self.token_type_embeddings(torch.zeros_like(tokens))
        states = states + self.position_embeddings(position_ids + self.first_position)
        return self.dropout(self.LayerNorm(states))  # type: ignore[no-any-return]


class _Layers(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.layer = nn.ModuleList([Layer(shape) for _ in range(shape.layers)])
        mpnet = shape.family == "mpnet"
        self.relative_attention_bias = _Embedding(_BUCKETS, shape.heads) if mpnet else None


class Layer(nn.Module):
    """Self-attention, then two linear maps at each token; each with its residual and norm."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.attention = (_MPNetAttention if shape.family == "mpnet" else _Attention)(shape)
        self.intermediate = _Dense(shape.width, shape.intermediate)
        self.output = _Output(shape.intermediate, shape)

    def forward(self, states: Tensor, spans: Sequence[Span]) -> Tensor:
        """The next states, (rows, d), of states of which `spans` see one another."""
        attended = self.attention(states, spans)
        inner = self.intermediate.dense(attended, gelu=True)
        return self.output(inner, attended)  # type: ignore[no-any-return]


class _Dense(nn.Module):
    def __init__(self, width: int, to: int):
        super().__init__()
        self.dense = Linear(width, to)


class _Output(_Dense):
    """A linear map with dropout, the residual, and the layer norm of both."""

    def __init__(self, width: int, shape: Shape):
        super().__init__(width, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, states: Tensor, residual: Tensor) -> Tensor:
        return self.LayerNorm(self.dropout(self.dense(states)) + residual)  # type: ignore[no-any-return]


class SelfAttention(nn.Module):
    """Attention by the linear maps that `names` are the names of: query, key and value.

    Attributes:
      joint: the three as one map, once they are prepared for inference.
      fused: whether torch's own kernel attends.
    """

    names = ("query", "key", "value")

    def __init__(self, shape: Shape):
        super().__init__()
        self.heads = shape.heads
        self.joint: nn.Module | None = None
        self.fused = False
        for name in self.names:
            self.add_module(name, Linear(shape.width, shape.width))

    def forward(self, states: Tensor, spans: Sequence[Span]) -> Tensor:
        """What each row attends to, (rows, d), of states."""
        if self.joint is None:
            parts = [self.get_submodule(name)(states) for name in self.names]
            projected = torch.cat(parts, dim=1)
        else:
            projected = self.joint(states)
        return attend(projected, self.heads, spans, fused=self.fused)


class _Attention(nn.Module):
    """As the weights of BERT and RoBERTa are named."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.self = SelfAttention(shape)
        self.output = _Output(shape.width, shape)

    def forward(self, states: Tensor, spans: Sequence[Span]) -> Tensor:
        return self.output(self.self(states, spans), states)  # type: ignore[no-any-return]


class _MPNetSelfAttention(SelfAttention):
    names = ("q", "k", "v")

    def __init__(self, shape: Shape):
        super().__init__(shape)
        self.o = Linear(shape.width, shape.width)


class _MPNetAttention(nn.Module):
    """As the weights of MPNet are named."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.attn = _MPNetSelfAttention(shape)
        self.LayerNorm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, states: Tensor, spans: Sequence[Span]) -> Tensor:
        attended = self.dropout(self.attn.o(self.attn(states, spans)))
        return self.LayerNorm(attended + states)  # type: ignore[no-any-return]


def _relative_buckets(length: int, device: torch.device) -> Tensor:
    """The bucket of each pair of positions, (length, length) int64 (Raffel et al. 2020, 2.1).

    One half of the buckets is for keys before the query and the other for those after it; of each
    the first half tells every distance apart, the second one ever larger ranges of them.
    """
    position = torch.arange(length, device=device)
    back = position[:, None] - position[None, :]
    half, exact = _BUCKETS // 2, _BUCKETS // 4
    distance = back.abs()
    farther = torch.log(distance.float() / exact) / math.log(_FARTHEST / exact) * (half - exact)
    bucket = torch.where(distance < exact, distance, (exact + farther.long()).clamp(max=half - 1))
    return bucket + (back < 0) * half
