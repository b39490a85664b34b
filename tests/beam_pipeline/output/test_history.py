"""What nights leave to later ones: shards that split as they grow, and rows that are looked up."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_runs import (
    Night,
    begin,
    entries,
    memory_of,
    night,
    query,
    remembered,
    run_night,
)
from plain_commit import commit

from beam_pipeline.output.index import earlier_copies, earlier_episodes
from beam_pipeline.output.lookups import rows_with
from beam_pipeline.output.manifest import Manifest, Part, parts_of, sealed
from beam_pipeline.output.memories import read_memory
from beam_pipeline.output.run import Run, spread
from beam_pipeline.output.tables import shard_of, shards_grown, write_keyed
from beam_pipeline.output.verify import verify
from beam_pipeline.records import EmonetError
from beam_pipeline.storage import storage_of
from beam_pipeline.storage.local import LocalStorage

GIB = 1 << 30
SPEAKERS = [f"speaker {number}" for number in range(12)]


def of_shard(speakers: Iterable[str], shard: int, run: Run) -> list[str]:
    return [one for one in speakers if shard_of(one, run.memory_shards) == shard]


def run_spread(folder: Path, name: str, whole: Night, shards: int) -> tuple[Run, Manifest]:
    """A night whose inputs ask for so many shards of memory and of the index, or for more."""
    run = begin(folder, name)
    more = {field: max(shards, getattr(run, field)) for field in ("memory_shards", "index_shards")}
    run = dataclasses.replace(run, **more)
    return run, commit(run, entries(run, whole))


@settings(max_examples=30)
@given(
    nights=st.lists(
        st.tuples(st.sampled_from([1, 2, 4, 8]), st.sets(st.sampled_from(SPEAKERS), max_size=8)),
        min_size=1,
        max_size=5,
    )
)
def test_a_memory_that_splits_remembers_what_one_that_does_not_remembers(
    tmp_path_factory: pytest.TempPathFactory, nights: list[tuple[int, set[str]]]
) -> None:
    folder = tmp_path_factory.mktemp("out")
    newest: dict[str, bytes] = {}
    for number, (shards, speakers) in enumerate(nights):
        memory = memory_of(*sorted(speakers), seed=number)
        run, manifest = run_spread(folder, f"{number}", Night(memory=memory), shards)
        newest |= {speaker: embeddings.tobytes() for speaker, embeddings in memory}
        assert remembered(folder, manifest) == newest
        after = begin(folder, "later")
        assert after.memory_shards <= run.memory_shards
        found = {
            speaker: tail.embeddings.tobytes()
            for shard in range(after.memory_shards)
            for speaker, tail in read_memory(after, shard, of_shard(SPEAKERS, shard, after))
        }
        assert found == newest
    assert list(verify(str(folder))) == []


def test_an_index_that_splits_knows_all_episodes_and_views_show_each_row_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, shards in enumerate([1, 4, 4, 8]):
        numbers = range(3 * number + 1, 3 * number + 4)
        memory = memory_of("ann", f"guest {number}", seed=number)
        whole = dataclasses.replace(night(*numbers), memory=memory)
        _, manifest = run_spread(tmp_path, f"{number}", whole, shards)
    ids = [f"show/s01e{number:02d}" for number in range(1, 13)]
    run = begin(tmp_path, "later")
    assert run.index_shards == 8
    assert sorted(earlier_episodes(run, ids)) == ids
    assert len(earlier_copies(run, ["0" * 64])["0" * 64]) == 12
    for table, rows in (("episodes", 12), ("copies", 12), ("memory", 5)):
        sql = f"SELECT count(*), count(DISTINCT {table}) FROM {table}"
        assert query(tmp_path, sql, monkeypatch) == [(rows, rows)]
    (newest,) = query(
        tmp_path, "SELECT embeddings FROM memory WHERE speaker_id = 'ann'", monkeypatch
    )
    assert np.array(newest[0], np.float16).tobytes() == remembered(tmp_path, manifest)["ann"]
    assert list(verify(str(tmp_path))) == []


def test_a_night_of_before_tables_could_split_is_read(tmp_path: Path) -> None:
    _, manifest = run_spread(tmp_path, "1", night(1, 2), 8)
    for table in ("memory", "episodes", "copies"):
        for part in manifest[table]:
            for name in ("shards", "size", "footer_sha256"):
                del part[name]
    path = tmp_path / "_manifests" / "night=1.json"
    path.write_bytes(sealed(manifest))
    after = run_night(tmp_path, "2", night(3, speakers=("bo", "cleo")))
    assert set(remembered(tmp_path, after)) == {"ann", "bo", "cleo"}
    assert len(earlier_episodes(begin(tmp_path, "3"), ["show/s01e01", "show/s01e03"])) == 2
    assert list(verify(str(tmp_path))) == []


def test_tables_have_shards_by_what_they_hold_and_by_what_may_come(tmp_path: Path) -> None:
    run_night(tmp_path, "1", night(1))
    run = begin(tmp_path, "2")
    assert (run.shards, run.memory_shards, run.index_shards) == (1, 1, 1)
    large = spread(run, 3 * GIB)
    assert (large.shards, large.memory_shards, large.index_shards) == (24, 32, 1)
    held = dataclasses.replace(run.memory[0], size=5 * GIB)
    # a file that two shards name is one file
    assert shards_grown([held, dataclasses.replace(held, shard=1)], 0) == 64
    assert shards_grown([dataclasses.replace(held, shards=128)], 0) == 128


WIDE = pa.schema([("key", pa.string()), ("value", pa.binary())])


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Part, pa.Table]:
    """A file of some megabytes that is looked up in, and what is in it."""
    folder = tmp_path_factory.mktemp("large")
    random = np.random.default_rng(1)
    rows = pa.table(
        [[f"key {number:06}" for number in range(6000)], [random.bytes(300) for _ in range(6000)]],
        schema=WIDE,
    )
    return folder, write_keyed(begin(folder, "1"), "episodes", 0, rows), rows


@given(st.sets(st.integers(-5, 6005), min_size=1, max_size=20))
def test_a_look_up_finds_the_rows_of_its_keys(
    large: tuple[Path, Part, pa.Table], numbers: set[int]
) -> None:
    folder, part, rows = large
    keys = pa.array([f"key {number:06}" for number in numbers])
    found = rows_with(storage_of(str(folder)), part, keys)
    there = pa.array([one for one in sorted(numbers) if 0 <= one < 6000], pa.int64())
    assert found.equals(rows.take(there))


def test_a_look_up_reads_a_small_part_of_a_large_file(
    large: tuple[Path, Part, pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, part, _ = large
    read: list[int] = []
    real = LocalStorage.read_range

    def counted(storage: LocalStorage, *asked: Any) -> bytes:
        content = real(storage, *asked)
        read.append(len(content))
        return content

    monkeypatch.setattr(LocalStorage, "read_range", counted)
    assert rows_with(storage_of(str(folder)), part, pa.array(["key 001234"])).num_rows == 1
    assert 0 < sum(read) < part.size / 3


@given(st.data())
def test_a_look_up_in_a_file_with_a_flipped_bit_is_refused_or_right(
    large: tuple[Path, Part, pa.Table], data: st.DataObject
) -> None:
    folder, part, rows = large
    path = folder / part.path
    content = path.read_bytes()
    flipped = bytearray(content)
    near_the_end = st.integers(len(content) - 30_000, len(content) - 1)
    at = data.draw(near_the_end | st.integers(0, 2000) | st.integers(0, len(content) - 1))
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(flipped)
    try:
        found = rows_with(storage_of(str(folder)), part, pa.array(["key 000003", "key 005999"]))
    except EmonetError as error:
        told = str(error)
        found = None
    finally:
        path.write_bytes(content)
    if found is None:
        assert str(path) in told
        assert "restore it from a copy" in told
    else:
        assert found.equals(rows.take([3, 5999]))


def test_a_manifest_is_small_whatever_the_number_of_files(tmp_path: Path) -> None:
    wide = dataclasses.replace(begin(tmp_path, "1"), shards=16, memory_shards=128, index_shards=32)
    crowd = memory_of(*(f"speaker {number}" for number in range(1000)))
    whole = dataclasses.replace(night(*range(1, 90)), memory=crowd)
    commit(wide, entries(wide, whole))
    manifest = run_night(tmp_path, "2", night(90, speakers=("speaker 7", "new")))
    for name in "12":
        assert (tmp_path / "_manifests" / f"night={name}.json").stat().st_size < 64 * 1024
    assert manifest["memory"]["files"] > 100
    assert Path(manifest["memory"]["path"]).stem.endswith(manifest["memory"]["sha256"])
    parts = parts_of(storage_of(str(tmp_path)), manifest, "memory")
    assert len(parts) == manifest["memory"]["files"]
    assert len(remembered(tmp_path, manifest)) == 1001
    assert json.loads(json.dumps(manifest)) == manifest
    assert list(verify(str(tmp_path))) == []
