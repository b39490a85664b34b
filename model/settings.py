"""What a trained model is, next to its encoder and its weights, and how it is trained."""

from __future__ import annotations

import dataclasses

from model.dataset import SPEAKERS
from model.errors import ModelError

TAGS = ("none", "local", "global")


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
      utterance_layers: how many upper layers are trained that read an utterance alone; 0 leaves
        u_t out, as in the papers.
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
    utterance_layers: int = 0
    languages: tuple[str, ...] = ("en",)

    def __post_init__(self) -> None:
        if self.tag not in TAGS:
            raise ModelError(f"tag is {self.tag!r}, not one of {', '.join(TAGS)}")
        if min(self.history, self.trained_layers, self.utterance_layers) < 0 or self.hidden < 1:
            raise ModelError(
                "history, trained_layers and utterance_layers want 0 or more, hidden 1 or more"
            )
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
class TrainingSettings:
    """How a model is trained.

    Attributes:
      seed: of weights, batches and dropout.
      epochs: at most.
      patience: epochs without a better dev score after which it stops.
      batch_turns: utterances whose loss makes a step, about.
      encoder_rate: learning rate of the context encoder.
      head_rate: learning rate of everything else.
      warmup: share of the steps over which the rates rise.
      weight_decay: of AdamW.
      weight_exponent: class weights are inverse frequencies to this power.
      averaging: the weights that are scored and kept are a moving average over the steps, of
        which each step leaves this share; 0 keeps the last step's own.
      second_weight: of the second head's loss.
      taught: share of the loss that is the cross entropy to what contexts say of an utterance that
        they have not learned from, next to its gold label (distillation, Hinton et al. 2015).
      memory_epochs: of the second stage, which trains the speaker's part.
      speakers: how far a speaker is known, see `dataset.SPEAKERS`; all but `corpus` are controls.
    """

    seed: int = 0
    epochs: int = 5
    patience: int = 2
    batch_turns: int = 96
    encoder_rate: float = 1e-4
    head_rate: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 0.01
    weight_exponent: float = 0.5
    averaging: float = 0.99
    second_weight: float = 0.5
    taught: float = 0.0
    memory_epochs: int = 3
    speakers: str = "corpus"

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.patience < 1 or self.batch_turns < 1:
            raise ModelError("epochs, patience and batch_turns want 1 or more")
        if not 0 <= self.averaging < 1 or self.second_weight < 0:
            raise ModelError("averaging wants 0 or more and less than 1, second_weight 0 or more")
        if not 0 <= self.taught <= 1:
            raise ModelError(f"taught is {self.taught}, not within 0 and 1")
        if self.speakers not in SPEAKERS:
            raise ModelError(f"speakers is {self.speakers!r}, not one of {', '.join(SPEAKERS)}")
