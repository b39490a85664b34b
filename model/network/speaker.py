"""A speaker's recent utterances, and the GRU that reads it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

_PAD_TO_MULTIPLE_OF = 8
"""Rows are padded to a multiple of this: float32 matrix kernels round otherwise for one to
three rows, and an utterance's bits must not depend on how many rows a call has."""


def speaker_windows(speakers: Sequence[str | None], n: int) -> np.ndarray:
    """The history of every utterance: the last `n` of its speaker strictly before it.

    Args:
      speakers: who spoke, in timeline order; None, the unknown speaker, has no history.
      n: how many utterances a history holds at most.

    Returns:
      (utterances, n) int64 indices of earlier utterances, oldest first and flush right; -1
      where the history is shorter.
    """
    windows = np.full((len(speakers), n), -1, dtype=np.int64)
    last: dict[str, deque[int]] = {}
    for index, speaker in enumerate(speakers):
        if speaker is None or n == 0:
            continue
        history = last.setdefault(speaker, deque(maxlen=n))
        if history:
            windows[index, n - len(history) :] = history
        history.append(index)
    return windows


def recalled_windows(
    speakers: Sequence[str | None],
    embeddings: np.ndarray,
    recalled: Mapping[str, np.ndarray],
    n: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The histories of one episode, with what its speakers said before it.

    Args:
      speakers: who spoke in the episode, in order.
      embeddings: of its utterances, (utterances, d) float16.
      recalled: of each speaker, (m, d) float16, oldest first.
      n: how many utterances a history holds at most.

    Returns:
      All embeddings, the recalled ones first, and (utterances, n) int64 windows over them.
    """
    before = [speaker for speaker, rows in recalled.items() for _ in rows]
    windows = speaker_windows([*before, *speakers], n)[len(before) :]
    return np.concatenate([*recalled.values(), embeddings]), windows


class SpeakerGRU(nn.Module):
    """A GRU (Cho et al. 2014) over histories of embeddings.

    Each embedding is projected once, however many histories it stands in.
    """

    def __init__(self, *, width: int, hidden: int):
        super().__init__()
        self.hidden_size = hidden
        self.input = nn.Linear(width, 3 * hidden)
        self.hidden = nn.Linear(hidden, 3 * hidden)

    def forward(self, embeddings: Tensor, windows: Tensor) -> Tensor:
        """The final state over each history.

        Args:
          embeddings: (utterances, d) float32.
          windows: (histories, n) int64 as `speaker_windows` gives them.

        Returns:
          (histories, h) float32; zeros for an empty history.
        """
        projected = self.input(embeddings)
        state = embeddings.new_zeros(len(windows), self.hidden_size)
        for column in windows.unbind(dim=1):
            present = (column >= 0).unsqueeze(1)
            state = torch.where(present, self._step(projected[column.clamp(min=0)], state), state)
        return state

    def _step(self, projected: Tensor, state: Tensor) -> Tensor:
        input_reset, input_update, input_new = projected.chunk(3, dim=1)
        reset, update, new = self.hidden(state).chunk(3, dim=1)
        reset = torch.sigmoid(input_reset + reset)
        update = torch.sigmoid(input_update + update)
        new = torch.tanh(input_new + reset * new)
        return (1 - update) * new + update * state


def pad_to_multiple(rows: Tensor, value: float = 0) -> Tensor:
    """Rows of `value` appended up to the next multiple of eight rows."""
    missing = -len(rows) % _PAD_TO_MULTIPLE_OF
    return torch.cat([rows, rows.new_full((missing, *rows.shape[1:]), value)])
