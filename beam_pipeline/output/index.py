"""The index of episodes: which night labels an episode, and which labels the bytes of a file.

A later night looks up the episodes and files that it meets itself, in the files of their shards.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from beam_pipeline.output.accounting import IndexEntry
from beam_pipeline.output.layers import LayeredShard, layers_of, write_layer
from beam_pipeline.output.lookups import rows_with
from beam_pipeline.output.manifest import Manifest, Part, parts_of
from beam_pipeline.output.past import copies_of_version_1
from beam_pipeline.output.tables import read_part, shard_of
from beam_pipeline.storage import Storage, storage_of

if TYPE_CHECKING:  # a run begins with a look at the index
    from beam_pipeline.output.run import Run

EPISODES = pa.schema(
    [
        pa.field("episode_id", pa.string(), nullable=False),
        pa.field("labelled_in", pa.string(), nullable=False),
        pa.field("utterances", pa.int64(), nullable=False),
        pa.field("content", pa.string(), nullable=False),
    ]
)
"""A row a labelled episode, sorted by id, with `content_digest`."""

COPIES = pa.schema(
    [
        pa.field("file_sha256", pa.string(), nullable=False),
        pa.field("content", pa.string(), nullable=False),
        pa.field("episode_id", pa.string(), nullable=False),
        pa.field("labelled_in", pa.string(), nullable=False),
    ]
)
"""A row a labelled episode and file that has it with this content, sorted by the file's sha256."""


@dataclasses.dataclass(frozen=True)
class Known:
    """What earlier nights have labelled of an id, or of a file: pairs of a night and a digest."""

    labelled: tuple[tuple[str, str], ...]


Copy = tuple[str, str, str]
"""The sha256 of a file, the digest of an episode's content in it, and the episode's id."""


def write_episodes(run: Run, shard: int, entries: Iterable[IndexEntry]) -> LayeredShard:
    """Writes the episodes of a shard that a run labelled."""
    rows = [_episode_row(run.night, one.episode_id, one.utterances, one.content) for one in entries]
    table = pa.Table.from_pylist(rows, EPISODES)
    return write_layer(run, "episodes", shard, table, run.index, _all_rows)


def write_copies(run: Run, shard: int, copies: Iterable[Copy]) -> LayeredShard:
    """Writes what files the labelled episodes of a run are in, of a shard by the file's sha256."""
    rows = [_copy_row(run.night, *one) for one in copies]
    table = pa.Table.from_pylist(rows, COPIES)
    return write_layer(run, "copies", shard, table, run.index, _all_rows)


def copies_of(entry: IndexEntry) -> Iterator[Copy]:
    """A row a file that has the episode."""
    for sha256 in entry.files:
        yield sha256, entry.content, entry.episode_id


def earlier_episodes(run: Run, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The night that labels each of these episodes before a run's, and the digest of its content.

    Raises:
      EmonetError: a file is missing or not the one that the manifest names.
    """
    rows = _looked_up(run, "episodes", ids)
    return {row["episode_id"]: (row["labelled_in"], row["content"]) for row in rows}


def earlier_copies(run: Run, sha256s: Iterable[str]) -> dict[str, dict[str, str]]:
    """For each of these files, the night before a run's that labels an episode of it, by content.

    Raises:
      EmonetError: a file is missing or not the one that the manifest names.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in _looked_up(run, "copies", sha256s):
        found[row["file_sha256"]][row["content"]] = row["labelled_in"]
    return dict(found)


def own_copies(storage: Storage, manifest: Manifest) -> Iterator[Copy]:
    """What a night itself labels, and the files that it is in.

    Raises:
      EmonetError: a file is missing or not the one that the manifest names.
    """
    if manifest["version"] == 1:
        for episode_id, sha256, digest in copies_of_version_1(manifest):
            yield sha256, digest, episode_id
    for row in _own_rows(storage, manifest, "copies"):
        yield row["file_sha256"], row["content"], row["episode_id"]


def own_episodes(storage: Storage, manifest: Manifest) -> Iterator[tuple[str, int, str]]:
    """The id of each episode that a night itself labels, its utterances and content.

    Raises:
      EmonetError: a file is missing or not the one that the manifest names.
    """
    if manifest["version"] == 1:
        for episode_id, (utterances, digest) in manifest["episodes"].items():
            yield episode_id, utterances, digest
    for row in _own_rows(storage, manifest, "episodes"):
        yield row["episode_id"], row["utterances"], row["content"]


def is_own(part: Part, manifest: Manifest) -> bool:
    """Whether a night wrote a file, and not one before it."""
    return f"/night={manifest['night']}/run={manifest['run']}/" in part.path


def index_of(run: Run, manifests: Iterable[Manifest]) -> tuple[Part, ...]:
    """Writes the index of the nights before a run, some of which have theirs in their manifests.

    Args:
      run: whose files they are.
      manifests: of these nights, first to last.
    """
    storage = storage_of(run.output)
    episodes: dict[str, dict[str, Any]] = {}
    copies: dict[tuple[str, str], dict[str, Any]] = {}
    for manifest in manifests:
        night = manifest["night"]
        for row in (_episode_row(night, *one) for one in own_episodes(storage, manifest)):
            episodes.setdefault(row["episode_id"], row)
        for row in (_copy_row(night, *one) for one in own_copies(storage, manifest)):
            copies.setdefault((row["file_sha256"], row["content"]), row)
    # under a name of its own, for the run writes files of the same shards
    before = dataclasses.replace(run, name=f"{run.name}-before", index=())
    return (
        *_written(before, "episodes", "episode_id", episodes.values(), EPISODES),
        *_written(before, "copies", "file_sha256", copies.values(), COPIES),
    )


def _written(
    run: Run, table: str, key: str, rows: Iterable[dict[str, Any]], schema: pa.Schema
) -> Iterator[Part]:
    by_shard: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_shard[shard_of(row[key], run.index_shards)].append(row)
    for shard, some in sorted(by_shard.items()):
        rows_of_shard = pa.Table.from_pylist(some, schema)
        yield from write_layer(run, table, shard, rows_of_shard, (), _all_rows).layers


def _own_rows(storage: Storage, manifest: Manifest, table: str) -> Iterator[dict[str, Any]]:
    for part in parts_of(storage, manifest, table):
        if is_own(part, manifest):
            rows = read_part(storage, part)
            # with them lie those of nights that they outgrew
            yield from rows.filter(pc.equal(rows["labelled_in"], manifest["night"])).to_pylist()


def _episode_row(night: str, episode_id: str, utterances: int, content: str) -> dict[str, Any]:
    values = (episode_id, night, utterances, content)
    return dict(zip(EPISODES.names, values, strict=True))


def _copy_row(night: str, sha256: str, content: str, episode_id: str) -> dict[str, Any]:
    return dict(zip(COPIES.names, (sha256, content, episode_id, night), strict=True))


def _all_rows(layers: Sequence[pa.Table]) -> pa.Table:
    rows = pa.concat_tables(layers)
    return rows.sort_by([(name, "ascending") for name in rows.column_names])


def _looked_up(run: Run, table: str, wanted: Iterable[str]) -> Iterator[dict[str, Any]]:
    by_shard: dict[int, list[str]] = defaultdict(list)
    for one in set(wanted):
        by_shard[shard_of(one, run.index_shards)].append(one)
    storage = storage_of(run.output)
    for shard, keys in sorted(by_shard.items()):
        for part in layers_of(run.index, table, shard, run.index_shards):
            yield from rows_with(storage, part, pa.array(keys, pa.string())).to_pylist()
