"""CoMPM, the baseline: reads the whole dialogue so far again for every utterance.

    c_t = context(x_1 .. x_t)                                      (d,)  state of the first token
    k_i = memory(x_i)                                              (d,)  state of the first token
    kt_t = GRU(k_i, the utterances i of s before t in the dialogue)   (d,)
    logits_t = W_o (c_t + W_p kt_t) + b                            (classes,)

After Lee and Lee, "CoMPM: Context Modeling with Speaker's Pre-trained Memory Tracking for Emotion
Recognition in Conversation", NAACL 2022, figure 2, and its code, rungjoo/CoMPM on GitHub. What is
otherwise here is told where it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from model.dataset import Transcript
from model.errors import ModelError
from model.network.encoder import Encoder
from model.network.packing import Batch, View
from model.network.padding import batch_windows, collate
from model.network.precision import Classifier, precision_on
from model.network.windows import Window, tag_turns

_PAD_TO_MULTIPLE_OF = 16
"""Rows are padded to a multiple of this many tokens, as EmoNet's are."""

_WHOLE = 1_000_000
"""Tokens of a turn that is not cut off."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """A transcript as both encoders read it.

    Attributes:
      contexts: of each utterance, the token ids of its dialogue up to and with it.
      turns: of each utterance, its own token ids.
      spoken: in order, the utterances of each speaker who has two or more in a dialogue.
    """

    contexts: list[list[int]]
    turns: list[list[int]]
    spoken: list[list[int]]


class CoMPM(nn.Module):
    """The context model (CoM), the speaker's pre-trained memory (PM) and a linear classifier.

    The GRU is the published code's (`model.py`): two layers as wide as PM's encoder, dropout of
    0.3 between them, zeros without a history. W_p is the matrix of the paper's figure 2; the code
    has it for encoders of two kinds, with a bias (`CoMPM_diff/model.py`), and none for one.

    Args:
      labels: the classes.
      context: CoM's encoder.
      memory: PM's encoder, another copy.
      trained_layers: how many upper layers of both are trained; the published code trains all,
        word embeddings too.
    """

    def __init__(
        self, *, labels: Sequence[str], context: Encoder, memory: Encoder, trained_layers: int
    ):
        super().__init__()
        layers = min(len(context.layers), len(memory.layers))
        if not 0 <= trained_layers <= layers:
            raise ModelError(
                f"trained_layers is {trained_layers}, not within 0 and the encoders' {layers}"
            )
        self.labels = tuple(labels)
        self.context = context.requires_grad_(False)
        self.memory = memory.requires_grad_(False)
        for encoder in (context, memory):
            for layer in encoder.layers[len(encoder.layers) - trained_layers :]:
                layer.requires_grad_(True)
        self.gru = nn.GRU(memory.width, memory.width, num_layers=2, dropout=0.3)
        self.project = nn.Linear(memory.width, context.width, bias=False)
        self.classify = Classifier(context.width, len(labels))

    def for_inference(self, *, precision: str | None = None) -> CoMPM:
        """Evaluation mode, in a precision as `precision_on` has it.

        Raises:
          ModelError: there is no such precision.
        """
        chosen = precision_on(self.classify.weight.device, precision)
        self.eval().requires_grad_(False)
        self.context.for_inference(chosen)
        self.memory.for_inference(chosen)
        return self

    @torch.inference_mode()
    def logits(self, transcript: Transcript) -> np.ndarray:
        """(utterances, classes) float32, of each utterance by its dialogue so far."""
        return self(self.read(transcript)).cpu().numpy()  # type: ignore[no-any-return]

    def forward(self, reading: Reading) -> Tensor:
        """(utterances, classes) float32."""
        everything = range(len(reading.contexts))
        states = first_states(self.context, reading.contexts, everything)
        return self.classify(states + self.recall(reading, self.memorize(reading)))  # type: ignore[no-any-return]

    def read(self, transcript: Transcript) -> Reading:
        """Token ids as the published code has them (`make_batch_bert` in `utils.py`).

        The first special token stays and the last does not; what is too long loses its
        beginning. Each turn names its speaker by number: `<s2>` there, which is no token of its
        tokenizers and is read in pieces, `speaker 2:` here, as EmoNet's local tags. Utterances
        of unknown speakers have no tag and no memory.
        """
        tagged = tag_turns(transcript.texts, transcript.names, transcript.dialogues, "local")
        so_far: dict[str, list[int]] = {}
        contexts = []
        tokens = self.context.tokenize(tagged, _WHOLE)
        for dialogue, turn in zip(transcript.dialogues, tokens, strict=True):
            context = so_far.setdefault(dialogue, turn[:1])
            context += turn[1:-1]
            contexts.append(_latest(context, self.context.max_tokens))
        turns = self.memory.tokenize(list(transcript.texts), _WHOLE)
        return Reading(
            contexts=contexts,
            turns=[_latest(turn[:-1], self.memory.max_tokens) for turn in turns],
            spoken=_spoken(transcript),
        )

    def memorize(self, reading: Reading) -> Tensor:
        """k_i, (utterances, d) float32, of those in the history of a later one; else zeros.

        Each is encoded once; the published code encodes it again for every later utterance.
        """
        recalled_turns = [turn for turns in reading.spoken for turn in turns[:-1]]
        return first_states(self.memory, reading.turns, recalled_turns)

    def recall(self, reading: Reading, memories: Tensor) -> Tensor:
        """W_p kt_t, (utterances, d) float32, of `memories` as `memorize` gives them.

        A speaker's whole history in the dialogue is one run of the GRU, whose states on the way are
        those of the shorter histories.
        """
        recalled = memories.new_zeros(len(memories), self.gru.hidden_size)
        if reading.spoken:
            states, _ = self.gru(pad_sequence([memories[turns[:-1]] for turns in reading.spoken]))
            for number, turns in enumerate(reading.spoken):
                recalled[turns[1:]] = states[: len(turns) - 1, number]
        return self.project(recalled)  # type: ignore[no-any-return]


def first_states(encoder: Encoder, rows: Sequence[list[int]], chosen_rows: Sequence[int]) -> Tensor:
    """State of the first token, (rows, d) float32, of the rows in `chosen_rows`; else zeros."""
    states = torch.zeros(len(rows), encoder.width, device=encoder.device)
    for chosen, batch in row_batches(encoder, rows, chosen_rows):
        states[chosen] = read_first(encoder, batch)
    return states


def row_batches(
    encoder: Encoder, rows: Sequence[list[int]], chosen_rows: Sequence[int]
) -> Iterator[tuple[list[int], Batch]]:
    """The rows in `chosen_rows` with their numbers, in batches of one length as EmoNet's."""
    windows = [Window(row, row, row + 1) for row in chosen_rows]
    for batch in batch_windows(rows, windows, _PAD_TO_MULTIPLE_OF):
        yield (
            [window.start for window in batch],
            collate(rows, batch, _PAD_TO_MULTIPLE_OF, encoder.pad_id, View(), encoder.device),
        )


def read_first(encoder: Encoder, batch: Batch) -> Tensor:
    """State of each row's first token, (rows, d) float32; all tokens see one another."""
    firsts = batch.starts[torch.from_numpy(batch.turns >= 0)]
    return encoder(batch)[firsts]  # type: ignore[no-any-return]


def _latest(tokens: list[int], limit: int) -> list[int]:
    """The first token, and as many of the last as there is room for."""
    return [tokens[0], *tokens[max(1, len(tokens) + 1 - limit) :]]


def _spoken(transcript: Transcript) -> list[list[int]]:
    spoken: dict[tuple[str, str], list[int]] = {}
    who = zip(transcript.dialogues, transcript.speakers, strict=True)
    for turn, (dialogue, speaker) in enumerate(who):
        if speaker is not None:
            spoken.setdefault((dialogue, speaker), []).append(turn)
    return [turns for turns in spoken.values() if len(turns) > 1]
