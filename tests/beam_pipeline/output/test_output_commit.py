from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_runs import (
    BAD,
    Night,
    begin,
    entries,
    files_of,
    files_read,
    labelled,
    night,
    query,
    refusal,
    run_night,
    source_of,
    written_parts,
)
from plain_commit import Reported, Requested, accounted, commit

from beam_pipeline.output.accounting import Fault, LabelCount
from beam_pipeline.output.commit import Entry, SpeakerCount
from beam_pipeline.output.commit import commit as commit_entries
from beam_pipeline.output.layers import LayeredShard
from beam_pipeline.output.manifest import Part, read_manifests
from beam_pipeline.output.memories import read_memory
from beam_pipeline.records import EmonetError, Reason, Rejected, SourceFile

Damage = Callable[[list[Reported]], list[Reported]]


def without(kind: type, at: int = 0) -> Damage:
    def damage(reported: list[Reported]) -> list[Reported]:
        lost = [entry for entry in reported if isinstance(entry, kind)][at]
        return [entry for entry in reported if entry is not lost]

    return damage


def doubled(kind: type, at: int = 0) -> Damage:
    def damage(reported: list[Reported]) -> list[Reported]:
        return [*reported, [entry for entry in reported if isinstance(entry, kind)][at]]

    return damage


def without_table(table: str) -> Damage:
    def damage(reported: list[Reported]) -> list[Reported]:
        return [e for e in reported if not (isinstance(e, Part) and e.table == table)]

    return damage


def with_fault(reported: list[Reported]) -> list[Reported]:
    return [*reported, Fault("show/s01e02", "ann: 0 recalls, expected 1")]


def test_each_file_that_an_archive_names_is_to_be_read_once(tmp_path: Path) -> None:
    members = (BAD.path,)
    packed = SourceFile("made/up.zip", "2" * 64, 1, "zip", "", 0, 0, 0, 0, (), (), members)
    run = begin(tmp_path, "1")
    reported: list[Reported] = [
        one for one in entries(run, night(1, 2)) if not isinstance(one, Requested)
    ]
    reported += [Requested(("made/up.srt", packed.path)), packed]
    with pytest.raises(EmonetError, match=r"made/bad.srt: read 0 times, expected 1"):
        commit(run, without(SourceFile, 1)(reported))
    manifest = commit(run, reported)
    (archive,) = [one for one in files_read(tmp_path, manifest) if one["source"] == packed.path]
    assert archive["members"] == [str(Path(BAD.path))]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without(LabelCount), "show/s01e01: 3 utterances read, 0 labelled or rejected"),
        (doubled(LabelCount), "show/s01e01: 3 utterances read, 6 labelled or rejected"),
        (without_table("labels"), "6 utterances labelled, 0 written"),
        (without(LayeredShard), "2 speakers to remember, 0 written"),
        (without(SpeakerCount), "0 speakers to remember, 2 written"),
        (without(SourceFile, 1), "made/bad.srt: read 0 times, expected 1"),
        (doubled(SourceFile, 1), "made/bad.srt: read 2 times, expected 1"),
        (without(Requested), "made/bad.srt: read 1 times, expected 0"),
        (without(Rejected), "made/bad.srt: 1 refusals counted, 0 came"),
        (with_fault, "show/s01e02: ann: 0 recalls, expected 1"),
    ],
)
def test_what_is_lost_or_doubled_is_refused_by_episode_and_count(
    tmp_path: Path, damage: Damage, message: str
) -> None:
    before = run_night(tmp_path, "1", night(9))
    run = begin(tmp_path, "1")
    with pytest.raises(EmonetError) as refused:
        commit(run, damage(entries(run, night(1, 2))))
    assert message in str(refused.value)
    assert "night 1 is not committed" in str(refused.value)
    assert read_manifests(str(tmp_path)) == {"1": before}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("rejected", "1 refusals, 0 written"),
        ("files", "2 files read, 0 written"),
        ("episodes", "2 episodes labelled, 0 written"),
        ("copies", "2 files of labelled episodes, 0 written"),
    ],
)
def test_a_table_of_which_a_file_is_lost_is_refused(
    tmp_path: Path, table: str, message: str
) -> None:
    run = begin(tmp_path, "1")
    heard = accounted(run, entries(run, night(1, 2)))
    kept = [one for one in heard if table not in {part.table for part in parts_in(one)}]
    assert len(kept) < len(heard)
    with pytest.raises(EmonetError, match=f"the run: {message}"):
        commit_entries(run, kept)
    assert read_manifests(str(tmp_path)) == {}


def parts_in(entry: Entry) -> tuple[Part, ...]:
    return (entry,) if isinstance(entry, Part) else getattr(entry, "layers", ())


def test_one_episode_lost_and_another_doubled_are_both_found(tmp_path: Path) -> None:
    run = begin(tmp_path, "1")
    reported = doubled(LabelCount, 1)(without(LabelCount, 0)(entries(run, night(1, 2, 3))))
    with pytest.raises(EmonetError) as refused:
        commit(run, reported)
    for message in (
        "2 episodes or files (2 faults)",
        "show/s01e01: 3 utterances read, 0",
        "show/s01e03: 3 utterances read, 6",
    ):
        assert message in str(refused.value)


def test_many_faults_are_counted_and_five_of_them_named(tmp_path: Path) -> None:
    faults = [Fault(f"show/s01e{number:02d}", "lost") for number in range(11, -1, -1)]
    with pytest.raises(EmonetError, match=r"12 episodes or files .*s01e04: lost; and 7 more"):
        commit(begin(tmp_path, "1"), faults)


def test_an_episode_that_two_files_claim_counts_as_labelled_once_and_rejected_once(
    tmp_path: Path,
) -> None:
    episode = labelled(1)
    sources = (source_of([episode], "made/a.srt"), source_of([episode], "made/b.srt"))
    twin = dataclasses.replace(
        refusal("made/b.srt", "show/s01e01"), reason=Reason.DUPLICATE_EPISODE, items=3
    )
    whole = Night(episodes=(episode,), sources=sources, rejected=(twin,))
    assert run_night(tmp_path, "1", whole)["counts"]["rejected"] == {"duplicate_episode": 3}
    run = begin(tmp_path, "2")
    with pytest.raises(EmonetError, match="show/s01e01: 6 utterances read, 3 labelled or rejected"):
        commit(run, entries(run, dataclasses.replace(whole, rejected=())))


def test_of_two_runs_of_one_night_the_slower_one_is_refused(tmp_path: Path) -> None:
    slow, fast = begin(tmp_path, "1"), begin(tmp_path, "1")
    committed = commit(fast, entries(fast, night(1)))
    written = files_of(tmp_path)
    late = entries(slow, night(1))
    with pytest.raises(
        EmonetError, match=f"night 1 was committed by another run while run {slow.name}"
    ):
        commit(slow, late)
    assert read_manifests(str(tmp_path)) == {"1": committed}
    assert written.items() <= files_of(tmp_path).items()


def test_a_run_whose_past_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    run_night(tmp_path, "1", night(1))
    run = begin(tmp_path, "2")
    reported = entries(run, night(2))
    run_night(tmp_path, "1", night(3))
    with pytest.raises(EmonetError, match=r"before night 2 changed .* the latest is night 1 now"):
        commit(run, reported)
    assert list(read_manifests(str(tmp_path))) == ["1"]


def test_an_engine_that_repeats_the_commit_finds_it_done(tmp_path: Path) -> None:
    run = begin(tmp_path, "1")
    reported = entries(run, night(1))
    assert commit(run, reported) == commit(run, reported)


def test_of_runs_that_commit_at_the_same_moment_one_alone_wins(tmp_path: Path) -> None:
    runs = [begin(tmp_path, "1") for _ in range(8)]
    reported = [entries(run, night(1)) for run in runs]
    outcomes: list[Any] = []

    def attempt(at: int) -> None:
        try:
            outcomes.append(commit(runs[at], reported[at])["run"])
        except EmonetError:
            outcomes.append(None)

    threads = [threading.Thread(target=attempt, args=(at,)) for at in range(len(runs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [name for name in outcomes if name]
    assert len(outcomes) == 8
    assert read_manifests(str(tmp_path))["1"]["run"] == winner


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("committed")
    run_night(folder, "1", night(1, 2))
    return folder


@settings(max_examples=300)
@given(st.data())
def test_a_manifest_with_a_flipped_bit_is_refused(committed: Path, data: st.DataObject) -> None:
    path = committed / "_manifests" / "night=1.json"
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    flipped = bytearray(content)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(flipped)
    try:
        with pytest.raises(EmonetError, match=r"night=1\.json.*restore it"):
            read_manifests(str(committed))
    finally:
        path.write_bytes(content)


@given(st.data())
def test_a_manifest_that_ends_early_is_refused(committed: Path, data: st.DataObject) -> None:
    path = committed / "_manifests" / "night=1.json"
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content.rstrip()) - 1))])
    try:
        with pytest.raises(EmonetError, match=r"night=1\.json.*restore it"):
            read_manifests(str(committed))
    finally:
        path.write_bytes(content)


@given(st.data())
def test_a_memory_with_a_flipped_bit_is_refused(committed: Path, data: st.DataObject) -> None:
    run = begin(committed, "2")
    (part,) = run.memory
    path = committed / part.path
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(flipped)
    try:
        with pytest.raises(EmonetError, match=r"sha256.*restore it"):
            next(read_memory(run, part.shard, ["ann", "bo"]))
    finally:
        path.write_bytes(content)


def test_a_memory_that_is_gone_is_refused(tmp_path: Path) -> None:
    run_night(tmp_path, "1", night(1))
    run = begin(tmp_path, "2")
    (part,) = run.memory
    (tmp_path / part.path).unlink()
    with pytest.raises(EmonetError, match=r"memory/night=1/run=.*No such file"):
        next(read_memory(run, part.shard, ["ann", "bo"]))


class Disc:
    """A disc that fails from its nth step on: opening, writing half, syncing, renaming."""

    def __init__(self, fails_at: int, error: int, monkeypatch: pytest.MonkeyPatch):
        self.steps, self.fails_at, self.error = 0, fails_at, error
        real_open, real_sync, real_replace = Path.open, os.fsync, os.replace

        def opened(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
            self.step()
            file = real_open(path, mode, *rest, **more)
            if mode != "wb":
                return file
            real_write = file.write
            wrapped = _Written(file)

            def write(content: bytes) -> int:
                try:
                    self.step()
                except OSError:
                    real_write(content[: len(content) // 2])
                    raise
                return real_write(content)

            monkeypatch.setattr(wrapped, "write", write, raising=False)
            return wrapped

        def synced(number: int) -> None:
            self.step()
            real_sync(number)

        def replaced(source: Any, target: Any) -> None:
            self.step()
            real_replace(source, target)

        monkeypatch.setattr(Path, "open", opened)
        monkeypatch.setattr(os, "fsync", synced)
        monkeypatch.setattr(os, "replace", replaced)

    def step(self) -> None:
        self.steps += 1
        if self.steps >= self.fails_at:
            raise OSError(self.error, os.strerror(self.error))


class _Written:
    def __init__(self, file: Any):
        self.file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> _Written:
        return self

    def __exit__(self, *_: Any) -> None:
        self.file.close()


def steps_of_a_run(folder: Path, fails_at: int, error: int = errno.EIO) -> tuple[int, str]:
    """Runs night 2; how many steps of the disc it took and its error, if it failed."""
    with pytest.MonkeyPatch.context() as patch:
        disc = Disc(fails_at, error, patch)
        try:
            run_night(folder, "2", night(2, 3, speakers=("ann",)))
        except EmonetError as failed:
            return disc.steps, str(failed)
        return disc.steps, ""


def nights_found_whole(folder: Path) -> Iterator[str]:
    """The committed nights; everything that their manifests name is there as they say."""
    for name, manifest in read_manifests(str(folder)).items():
        yield name
        for part in written_parts(folder, manifest):
            content = (folder / part.path).read_bytes()
            assert hashlib.sha256(content).hexdigest() == part.sha256


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_full_or_broken_disc_leaves_every_manifest_whole_at_whatever_step_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    run_night(tmp_path / "enough", "1", night(1))
    all_steps, _ = steps_of_a_run(tmp_path / "enough", fails_at=10**9)
    assert all_steps > 20
    nights_after = []
    for fails_at in range(1, all_steps + 1):
        folder = tmp_path / str(fails_at)
        before = run_night(folder, "1", night(1))
        _, message = steps_of_a_run(folder, fails_at, error)
        nights_after.append(list(nights_found_whole(folder)))
        if "2" not in nights_after[-1]:
            assert os.strerror(error) in message
            assert str(folder) in message
        assert read_manifests(str(folder))["1"] == before
        assert not [path for path in files_of(folder) if Path(path).name.startswith(".writing")]
        count = query(folder, "SELECT count(*) FROM labels", monkeypatch)
        assert count in ([(3,)], [(9,)])
        # with room again it goes through, whatever was left behind
        run_night(folder, "2", night(2, 3))
        assert query(folder, "SELECT count(*) FROM labels", monkeypatch) == [(9,)]
    # the manifest is renamed once; from then on the night is there
    assert nights_after == sorted(nights_after)
    assert nights_after[0] == ["1"]


def test_a_manifest_is_plain_json_with_a_seal(committed: Path) -> None:
    content = json.loads((committed / "_manifests" / "night=1.json").read_bytes())
    seal = content.pop("sha256")
    plain = json.dumps(content, sort_keys=True).encode()
    assert hashlib.sha256(plain).hexdigest() == seal
