"""A first sign of life: what a command waits for before it has anything to show."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

_ERASED = "\r\x1b[K"


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """Shows a line on the terminal while something is loaded, and erases it; elsewhere nothing.

    It is there at once: no library is loaded for it.
    """
    if not sys.stderr.isatty():
        yield
        return
    print(f"{what} ...", end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print(_ERASED, end="", file=sys.stderr, flush=True)
