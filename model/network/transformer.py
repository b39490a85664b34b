"""The transformer of the BERT, RoBERTa and MPNet families (Devlin et al. 2019; Song et al. 2020).

Submodules have the names that published weights have. `transformers` computes the same, and is
left out because importing its models takes longer than labelling a file.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.network.attention import attend

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


class _Linear(nn.Linear):
    def reset_parameters(self) -> None:
        """As `_Embedding`."""


class Transformer(nn.Module):
    """Token embeddings and the layers above them, with weights that are still to be loaded."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.embeddings = _Embeddings(shape)
        self.encoder = _Layers(shape)

    def fuse_attention(self) -> None:
        """Lets BERT and RoBERTa attend by torch's own kernel, whose bits depend on a row's length.

        MPNet's relative positions would need a gradient for the mask, which that kernel lacks.
        """
        if self.shape.family != "mpnet":
            for module in self.modules():
                if isinstance(module, _SelfAttention):
                    module.fused = True

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

    def forward(self, tokens: Tensor, position_ids: Tensor | None = None) -> Tensor:
        """(rows, length, d) float32 of tokens and their positions from 0, (rows, length) int64."""
        if position_ids is None:
            position_ids = torch.arange(tokens.shape[1], device=tokens.device)[None]
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

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """The next states, (rows, length, d), of states and the mask that scores are added to."""
        attended = self.attention(states, mask)
        inner = functional.gelu(self.intermediate.dense(attended))
        return self.output(inner, attended)  # type: ignore[no-any-return]


class _Dense(nn.Module):
    def __init__(self, width: int, to: int):
        super().__init__()
        self.dense = _Linear(width, to)


class _Output(_Dense):
    """A linear map with dropout, the residual, and the layer norm of both."""

    def __init__(self, width: int, shape: Shape):
        super().__init__(width, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, states: Tensor, residual: Tensor) -> Tensor:
        return self.LayerNorm(self.dropout(self.dense(states)) + residual)  # type: ignore[no-any-return]


class _SelfAttention(nn.Module):
    """Attention by the linear maps that `names` are the names of: query, key and value."""

    names = ("query", "key", "value")

    def __init__(self, shape: Shape):
        super().__init__()
        self.head_size = shape.width // shape.heads
        self.fused = False
        for name in self.names:
            self.add_module(name, _Linear(shape.width, shape.width))

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        heads = (*states.shape[:-1], -1, self.head_size)
        query, key, value = (
            self.get_submodule(name)(states).view(heads).transpose(1, 2) for name in self.names
        )
        scaling = self.head_size**-0.5
        if self.fused:
            attended = functional.scaled_dot_product_attention(
                query, key, value, attn_mask=mask, scale=scaling
            )
            return attended.transpose(1, 2).flatten(2)
        return attend(query, key, value, mask, scaling).flatten(2)


class _Attention(nn.Module):
    """As the weights of BERT and RoBERTa are named."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.self = _SelfAttention(shape)
        self.output = _Output(shape.width, shape)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        return self.output(self.self(states, mask), states)  # type: ignore[no-any-return]


class _MPNetSelfAttention(_SelfAttention):
    names = ("q", "k", "v")

    def __init__(self, shape: Shape):
        super().__init__(shape)
        self.o = _Linear(shape.width, shape.width)


class _MPNetAttention(nn.Module):
    """As the weights of MPNet are named."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.attn = _MPNetSelfAttention(shape)
        self.LayerNorm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        attended = self.dropout(self.attn.o(self.attn(states, mask)))
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
