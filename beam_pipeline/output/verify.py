"""Whether what is written is what the manifests say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from beam_pipeline.output.delta import LOG, delta_log_is_current
from beam_pipeline.output.exactly_once import breaches
from beam_pipeline.output.files import read_reading
from beam_pipeline.output.manifest import (
    TABLES,
    Manifest,
    Part,
    manifest_path,
    manifest_paths,
    opened,
    parts_of,
)
from beam_pipeline.output.past import outdated_nights
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
    damaged = False
    for problem in _file_problems(storage, manifests):
        damaged = True
        yield problem
    if not manifests and whole:
        yield f"{storage.root}: no night is committed here"
    elif whole:
        if not damaged:
            yield from breaches(storage, manifests)
            if not delta_log_is_current(storage, manifests):
                yield f"{storage.root}/{LOG}: is not as it should be; the next commit mends it"
        yield from _chain_problems(manifests)
        if not views_are_current(storage):
            yield f"{storage.root}/views.sql: is not as it should be; the next commit mends it"


def _file_problems(storage: Storage, manifests: Mapping[str, Manifest]) -> Iterator[str]:
    """Each file once, though manifests share those of layers."""
    named: set[Part] = set()
    for night, manifest in manifests.items():
        for table in TABLES:
            try:
                parts = parts_of(storage, manifest, table)
                if table == "files":
                    read_reading(storage, manifest)
            except EmonetError as error:
                yield f"night {night}: {error}"
                continue
            for part in (one for one in parts if one not in named):
                named.add(part)
                yield from (f"night {night}: {one}" for one in _part_problems(storage, part))


def _part_problems(storage: Storage, part: Part) -> Iterator[str]:
    try:
        rows = read_part(storage, part).num_rows
    except EmonetError as error:
        yield str(error)
    else:
        if rows != part.rows:
            yield f"{storage.root}/{part.path}: {rows} rows, expected {part.rows}"


def _chain_problems(manifests: Mapping[str, Manifest]) -> Iterator[str]:
    for night, before in outdated_nights(manifests).items():
        yield (
            f"night {night}: stands on superseded nights, "
            + (f"{before} or one before it is another" if before else "no night is before it")
            + f" now; run night {before or night} again with --cascade"
        )
