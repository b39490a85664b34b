"""What readers see beside a writer, after one that was killed, and where a manifest is damaged."""

from __future__ import annotations

import dataclasses
import datetime
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from made_up_runs import ANYTHING, begin, entries, files_of, night, run_night
from plain_commit import commit

from beam_pipeline.output.index import earlier_episodes
from beam_pipeline.output.manifest import MANIFESTS, read_manifests, sealed
from beam_pipeline.output.vacuum import temporary_files, unnamed_runs, vacuum
from beam_pipeline.output.verify import verify
from beam_pipeline.records import EmonetError
from beam_pipeline.storage import TEMPORARY, storage_of

DAY = datetime.timedelta(days=1)


def tomorrow() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + 2 * DAY


@pytest.mark.parametrize("share", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("name", [f"{TEMPORARY}1234abcd", f"{TEMPORARY}1234abcd-night=2.json"])
def test_what_a_killed_writer_left_of_a_manifest_is_read_by_nobody_and_removed_by_vacuum(
    tmp_path: Path, share: float, name: str
) -> None:
    first = run_night(tmp_path, "1", night(1))
    dead = sealed({**first, "night": "2", "run": "dead"})
    left = tmp_path / MANIFESTS / name
    left.write_bytes(dead[: int(share * len(dead))])

    assert read_manifests(str(tmp_path)) == {"1": first}
    assert list(verify(str(tmp_path))) == []
    assert unnamed_runs(str(tmp_path)) == []
    assert begin(tmp_path, "2").memory_night == "1"
    # it may be that of a run at work
    assert vacuum(str(tmp_path), DAY, datetime.datetime.now(datetime.UTC)).files == ()
    assert left.exists()
    (removed,) = vacuum(str(tmp_path), DAY, tomorrow()).temporaries
    assert removed.path == f"{MANIFESTS}/{name}"
    assert not left.exists()


def test_a_half_written_table_is_no_file_of_a_run(tmp_path: Path) -> None:
    run_night(tmp_path, "1", night(1))
    folder = tmp_path / "labels" / "night=2" / "run=dead"
    folder.mkdir(parents=True)
    (folder / f"{TEMPORARY}1234abcd").write_bytes(b"PAR1")
    assert unnamed_runs(str(tmp_path)) == []
    assert [file.size for file in temporary_files(str(tmp_path))] == [4]
    vacuum(str(tmp_path), DAY, tomorrow())
    assert not folder.parent.exists()


def test_what_is_being_written_fits_no_pattern_of_a_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []
    real = Path.open

    def opened(path: Path, mode: str = "r", *rest: Any) -> Any:
        if mode == "wb":
            seen.append(path)
        return real(path, mode, *rest)

    monkeypatch.setattr(Path, "open", opened)
    run_night(tmp_path, "1", night(1))
    assert len(seen) > 4
    # hidden for a shell and for engines that read Parquet, and without an extension for a glob
    assert {path.name[0] for path in seen} == {"."}
    assert {path.suffix for path in seen} == {""}


WRITER = """
import sys
from made_up_runs import night, run_night
for number in range(12):
    print(run_night(sys.argv[1], "2", night(2, number % 5 + 3))["run"])
"""


def test_many_readers_beside_a_writer_see_the_old_night_or_the_new_one(tmp_path: Path) -> None:
    out = str(tmp_path)
    before = [run_night(out, name, night(int(name)))["run"] for name in "12"]
    seen: set[str] = set()
    problems: set[str] = set()
    readers: list[Callable[[], object]] = [
        lambda: seen.update(one["run"] for one in read_manifests(out).values()),
        lambda: problems.update(one for one in verify(out) if "next commit mends" not in one),
        lambda: unnamed_runs(out),
        lambda: vacuum(out, DAY, datetime.datetime.now(datetime.UTC)),
        lambda: earlier_episodes(begin(tmp_path, "3"), ["show/s01e01"]),
        lambda: list(storage_of(out).files("")),
    ]
    tests = Path(__file__).parents[2]
    paths = os.pathsep.join([str(tests / "support"), str(tests.parent)])
    environment = {**os.environ, "PYTHONPATH": paths}
    # a process of its own, which no reader's lock of the interpreter holds back
    with (
        subprocess.Popen(
            [sys.executable, "-c", WRITER, out], stdout=subprocess.PIPE, text=True, env=environment
        ) as writer,
        ThreadPoolExecutor(len(readers)) as pool,
    ):

        def read(reader: Callable[[], object]) -> None:
            while writer.poll() is None:
                reader()

        for future in [pool.submit(read, reader) for reader in readers]:
            future.result()
        assert writer.stdout is not None
        committed = writer.stdout.read().split()
    assert writer.returncode == 0
    assert len(committed) == 12
    assert problems == set()
    assert seen <= {*before, *committed}
    assert list(verify(out)) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"night": "2"}'])
def test_a_damaged_manifest_stops_its_night_unless_that_is_to_be_replaced(
    tmp_path: Path, content: bytes
) -> None:
    out = str(tmp_path)
    first = run_night(tmp_path, "1", night(1))
    superseded = run_night(tmp_path, "2", night(2))
    path = tmp_path / MANIFESTS / "night=2.json"
    path.write_bytes(content)
    with pytest.raises(EmonetError, match=r"night=2\.json: .*run its night again with --replace"):
        begin(tmp_path, "2", acceptance=dataclasses.replace(ANYTHING, replace=False))

    again = run_night(tmp_path, "2", night(2))
    assert (again["supersedes"], again["memory_from"]["night"]) == (None, "1")
    assert read_manifests(out) == {"1": first, "2": again}
    assert list(verify(out)) == []
    assert {run.run for run in unnamed_runs(out)} == {superseded["run"]}


def test_a_damaged_manifest_of_another_night_is_an_error_by_name(tmp_path: Path) -> None:
    for name in "123":
        run_night(tmp_path, name, night(int(name)))
    before = files_of(tmp_path)
    path = tmp_path / MANIFESTS / "night=1.json"
    whole = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(EmonetError, match=r"night=1\.json: damaged; restore it"):
        begin(tmp_path, "2")
    path.write_bytes(whole)
    assert files_of(tmp_path) == before


def test_of_two_runs_that_replace_a_damaged_manifest_the_slower_one_is_refused(
    tmp_path: Path,
) -> None:
    run_night(tmp_path, "1", night(1))
    (tmp_path / MANIFESTS / "night=1.json").write_bytes(b"")
    slow, fast = begin(tmp_path, "1"), begin(tmp_path, "1")
    committed = commit(fast, entries(fast, night(2)))
    with pytest.raises(EmonetError, match="night 1 was committed by another run"):
        commit(slow, entries(slow, night(1)))
    assert read_manifests(str(tmp_path)) == {"1": committed}
