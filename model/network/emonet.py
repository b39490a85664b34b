"""EmoNet: the dialogue so far and what this speaker said before decide together.

    c_t = context(x_1 .. x_t)                                  (d,)  fine-tuned encoder
    e_i = embed(x_i)                                           (d,)  frozen encoder
    u_t = embed(x_t), its upper layers fine-tuned              (d,)
    k_t = GRU(e_j, the last N utterances j of s before t)      (h,)
    logits_t = W_o (c_t + W_p k_t) + W_u u_t + b               (classes,)

The classifiers are linear, so the addends are computed apart, calibrated by numbers
(`settings.Calibration`), and added at the end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from model.dataset import Transcript
from model.encoders.references import EncoderReference
from model.errors import ModelError
from model.network.encoder import Encoder, fastest_device, load_encoder
from model.network.inference import ROWS, prepare
from model.network.packing import Batch, View, pack
from model.network.padding import batch_windows, collate
from model.network.precision import Classifier, Precision, no_autocast, precision_on
from model.network.settings import Calibration, Settings
from model.network.speaker import SpeakerGRU, pad_to_multiple, speaker_windows
from model.network.utterance import UtteranceClassifier
from model.network.windows import Window, head_slopes, split_windows, tag_turns

_PAD_TO_MULTIPLE_OF = 16
"""Windows are padded to a multiple of this many tokens on accelerators."""

READ_AT_ONCE = 1024
"""Utterances, at least, of the episodes that are best read at once: they fill some 17 buffers, and
one is not full."""


@dataclasses.dataclass(frozen=True)
class Encoding:
    """What the encoders give for one episode.

    Attributes:
      context_logits: calibrated, all but the speaker's part, W_o c_t + W_u u_t + b,
        (utterances, classes) float32.
      embeddings: e_t, (utterances, d) float16; zeros where no part of the model needs them.
    """

    context_logits: np.ndarray
    embeddings: np.ndarray


class EmoNet(nn.Module):
    """The model: two encoders, the utterance-only classifier, the speaker GRU, linear classifiers.

    The parameters that training changes require gradients from the start, and no others.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        context: Encoder,
        embedder: Encoder,
        calibration: Calibration | None = None,
    ):
        super().__init__()
        if settings.window_tokens > context.max_tokens:
            raise ModelError(
                f"window_tokens is {settings.window_tokens}, the encoder has "
                f"{context.max_tokens} positions"
            )
        for name in ("trained_layers", "utterance_encoder_layers"):
            if getattr(settings, name) > len(context.layers):
                raise ModelError(
                    f"{name} is {getattr(settings, name)}, the encoder has "
                    f"{len(context.layers)} layers"
                )
        self.settings = settings
        self.calibration = calibration or Calibration()
        self.context = context
        self.embedder = embedder
        self.gru = SpeakerGRU(width=embedder.width, hidden=settings.hidden)
        self.project = nn.Linear(settings.hidden, context.width, bias=False)
        self.dropout = nn.Dropout(0.1)
        self.classify = Classifier(context.width, len(settings.labels))
        self.utterance = UtteranceClassifier(
            embedder=embedder,
            layers=settings.utterance_encoder_layers,
            classes=len(settings.labels),
        )
        self.precision = Precision.FLOAT32
        self.requires_grad_(False)
        for parameter in self.trained().values():
            parameter.requires_grad_(True)

    @classmethod
    def over(
        cls,
        reference: EncoderReference,
        settings: Settings,
        calibration: Calibration | None = None,
    ) -> EmoNet:
        """A model over a published encoder, with a random classifier, on `fastest_device`.

        Raises:
          ModelError: see `load_encoder`; or the settings do not fit the encoder.
        """
        return cls(
            settings=settings,
            context=load_encoder(reference),
            embedder=load_encoder(reference, settings.embedder_layers),
            calibration=calibration,
        ).to(fastest_device())

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.classify.weight.device

    def trained(self) -> dict[str, nn.Parameter]:
        """The parameters that training changes, by name."""
        frozen = len(self.context.layers) - self.settings.trained_layers
        parts: list[nn.Module] = [*self.context.layers[frozen:], self.classify]
        if self.settings.utterance_encoder_layers:
            parts.append(self.utterance)
        if self.settings.history:
            parts += [self.gru, self.project]
        trained = {parameter for part in parts for parameter in part.parameters()}
        return {name: value for name, value in self.named_parameters() if value in trained}

    def trained_context(self) -> dict[str, nn.Parameter]:
        """Those of `trained` that make c_t and its logits."""
        others = ("gru.", "project.", "utterance.")
        return {name: p for name, p in self.trained().items() if not name.startswith(others)}

    def for_inference(self, *, precision: str | None = None) -> EmoNet:
        """Evaluation mode, in a precision as `precision_on` has it.

        Raises:
          ModelError: there is no such precision.
        """
        self.precision = precision_on(self.device, precision)
        self.eval().requires_grad_(False)
        self.context.for_inference(self.precision)
        self.embedder.for_inference(self.precision)
        prepare(self.utterance.layers, self.precision)
        return self

    def encode(self, transcript: Transcript) -> Encoding:
        """Reads one episode."""
        (encoding,) = self.encode_all([transcript])
        return encoding

    def encode_all(self, transcripts: Sequence[Transcript]) -> list[Encoding]:
        """Reads episodes at once. The labels of each depend on nothing else, to the last bit."""
        texts = [text for transcript in transcripts for text in transcript.texts]
        utterance, embeddings = self.read_utterances(texts)
        logits = self.calibration.context_logits(self._context_logits(transcripts), utterance)
        encodings, end = [], 0
        for transcript in transcripts:
            own = slice(end, end := end + len(transcript))
            encodings.append(Encoding(logits[own], embeddings[own]))
        return encodings

    @torch.inference_mode()
    def read_utterances(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The utterance-only classifier's raw logits, and embeddings, by one pass of the encoder.

        Both depend on the text alone, to the last bit.

        Returns:
          W_u u_t + b_u, (texts, classes) float32, zeros where the model has no such part; and
          embeddings as `embed` gives them, zeros where no part of the model needs them.
        """
        if not self.settings.utterance_encoder_layers:
            nothing = np.zeros((len(texts), len(self.settings.labels)), np.float32)
            if not self.settings.history:
                return nothing, np.zeros((len(texts), self.embedder.width), np.float16)
            return nothing, self.embed(texts)
        states = self._utterance_states(texts, self.utterance.layers)
        own, upper = states.tensor_split(2, dim=1)
        return self._scores(self.utterance.classify, upper), _normed(own)

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """(texts, d) float16: mean token state of the frozen encoder, mean 0 and variance 1.

        An embedding depends on its text alone, to the last bit.
        """
        return _normed(self._utterance_states(texts))

    @torch.inference_mode()
    def speaker_logits(self, embeddings: np.ndarray, windows: np.ndarray) -> np.ndarray:
        """W_o W_p k_t of each history, calibrated.

        Args:
          embeddings: (utterances, d) float16.
          windows: (histories, N) int64 as `speaker_windows` gives them.

        Returns:
          (histories, classes) float32; zeros for an empty history.
        """
        padded = pad_to_multiple(torch.from_numpy(embeddings).to(self.device, torch.float32))
        histories = pad_to_multiple(torch.from_numpy(windows).to(self.device), -1)
        with no_autocast(self.device):
            logits = (self.speaker_states(padded, histories) @ self.classify.weight.T)[
                : len(windows)
            ]
        return self.calibration.speaker_logits(logits.cpu().numpy())

    def speaker_states(self, embeddings: Tensor, windows: Tensor) -> Tensor:
        """W_p k_t, (histories, d) float32, of `embeddings` (utterances, d) float32."""
        return self.project(self.gru(embeddings, windows))  # type: ignore[no-any-return]

    def context_turns(self, transcript: Transcript) -> list[list[int]]:
        """Token ids of each turn, tag included."""
        tagged = tag_turns(
            transcript.texts, transcript.names, transcript.dialogues, self.settings.tag
        )
        return self.context.tokenize(tagged, self.settings.turn_tokens)

    def windows(self, turns: Sequence[Sequence[int]], dialogues: Sequence[str]) -> list[Window]:
        """What the context encoder reads at once; a turn each if turns see only themselves."""
        if self.settings.window_turns == 1:
            return [Window(turn, turn, turn + 1) for turn in range(len(turns))]
        return split_windows([len(turn) for turn in turns], dialogues, self.settings.window_tokens)

    def view(self, encoder: Encoder) -> View:
        """What a token sees of its window."""
        slopes = head_slopes(encoder.heads) if self.settings.per_turn_positions else None
        return View(self.settings.window_turns, slopes)

    def read(self, encoder: Encoder, batch: Batch, fork: nn.ModuleList | None = None) -> Tensor:
        """Mean state of the tokens of each part of a batch.

        Args:
          encoder: what reads it.
          batch: windows of turns.
          fork: see `Encoder`.

        Returns:
          (parts, d) float32, or (parts, 2 d) by a fork.
        """
        states = encoder(batch, fork)
        rows = torch.arange(len(states), device=states.device)
        return functional.embedding_bag(rows, states, batch.starts, mode="mean")

    @torch.inference_mode()
    def context_states(self, transcripts: Sequence[Transcript]) -> Tensor:
        """c_t of each turn, (utterances, d) float32."""
        turns: list[list[int]] = []
        windows: list[Window] = []
        for transcript in transcripts:
            own = self.context_turns(transcript)
            windows += [w.after(len(turns)) for w in self.windows(own, transcript.dialogues)]
            turns += own
        return self._states(self.context, turns, windows)

    @torch.inference_mode()
    def _context_logits(self, transcripts: Sequence[Transcript]) -> np.ndarray:
        return self._scores(self.classify, self.context_states(transcripts))

    def _scores(self, classify: nn.Linear, states: Tensor) -> np.ndarray:
        return classify(pad_to_multiple(states))[: len(states)].cpu().numpy()  # type: ignore[no-any-return]

    def _utterance_states(self, texts: Sequence[str], fork: nn.ModuleList | None = None) -> Tensor:
        turns = self.embedder.tokenize(list(texts), self.settings.turn_tokens)
        windows = [Window(turn, turn, turn + 1) for turn in range(len(turns))]
        return self._states(self.embedder, turns, windows, fork)

    def _states(
        self,
        encoder: Encoder,
        turns: Sequence[Sequence[int]],
        windows: Sequence[Window],
        fork: nn.ModuleList | None = None,
    ) -> Tensor:
        width = encoder.width * (2 if fork else 1)
        states = torch.zeros(len(turns), width, device=self.device)
        for batch in self._batches(encoder, turns, windows):
            states[batch.turns[batch.turns >= 0]] = self.read(encoder, batch, fork)[
                batch.turns >= 0
            ]
        return states

    def _batches(
        self, encoder: Encoder, turns: Sequence[Sequence[int]], windows: Sequence[Window]
    ) -> Iterator[Batch]:
        view = self.view(encoder)
        if self.device.type == "cpu":
            rows = max(ROWS, self.settings.window_tokens)
            yield from pack(turns, windows, rows, encoder.pad_id, view)
            return
        for group in batch_windows(turns, windows, _PAD_TO_MULTIPLE_OF):
            yield collate(turns, group, _PAD_TO_MULTIPLE_OF, encoder.pad_id, view, self.device)


def _normed(states: Tensor) -> np.ndarray:
    normed = functional.layer_norm(states, states.shape[1:])
    return normed.to(torch.float16).cpu().numpy()


def histories(transcripts: Sequence[Transcript], n: int) -> np.ndarray:
    """`speaker_windows` over episodes in timeline order, their utterances counted through."""
    return speaker_windows([who for t in transcripts for who in t.speakers], n)
