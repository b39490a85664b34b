"""Nights of version 1, which have what they read and labelled in their manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_up_runs import begin, files_read, night, run_night

from beam_pipeline.output.index import earlier_copies, earlier_episodes, own_episodes
from beam_pipeline.output.manifest import (
    Manifest,
    manifest_path,
    named_paths,
    read_manifests,
    sealed,
)
from beam_pipeline.output.past import outdated_nights
from beam_pipeline.output.vacuum import unnamed_runs
from beam_pipeline.output.verify import verify
from beam_pipeline.storage import storage_of

ONLY_IN_2 = ("left", "files", "copies", "episodes_before")


def as_version_1(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest of a night as version 1 had it."""
    storage = storage_of(str(folder))
    inputs: list[Any] = [
        {**one, "episodes": list(map(list, one["episodes"]))}
        for one in files_read(folder, manifest)
    ]
    held = {one: [count, digest] for one, count, digest in own_episodes(storage, manifest)}
    kept = {name: value for name, value in manifest.items() if name not in ONLY_IN_2}
    old = {**kept, "version": 1, "inputs": inputs, "episodes": held}
    (folder / manifest_path(manifest["night"])).write_bytes(sealed(old))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Two nights of version 1."""
    manifests = [run_night(tmp_path, name, night(int(name))) for name in "12"]
    for manifest in manifests:
        as_version_1(tmp_path, manifest)
    return tmp_path


def test_nights_of_version_1_are_verified_and_listed(old: Path) -> None:
    assert list(verify(str(old))) == []
    named = set(named_paths(storage_of(str(old)), read_manifests(str(old)).values()))
    assert {path.partition("/")[0] for path in named} == {"labels", "rejected", "memory"}
    assert unnamed_runs(str(old))  # what was of version 2 here


def test_the_next_night_knows_their_episodes_and_files_and_leaves_them_to_the_one_after(
    old: Path,
) -> None:
    assert set(earlier_episodes(begin(old, "3"), ["show/s01e01", "show/s01e02", "no"])) == {
        "show/s01e01",
        "show/s01e02",
    }
    run_night(old, "3", night(3))
    run = begin(old, "4")
    assert {one: held[0] for one, held in earlier_episodes(run, ["show/s01e01"]).items()} == {
        "show/s01e01": "1"
    }
    assert set(earlier_copies(run, ["0" * 64])["0" * 64].values()) == {"1", "2", "3"}
    assert list(verify(str(old))) == []


def test_a_night_of_version_1_is_outdated_once_a_night_before_it_is_run_again(old: Path) -> None:
    assert outdated_nights(read_manifests(str(old))) == {}
    run_night(old, "1", night(1))
    assert outdated_nights(read_manifests(str(old))) == {"2": "1"}
