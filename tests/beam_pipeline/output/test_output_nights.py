"""Nights after one another: memory in layers, superseded memory, verify, vacuum."""

from __future__ import annotations

import datetime
import itertools
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_runs import (
    WIDTH,
    Night,
    begin,
    entries,
    files_of,
    memory_of,
    night,
    query,
    remembered,
    run_night,
)
from plain_commit import commit

from beam_pipeline.output.delta import LOG
from beam_pipeline.output.manifest import Part, named_paths, parts_of, read_manifests
from beam_pipeline.output.past import outdated_nights
from beam_pipeline.output.vacuum import unnamed_runs, vacuum
from beam_pipeline.output.verify import verify
from beam_pipeline.output.views import views_are_current
from beam_pipeline.records import EmonetError
from beam_pipeline.storage import storage_of

WEEK = datetime.timedelta(days=7)
SPEAKERS = [f"speaker {number}" for number in range(12)]


def parts(folder: Path, manifest: Any, table: str) -> tuple[Part, ...]:
    return parts_of(storage_of(str(folder)), manifest, table)


@settings(max_examples=40)
@given(
    spoke=st.lists(
        st.lists(st.sampled_from(SPEAKERS), unique=True, max_size=8), min_size=1, max_size=7
    )
)
def test_layers_hold_the_newest_memory_of_everybody_and_stay_few(
    tmp_path_factory: pytest.TempPathFactory, spoke: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("out")
    newest: dict[str, bytes] = {}
    for number, speakers in enumerate(spoke):
        memory = memory_of(*speakers, seed=number)
        manifest = run_night(folder, f"{number}", Night(memory=memory))
        newest |= {speaker: embeddings.tobytes() for speaker, embeddings in memory}
        assert remembered(folder, manifest) == newest
        rows = [part.rows for part in parts(folder, manifest, "memory") if part.shard == 0]
        # an older layer has more rows than all that are newer together had when it was kept
        assert all(older > newer for newer, older in itertools.pairwise(rows))
    assert list(verify(str(folder))) == []


def test_a_night_writes_who_spoke_and_not_everybody_ever_heard(tmp_path: Path) -> None:
    crowd = memory_of(*(f"extra {number}" for number in range(800)))
    first = run_night(tmp_path, "1", Night(memory=crowd))
    second = run_night(tmp_path, "2", Night(memory=memory_of("ann", "bo", seed=2)))
    own = [
        part for part in parts(tmp_path, second, "memory") if f"run={second['run']}" in part.path
    ]
    assert sum(part.rows for part in own) == 2
    assert len(remembered(tmp_path, second)) == 802
    kept = set(parts(tmp_path, second, "memory")) - set(own)
    assert kept == set(parts(tmp_path, first, "memory"))


def test_the_memory_view_shows_the_newest_row_of_each_speaker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(tmp_path, "1", Night(memory=memory_of(*SPEAKERS)))
    for number in (2, 3):
        run_night(tmp_path, f"{number}", Night(memory=memory_of("speaker 1", "new", seed=number)))
    newest = np.frombuffer(
        remembered(tmp_path, read_manifests(str(tmp_path))["3"])["speaker 1"], np.float16
    )
    rows = query(tmp_path, "SELECT speaker_id, embeddings, night FROM memory", monkeypatch)
    found = {speaker: (embeddings, name) for speaker, embeddings, name in rows}
    assert len(rows) == len(found) == 13
    vectors, name = found["speaker 1"]
    assert name == "3"
    np.testing.assert_array_equal(np.array(vectors, np.float16), newest.reshape(-1, WIDTH))


def test_a_night_run_again_with_other_words_outdates_all_later_nights(tmp_path: Path) -> None:
    for name in "134":
        run_night(tmp_path, name, night(int(name)))
    assert outdated_nights(read_manifests(str(tmp_path))) == {}
    run_night(tmp_path, "1", night(7))
    assert outdated_nights(read_manifests(str(tmp_path))) == {"3": "1", "4": "3"}
    problems = list(verify(str(tmp_path)))
    assert [problem.split(";")[0] for problem in problems] == [
        "night 3: stands on superseded nights, 1 or one before it is another now",
        "night 4: stands on superseded nights, 3 or one before it is another now",
    ]
    run_night(tmp_path, "3", night(3))
    run_night(tmp_path, "4", night(4))
    assert list(verify(str(tmp_path))) == []


def test_a_night_run_again_with_the_same_outdates_nothing(tmp_path: Path) -> None:
    for name in "121":
        run_night(tmp_path, name, night(int(name)))
    assert outdated_nights(read_manifests(str(tmp_path))) == {}


def test_a_night_that_comes_late_outdates_the_next(tmp_path: Path) -> None:
    for name in "132":
        run_night(tmp_path, name, night(int(name)))
    assert outdated_nights(read_manifests(str(tmp_path))) == {"3": "2"}


def test_a_clock_set_back_and_another_time_zone_change_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(tmp_path / "here", "1", night(1))
    run_night(tmp_path / "here", "2", night(2))
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: 1.0)
    run_night(tmp_path / "there", "1", night(1))
    for path in files_of(tmp_path / "there"):
        os.utime(tmp_path / "there" / path, (0, 0))
    run_night(tmp_path / "there", "2", night(2))
    monkeypatch.undo()
    time.tzset()
    here, there = (read_manifests(str(tmp_path / name)) for name in ("here", "there"))
    for name in "12":
        for table in ("labels", "rejected", "memory"):
            assert [part.sha256 for part in parts(tmp_path / "here", here[name], table)] == [
                part.sha256 for part in parts(tmp_path / "there", there[name], table)
            ]


def flip(path: Path, at: float = 0.5) -> None:
    content = bytearray(path.read_bytes())
    content[int(at * (len(content) - 1))] ^= 16
    path.write_bytes(content)


@pytest.mark.parametrize("table", ["labels", "rejected", "memory"])
def test_verify_names_a_file_with_a_flipped_byte_and_one_that_is_gone(
    tmp_path: Path, table: str
) -> None:
    manifest = run_night(tmp_path, "1", night(*range(9)))
    run_night(tmp_path, "2", night(10))
    first, *_ = parts(tmp_path, manifest, table)
    flip(tmp_path / first.path)
    (problem,) = verify(str(tmp_path))
    assert problem.startswith(f"night 1: {tmp_path}/{first.path}: does not have the sha256")
    (tmp_path / first.path).unlink()
    (problem,) = verify(str(tmp_path))
    assert problem.startswith(f"night 1: {tmp_path}/{first.path}: cannot be read (No such file")


def test_verify_names_a_manifest_with_a_flipped_byte_and_still_checks_the_others(
    tmp_path: Path,
) -> None:
    run_night(tmp_path, "1", night(1))
    manifest = run_night(tmp_path, "2", night(2))
    damaged = tmp_path / "_manifests" / "night=1.json"
    gone = parts(tmp_path, manifest, "labels")[0]
    flip(damaged)
    (tmp_path / gone.path).unlink()
    first, second = verify(str(tmp_path))
    assert str(damaged) in first
    assert gone.path in second
    with pytest.raises(EmonetError, match=r"night=1\.json"):
        begin(tmp_path, "2")


def test_verify_finds_views_of_other_manifests(tmp_path: Path) -> None:
    run_night(tmp_path, "1", night(1))
    (tmp_path / "views.sql").write_text("-- by hand\n")
    (problem,) = verify(str(tmp_path))
    assert "views.sql" in problem
    run_night(tmp_path, "2", night(2))
    assert views_are_current(storage_of(str(tmp_path)))


def test_verify_of_a_folder_without_nights_says_so(tmp_path: Path) -> None:
    (problem,) = verify(str(tmp_path))
    assert "no night is committed" in problem


def later(days: int) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)


def test_vacuum_removes_what_no_manifest_names_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    superseded = run_night(tmp_path, "1", night(1, 2))
    run_night(tmp_path, "1", night(1, 3))
    run_night(tmp_path, "2", night(4))
    dead = begin(tmp_path, "2")
    entries(dead, night(5))
    (tmp_path / "notes.txt").write_text("mine")
    runs = {(run.night, run.run) for run in unnamed_runs(str(tmp_path))}
    assert runs == {("1", superseded["run"]), ("2", dead.name)}
    kept = set(named_paths(storage_of(str(tmp_path)), read_manifests(str(tmp_path)).values()))
    rows = query(tmp_path, "FROM labels ORDER BY ALL", monkeypatch)

    assert vacuum(str(tmp_path), WEEK, later(6)).files == ()
    removed = vacuum(str(tmp_path), WEEK, later(8))
    assert {(run.night, run.run) for run in removed.runs} == runs
    assert unnamed_runs(str(tmp_path)) == []
    derived = ("_", ".", "views", LOG)
    others = {path for path in files_of(tmp_path) if not path.startswith(derived)}
    assert others == kept | {"notes.txt"}
    assert not (tmp_path / "labels" / "night=1" / f"run={superseded['run']}").exists()
    assert query(tmp_path, "FROM labels ORDER BY ALL", monkeypatch) == rows
    assert list(verify(str(tmp_path))) == []


def test_a_reader_has_time_from_when_a_run_was_superseded_not_from_when_it_was_written(
    tmp_path: Path,
) -> None:
    run_night(tmp_path, "1", night(1))
    for path in files_of(tmp_path):
        os.utime(tmp_path / path, (0, 0))
    run_night(tmp_path, "1", night(2))
    assert vacuum(str(tmp_path), WEEK, later(6)).runs == ()
    assert len(vacuum(str(tmp_path), WEEK, later(8)).runs) == 1


def test_memory_of_a_superseded_run_stays_as_long_as_a_later_night_names_it(
    tmp_path: Path,
) -> None:
    run_night(tmp_path, "1", Night(memory=memory_of(*SPEAKERS)))
    run_night(tmp_path, "2", Night(memory=memory_of("new", seed=2)))
    run_night(tmp_path, "1", Night(memory=memory_of(*SPEAKERS, seed=9)))
    vacuum(str(tmp_path), WEEK, later(8))
    assert [p for p in verify(str(tmp_path)) if "superseded nights" not in p] == []


def test_a_run_whose_files_were_removed_before_it_commits_is_refused(tmp_path: Path) -> None:
    run = begin(tmp_path, "1")
    reported = entries(run, night(1))
    vacuum(str(tmp_path), WEEK, later(8))
    with pytest.raises(EmonetError, match="is gone before night 1 could name it"):
        commit(run, reported)
    assert read_manifests(str(tmp_path)) == {}
