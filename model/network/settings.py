"""What a trained model is, how it is trained, and how its logits are calibrated.

Law of this module: every setting stands here once, with its docstring and its one default, which is
the value that the shipped checkpoint was made with. Flags and their help, variants of the ablation
suite, settings files and a checkpoint's provenance are made from these fields.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from model.errors import ModelError

TAGS = ("none", "local", "global")

SPEAKERS = ("corpus", "episode", "dialogue", "shuffled")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a trained model is, next to its encoder and its weights."""

    labels: tuple[str, ...]
    """Classes."""

    tag: str = "none"
    """How a turn names its speaker to the context encoder: none, local or global."""

    history: int = 10
    """Utterances of a speaker's history that the GRU reads, N; 0 leaves the GRU out."""

    hidden: int = 16
    """Size of the GRU's state, h."""

    window_tokens: int = 512
    """Tokens that the context encoder sees at most."""

    window_turns: int | None = None
    """Turns that a token sees in each layer, its own included; all if not given."""

    per_turn_positions: bool = True
    """Whether position ids start anew with each turn and attention falls with the distance in turns
    (`head_slopes`); if not, they count through the window, as in the papers."""

    turn_tokens: int = 128
    """Tokens after which a turn is cut off."""

    trained_layers: int = 9
    """Upper layers of the context encoder that are trained."""

    embedding_layers: int = 2
    """Lower layers of the frozen encoder that embed an utterance for its speaker's history; 0 for
    all, as in the papers, which a model with an utterance-only classifier takes as well."""

    utterance_encoder_layers: int = 0
    """Upper layers of the utterance-only classifier; 0 leaves u_t out, as in the papers."""

    languages: tuple[str, ...] = ("en",)
    """ISO 639-1 codes of the languages of the training set."""

    @property
    def embedder_layers(self) -> int | None:
        """Layers of the encoder that embeds utterances; None for all."""
        return None if self.utterance_encoder_layers else self.embedding_layers or None

    def __post_init__(self) -> None:
        _check_choice("tag", self.tag, TAGS)
        for name in (
            "history",
            "trained_layers",
            "embedding_layers",
            "utterance_encoder_layers",
        ):
            if getattr(self, name) < 0:
                raise ModelError(f"{name} is {getattr(self, name)}, not 0 or more")
        if self.hidden < 1:
            raise ModelError(f"hidden is {self.hidden}, not 1 or more")
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
    """How a model is trained; see `model.training.recipe` for the steps that are named here."""

    seed: int = 0
    """Seed of weights, batches and dropout; the folds have seeds of their own, 0 to K - 1."""

    epochs: int = 2
    """Epochs of a context at most."""

    patience: int = 2
    """Epochs without a better dev score after which training stops."""

    batch_turns: int = 64
    """Utterances of a batch, at least; a batch holds whole windows."""

    encoder_lr: float = 1.5e-4
    """Peak learning rate of the context encoder."""

    head_lr: float = 1e-3
    """Peak learning rate of all other parameters."""

    warmup: float = 0.1
    """Share of the steps over which learning rates rise; then they fall linearly to zero."""

    weight_decay: float = 0.01
    """Weight decay of AdamW."""

    weight_exponent: float = 0.5
    """Exponent of the inverse class frequencies that weigh the loss; 0 weighs all classes alike."""

    ema_decay: float = 0.99
    """Decay of the moving average of weights, which is what is scored and kept; 0 keeps the last
    step's weights."""

    auxiliary_weight: float = 0.5
    """Weight of the auxiliary head's loss."""

    oof_folds: int = 4
    """Folds of cross-fitting, whose out-of-fold logits teach the context and train the later steps;
    0 for none."""

    distillation_weight: float = 0.5
    """Weight of the cross entropy to the teacher's probabilities; that to gold labels has the rest.
    Without teacher logits or out-of-fold logits there is no teacher, and gold labels have all."""

    utterance_weight: float = 0.3
    """Mixing weight of the utterance-only classifier; the context has the rest."""

    fit_class_bias: bool = True
    """Whether a class bias is fitted, which takes out-of-fold logits."""

    speaker_epochs: int = 3
    """Epochs of the speaker stage."""

    fit_speaker_weight: bool = True
    """Whether the mixing weight of the speaker's logits is fitted on dev; if not, it is 1, as in
    the papers."""

    speakers: str = "corpus"
    """How far the speaker stage knows a speaker: over the whole corpus; within an episode or a
    dialogue; or shuffled, as somebody drawn at random. All but corpus are controls."""

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.patience < 1 or self.batch_turns < 1:
            raise ModelError("epochs, patience and batch_turns must be 1 or more")
        if self.speaker_epochs < 0 or self.auxiliary_weight < 0:
            raise ModelError("speaker_epochs and auxiliary_weight must be 0 or more")
        if not 0 <= self.ema_decay < 1:
            raise ModelError(f"ema_decay is {self.ema_decay}, not 0 or more and less than 1")
        for name in ("distillation_weight", "utterance_weight"):
            if not 0 <= getattr(self, name) <= 1:
                raise ModelError(f"{name} is {getattr(self, name)}, not within 0 and 1")
        if self.oof_folds < 0 or self.oof_folds == 1:
            raise ModelError(f"oof_folds is {self.oof_folds}, not 0 or at least 2")
        _check_choice("speakers", self.speakers, SPEAKERS)


@dataclasses.dataclass(frozen=True)
class Calibration:
    """The numbers that turn the raw logits of a model's parts into its logits.

        logits = (context_weight * (context + speaker_weight * speaker)
                  + utterance_weight * utterance + class_bias) / temperature

    The parts are W_o c_t + b, W_o W_p k_t and W_u u_t + b_u. The defaults leave their sum as it is.
    """

    context_weight: float = 1.0
    """Mixing weight of the context and, with it, of the speaker."""

    utterance_weight: float = 1.0
    """Mixing weight of the utterance-only classifier."""

    speaker_weight: float = 1.0
    """Mixing weight of the speaker within the context."""

    class_bias: tuple[float, ...] = ()
    """Added to the logits of each class, in nats; nothing is added if empty."""

    temperature: float = 1.0
    """Divisor of all logits (Guo et al. 2017)."""

    def context_logits(self, context: np.ndarray, utterance: np.ndarray) -> np.ndarray:
        """Both parts calibrated and added up.

        Args:
          context: (utterances, classes) float32.
          utterance: (utterances, classes) float32.

        Returns:
          (utterances, classes) float32.
        """
        logits = self.context_weight * context + self.utterance_weight * utterance
        if self.class_bias:
            logits = logits + np.array(self.class_bias, np.float32)
        return np.asarray(logits / self.temperature)

    def speaker_logits(self, speaker: np.ndarray) -> np.ndarray:
        """What the speaker adds to them: (histories, classes) float32, as `speaker` is."""
        return np.asarray(self.context_weight * self.speaker_weight / self.temperature * speaker)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ModelError(f"{name} is {value!r}, not one of {', '.join(choices)}")
