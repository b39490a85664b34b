"""What `ulimit -v` leaves a command, which libraries that do not get it tell in many ways.

A limit on addresses is none on memory: threads and libraries take room that they never fill.
"""

from __future__ import annotations

import resource
from typing import Final

from beam_pipeline.records import EmonetError

NEEDED_BYTES: Final = 6 * 2**30
"""Of a command that loads the model: on two cores `emonet label` takes 6.5 GiB, fills 1.2."""


def check_address_space() -> None:
    """Refuses to load the model into less than it takes.

    Raises:
      EmonetError: so it would be.
    """
    limit = _limit()
    if limit is not None and limit < NEEDED_BYTES:
        raise EmonetError(
            f"{_shown(limit)} of address space are too few (ulimit -v): give "
            f"{_shown(NEEDED_BYTES)} or more, or bound the memory in place of the addresses"
        )


def limit_hint() -> str:
    """What an error that is not ours may come from, as a part of its sentence; or nothing."""
    limit = _limit()
    if limit is None:
        return ""
    return f"; {_shown(limit)} of address space may be too few for it (ulimit -v), raise the limit"


def _limit() -> int | None:
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _shown(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
