"""Whether what is written is what the manifests say."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipeline.output.delta import LOG, delta_log_is_current
from beam_pipeline.output.exactly_once import ExactlyOnce, is_read_for_breaches
from beam_pipeline.output.manifest import (
    TABLES,
    Manifest,
    Part,
    check_sha256,
    manifest_path,
    manifest_paths,
    opened,
    parts_of,
)
from beam_pipeline.output.past import outdated_nights
from beam_pipeline.output.tables import check_rows
from beam_pipeline.output.views import views_are_current
from beam_pipeline.records import EmonetError
from beam_pipeline.storage import Storage, storage_of

_PIECE = 16 * 1024 * 1024
"""How many bytes of a file are in memory at once."""


def verify(output: str) -> Iterator[str]:
    """What is wrong with the manifests of OUT, with the files they name and with their chain.

    Yields:
      A sentence each that names the file or the night; nothing if all is well.
    """
    storage = storage_of(output)
    manifests: dict[str, Manifest] = {}
    whole = True
    for path in manifest_paths(storage):
        try:
            manifest = opened(storage.read(path), f"{storage.root}/{path}")
        except EmonetError as error:
            whole = False
            yield str(error)
        else:
            manifests[manifest["night"]] = manifest
            if path != manifest_path(manifest["night"]):
                yield f"{storage.root}/{path}: is the manifest of night {manifest['night']}"
    yield from _night_problems(storage, manifests, whole=whole)
    if not manifests and whole:
        yield f"{storage.root}: no night is committed here"
    elif whole:
        yield from _chain_problems(manifests)
        if not views_are_current(storage):
            yield f"{storage.root}/views.sql: is not as it should be; the next commit mends it"


def _night_problems(
    storage: Storage, manifests: Mapping[str, Manifest], *, whole: bool
) -> Iterator[str]:
    """What is wrong with files, each read once, and then with what nights hold, if none is."""
    breaches: list[str] = []
    held = ExactlyOnce()
    seen: set[str] = set()
    damaged = not whole
    for night, manifest in sorted(manifests.items()):
        try:
            breaches += held.breaches(storage, manifest)
            problems = [*_file_problems(storage, manifest, seen, but=is_read_for_breaches)]
        except EmonetError as error:
            problems = [str(error), *_file_problems(storage, manifest, seen)]
        damaged = damaged or bool(problems)
        yield from (f"night {night}: {one}" for one in dict.fromkeys(problems))
    if not damaged:
        yield from breaches
        if manifests and not delta_log_is_current(storage, manifests):
            yield f"{storage.root}/{LOG}: is not as it should be; the next commit mends it"


def _file_problems(
    storage: Storage,
    manifest: Manifest,
    seen: set[str],
    but: Callable[[Part, Manifest], bool] = lambda part, manifest: False,
) -> Iterator[str]:
    """Each file once, though manifests share those of layers."""
    for table in TABLES:
        try:
            for part in parts_of(storage, manifest, table):
                if part.path not in seen and not but(part, manifest):
                    yield from _part_problems(storage, part)
                seen.add(part.path)
        except EmonetError as error:
            yield str(error)


def _part_problems(storage: Storage, part: Part) -> Iterator[str]:
    """Holds a file against its sha256 and its rows, a piece at a time."""
    digest, at, last = hashlib.sha256(), 0, b""
    try:
        while piece := storage.read_range(part.path, at, at + _PIECE):
            digest.update(piece)
            at += len(piece)
            last = (last + piece)[-_PIECE:]
        check_sha256(storage, part.path, digest.hexdigest(), part.sha256)
        # the end is enough for its footer
        check_rows(storage, part, pq.read_metadata(pa.BufferReader(last)).num_rows)
    except EmonetError as error:
        yield str(error)


def _chain_problems(manifests: Mapping[str, Manifest]) -> Iterator[str]:
    for night, before in outdated_nights(manifests).items():
        yield (
            f"night {night}: stands on superseded nights, "
            + (f"{before} or one before it is another" if before else "no night is before it")
            + f" now; run night {before or night} again with --cascade"
        )
