"""Standard streams that never end a command: what it has done stands, printed or not."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final, TextIO, cast

UNPRINTED: Final = 74
"""The exit status of a command that did all it was to do, and could not print what it says of it:
EX_IOERR of sysexits.h."""


class Guarded:
    """A stream that keeps its first failure, and then takes what is written for nothing.

    Attributes:
      failure: why it could not be written, None if all was.
    """

    def __init__(self, stream: TextIO):
        self._stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Writes; a character that the stream's encoding has not becomes an escape."""
        try:
            self._keep_failure(self._stream.write, text)
        except UnicodeEncodeError:
            encoding = self._stream.encoding
            written = text.encode(encoding, "backslashreplace").decode(encoding)
            self._keep_failure(self._stream.write, written)
        return len(text)

    def flush(self) -> None:
        """Flushes."""
        self._keep_failure(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def problem(self) -> str | None:
        """What a person is told; nothing of a pipe whose reader has read what it wanted."""
        self.flush()
        if self.failure is None or isinstance(self.failure, BrokenPipeError):
            return None
        return f"what it prints could not be written ({self.failure.strerror})"

    def _keep_failure(self, call: Callable[..., object], *arguments: str) -> None:
        if self.failure:
            return
        try:
            call(*arguments)
        except OSError as error:
            self.failure = error
            # else Python would fail over what is left in the buffer, when it ends
            with contextlib.suppress(OSError), open(os.devnull, "wb") as nothing:
                os.dup2(nothing.fileno(), self._stream.fileno())


@contextlib.contextmanager
def guarded_streams() -> Iterator[Guarded]:
    """Guards standard output, which it gives, and standard error, until the block ends."""
    streams = sys.stdout, sys.stderr
    # a stream that is closed from the start is None
    output, errors = (Guarded(stream or open(os.devnull, "w")) for stream in streams)  # noqa: SIM115
    sys.stdout, sys.stderr = cast(TextIO, output), cast(TextIO, errors)
    try:
        yield output
    finally:
        output.flush()
        errors.flush()
        sys.stdout, sys.stderr = streams
