"""Whether what is written is what the manifests say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from beam_pipeline.output.exactly_once import breaches
from beam_pipeline.output.manifest import (
    TABLES,
    Manifest,
    Part,
    manifest_path,
    manifest_paths,
    opened,
    outdated_nights,
    parts_of,
)
from beam_pipeline.output.tables import read_part
from beam_pipeline.output.views import views_are_current
from beam_pipeline.records import EmonetError
from beam_pipeline.storage import Storage, storage_of


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
    yield from _file_problems(storage, manifests)
    if not manifests and whole:
        yield f"{storage.root}: no night is committed here"
    elif whole:
        yield from breaches(manifests)
        yield from _chain_problems(manifests)
        if not views_are_current(output):
            yield f"{storage.root}/views.sql: is not of these manifests; the next commit mends it"


def _file_problems(storage: Storage, manifests: Mapping[str, Manifest]) -> Iterator[str]:
    """Each file once, though manifests share files of memory."""
    named: dict[Part, str] = {}
    for night, manifest in manifests.items():
        for table in TABLES:
            for part in parts_of(manifest, table):
                named.setdefault(part, night)
    for part, night in named.items():
        try:
            rows = read_part(storage, part).num_rows
        except EmonetError as error:
            yield f"night {night}: {error}"
            continue
        if rows != part.rows:
            yield f"night {night}: {storage.root}/{part.path}: {rows} rows, expected {part.rows}"


def _chain_problems(manifests: Mapping[str, Manifest]) -> Iterator[str]:
    for night, before in outdated_nights(manifests).items():
        yield (
            f"night {night}: stands on superseded nights, "
            + (f"{before} or one before it is another" if before else "no night is before it")
            + f" now; run night {before or night} again with --cascade"
        )
