"""How long an engine or a store is waited for before a job is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from beam_pipeline.records import EmonetError

SECONDS = 5
"""How long one answer is waited for; at most five are waited for one after the other."""

Answer = TypeVar("Answer")


def within(where: str, call: Callable[[], Answer], answers: int = 1) -> Answer:
    """What a call gives, which has no limit of its own and is left behind if need be.

    Args:
      where: whom it asks.
      call: what asks.
      answers: for how many it waits, one after the other.

    Raises:
      EmonetError: it takes longer than `SECONDS` an answer.
    """
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except Exception as error:  # handed to whoever asks for the answer
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return answer.result(answers * SECONDS)
    except TimeoutError as error:
        raise EmonetError(f"{where}: no answer within {answers * SECONDS} s") from error
