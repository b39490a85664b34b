"""What a trained model is, next to its encoder and its weights."""

from __future__ import annotations

import dataclasses

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
