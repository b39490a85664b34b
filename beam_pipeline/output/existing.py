"""Whether a folder or a bucket is an OUT at all: a misspelt one must not pass for an empty one."""

from __future__ import annotations

from beam_pipeline.output.manifest import MANIFESTS, TABLES
from beam_pipeline.records import EmonetError
from beam_pipeline.storage import storage_of
from beam_pipeline.storage.local import LOCK


def check_output(output: str) -> None:
    """Refuses what no run has written to, be it that it is not there.

    Raises:
      EmonetError: there is no manifest, no table, and no lock of a run that died before both.
    """
    storage = storage_of(output)
    places = (MANIFESTS, LOCK, *TABLES)
    if all(next(iter(storage.files(place)), None) is None for place in places):
        raise EmonetError(
            f"{output}: nothing of emonet is here; give the --output of `emonet label`"
        )
