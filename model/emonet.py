"""EmoNet: the dialogue so far and what this speaker said before decide together.

    c_t = context(x_1 .. x_t)                                  (d,)  fine-tuned encoder
    e_i = embed(x_i)                                           (d,)  frozen encoder
    k_t = GRU(e_j, the last N utterances j of s before t)      (h,)
    logits_t = W_o (c_t + W_p k_t) + b                         (classes,)

The classifier is linear, so the two addends are computed apart and added at the end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from model.dataset import Transcript
from model.encoder import Encoder, has_bfloat16, to_bfloat16
from model.errors import ModelError
from model.speaker import SpeakerGRU, fill_up, speaker_windows
from model.windows import (
    Batch,
    Window,
    fill_windows,
    head_slopes,
    pack,
    places_in_turns,
    split_windows,
    tag_turns,
    turn_causal_mask,
    turns_between,
)

TAGS = ("none", "local", "global")

_FILL = 16
"""Rows are filled up to a multiple of this many tokens: a vector of the processor."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a trained model is, next to its encoder and its weights.

    Attributes:
      labels: the classes.
      tag: how a turn names its speaker to the context: `none`, `local` or `global`.
      history: N, how many utterances of a speaker the GRU reads; 0 leaves the GRU out.
      hidden: h, the GRU's state.
      window_tokens: what the context encoder sees at most.
      window_turns: how many turns a token sees in each layer, its own included; None for all.
      turn_places: whether a turn's tokens stand where they would if it stood alone, and a head sees
        an earlier turn the less the farther it lies back (`head_slopes`); else where they stand in
        the window, as in the papers.
      turn_tokens: where a turn is cut off.
      trained_layers: how many upper layers of the context encoder are trained.
      languages: ISO 639-1 codes of those it was trained on.
    """

    labels: tuple[str, ...]
    tag: str = "global"
    history: int = 10
    hidden: int = 16
    window_tokens: int = 512
    window_turns: int | None = None
    turn_places: bool = False
    turn_tokens: int = 128
    trained_layers: int = 6
    languages: tuple[str, ...] = ("en",)

    def __post_init__(self) -> None:
        if self.tag not in TAGS:
            raise ModelError(f"tag is {self.tag!r}, not one of {', '.join(TAGS)}")
        if self.history < 0 or self.hidden < 1 or self.trained_layers < 0:
            raise ModelError("history and trained_layers want 0 or more, hidden 1 or more")
        if self.window_turns is not None and self.window_turns < 1:
            raise ModelError(f"window_turns is {self.window_turns}, not 1 or more")
        if not self.languages or not all(
            code.isalpha() and code.islower() for code in self.languages
        ):
            raise ModelError(f"languages are {self.languages}, not codes such as en")
        if not 8 <= self.turn_tokens <= self.window_tokens:
            raise ModelError(
                f"turn_tokens is {self.turn_tokens}, not within 8 and window_tokens "
                f"({self.window_tokens})"
            )


@dataclasses.dataclass(frozen=True)
class Encoding:
    """What the encoders say of one episode.

    Attributes:
      context_logits: W_o c_t + b, (utterances, classes) float32.
      embeddings: e_t, (utterances, d) float16.
    """

    context_logits: np.ndarray
    embeddings: np.ndarray


class EmoNet(nn.Module):
    """The model: two encoders, the speaker GRU and a linear classifier."""

    def __init__(self, *, settings: Settings, context: Encoder, embedder: Encoder):
        super().__init__()
        if settings.window_tokens > context.max_tokens:
            raise ModelError(
                f"window_tokens is {settings.window_tokens}, the encoder has "
                f"{context.max_tokens} positions"
            )
        if settings.trained_layers > len(context.layers):
            raise ModelError(
                f"trained_layers is {settings.trained_layers}, the encoder has "
                f"{len(context.layers)} layers"
            )
        self.settings = settings
        self.context = context
        self.embedder = embedder.requires_grad_(False)
        self.gru = SpeakerGRU(width=embedder.width, hidden=settings.hidden)
        self.project = nn.Linear(settings.hidden, context.width, bias=False)
        self.dropout = nn.Dropout(0.1)
        self.classify = nn.Linear(context.width, len(settings.labels))
        self.low_precision = False

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.classify.weight.device

    def trained(self) -> dict[str, nn.Parameter]:
        """The parameters that training changes, by name; sets `requires_grad` accordingly."""
        frozen = len(self.context.layers) - self.settings.trained_layers
        self.context.requires_grad_(False)
        for layer in self.context.layers[frozen:]:
            layer.requires_grad_(True)
        speaker = self.settings.history > 0
        self.gru.requires_grad_(speaker)
        self.project.requires_grad_(speaker)
        return {name: value for name, value in self.named_parameters() if value.requires_grad}

    def trained_context(self) -> dict[str, nn.Parameter]:
        """Those of `trained` that the speaker's past has no part in."""
        speaker = ("gru.", "project.")
        return {name: p for name, p in self.trained().items() if not name.startswith(speaker)}

    def for_inference(self, *, low_precision: bool | None = None) -> EmoNet:
        """Evaluation mode; bfloat16 where the processor has it unless told otherwise."""
        self.eval().requires_grad_(False)
        self.low_precision = has_bfloat16(self.device) if low_precision is None else low_precision
        if self.low_precision:
            to_bfloat16(self.context)
            to_bfloat16(self.embedder)
        return self

    def divide_logits(self, temperature: float) -> None:
        """Divides all logits, those of context and speaker alike: the classifier is linear."""
        with torch.no_grad():
            self.classify.weight.div_(temperature)
            self.classify.bias.div_(temperature)

    def shift_logits(self, offsets: np.ndarray) -> None:
        """Adds (classes,) float32 to the context's logits of every utterance."""
        with torch.no_grad():
            self.classify.bias.add_(torch.from_numpy(offsets).to(self.device))

    def scale_speaker(self, share: float) -> None:
        """Multiplies the speaker's part of all logits."""
        with torch.no_grad():
            self.project.weight.mul_(share)

    def encode(self, transcript: Transcript) -> Encoding:
        """Reads one episode. Its labels depend on nothing beside it, to the last bit."""
        return Encoding(self.context_logits(transcript), self.embed(transcript.texts))

    @torch.inference_mode()
    def context_logits(self, transcript: Transcript) -> np.ndarray:
        """W_o c_t + b of one episode, (utterances, classes) float32."""
        turns = self.context_turns(transcript)
        states = self._states(self.context, turns, self.windows(turns, transcript.dialogues))
        return self.classify(fill_up(states))[: len(turns)].cpu().numpy()  # type: ignore[no-any-return]

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """(texts, d) float16: mean token state of the frozen encoder, mean 0 and variance 1.

        An embedding depends on its text alone, to the last bit.
        """
        turns = self.embedder.tokenize(list(texts), self.settings.turn_tokens)
        windows = [Window(turn, turn, turn + 1) for turn in range(len(turns))]
        states = self._states(self.embedder, turns, windows)
        normed = functional.layer_norm(states, states.shape[1:])
        return normed.to(torch.float16).cpu().numpy()

    @torch.inference_mode()
    def speaker_logits(self, embeddings: np.ndarray, windows: np.ndarray) -> np.ndarray:
        """W_o W_p k_t of each history.

        Args:
          embeddings: (utterances, d) float16.
          windows: (histories, N) int64 as `speaker_windows` gives them.

        Returns:
          (histories, classes) float32; zeros for an empty history.
        """
        said = fill_up(torch.from_numpy(embeddings).to(self.device, torch.float32))
        asked = fill_up(torch.from_numpy(windows).to(self.device), -1)
        return (self.behaviour(said, asked) @ self.classify.weight.T)[: len(windows)].cpu().numpy()

    def behaviour(self, embeddings: Tensor, windows: Tensor) -> Tensor:
        """W_p k_t, (histories, d) float32, of `embeddings` (utterances, d) float32."""
        return self.project(self.gru(embeddings, windows))  # type: ignore[no-any-return]

    def context_turns(self, transcript: Transcript) -> list[list[int]]:
        """Token ids of each turn, tag included."""
        tagged = tag_turns(
            transcript.texts, transcript.names, transcript.dialogues, self.settings.tag
        )
        return self.context.tokenize(tagged, self.settings.turn_tokens)

    def windows(self, turns: Sequence[Sequence[int]], dialogues: Sequence[str]) -> list[Window]:
        """What the context encoder reads at once; turns that see themselves alone stand alone."""
        if self.settings.window_turns == 1:
            return [Window(turn, turn, turn + 1) for turn in range(len(turns))]
        return split_windows([len(turn) for turn in turns], dialogues, self.settings.window_tokens)

    def read(self, encoder: Encoder, batch: Batch, turns: int) -> Tensor:
        """Mean state of the tokens of each turn that the batch reads out.

        Returns:
          (turns, d) float32; zeros for turns that are not read out here.
        """
        readout, tokens = (
            torch.from_numpy(part).to(self.device) for part in (batch.readout, batch.tokens)
        )
        seen, places = turn_causal_mask(batch.turn_of, self.settings.window_turns), None
        mask = torch.from_numpy(seen).to(self.device)
        if self.settings.turn_places and batch.turn_of.max() > 0:  # else all is as it is alone
            back = torch.from_numpy(turns_between(batch.turn_of)).to(self.device)
            slopes = torch.from_numpy(head_slopes(encoder.heads)).to(self.device)
            mask = mask - slopes[:, None, None] * back
            places = torch.from_numpy(places_in_turns(batch.turn_of)).to(self.device)
        states = encoder(tokens, mask, places).flatten(0, 1)
        total = states.new_zeros(turns + 1, states.shape[1]).index_add(0, readout, states)
        count = torch.bincount(readout, minlength=turns + 1).clamp(min=1).unsqueeze(1)
        return (total / count)[:turns]  # type: ignore[no-any-return]

    def _states(
        self, encoder: Encoder, turns: Sequence[Sequence[int]], windows: Sequence[Window]
    ) -> Tensor:
        states = torch.zeros(len(turns), encoder.width, device=self.device)
        for rows in fill_windows(turns, windows, _FILL):
            states += self.read(encoder, pack(turns, rows, _FILL, encoder.pad_id), len(turns))
        return states


def histories(transcripts: Sequence[Transcript], n: int) -> np.ndarray:
    """`speaker_windows` over episodes in timeline order, their utterances counted through."""
    return speaker_windows([who for t in transcripts for who in t.speakers], n)
