from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from beam_pipeline.corpus import buckets, limits
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import expand_inputs, read_path
from beam_pipeline.records import EmonetError, Reason
from beam_pipeline.storage import storage_of
from beam_pipeline.storage.local import LocalStorage

if TYPE_CHECKING:
    from object_store import FakeNetwork

OPTIONS = ReadOptions("c")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.srt", "a.srt", "sub/c.vtt", "sub/.hidden.srt", ".git/d.srt", "odd[1].srt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"1\n00:00:01,0 --> 00:00:02,0\nHi.\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folders_patterns_and_files_expand_to_sorted_files_each_once(folder: Path) -> None:
    everything = ["in/a.srt", "in/b.srt", "in/odd[1].srt", "in/sub/c.vtt"]
    assert expand_inputs(["in"]) == everything
    assert expand_inputs(["in/**/*", "in/b.srt", "./in/", str(folder / "in/b.srt")]) == [
        str(folder / "in/b.srt"),
        *(path for path in everything if path != "in/b.srt"),
    ]
    assert expand_inputs(["in/*.srt"]) == everything[:3]
    assert expand_inputs(["in/odd[1].srt"]) == ["in/odd[1].srt"]


def test_a_file_keeps_its_show_from_within_its_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = {
        one.source.episodes for path in expand_inputs(["in"]) for one in read_path(path, OPTIONS)
    }
    monkeypatch.chdir(folder / "in")
    for inputs in (["."], ["../in"], ["**/*"]):
        inside = {
            one.source.episodes
            for path in expand_inputs(inputs)
            for one in read_path(path, OPTIONS)
        }
        assert inside == outside


@pytest.mark.parametrize("entry", ["absent.srt", "in/*.parquet", "empty"])
def test_an_input_without_files_is_named(folder: Path, entry: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(EmonetError) as error:
        expand_inputs(["in", entry])
    assert f"'{entry}'" in str(error.value)


def test_what_cannot_be_opened_is_refused(folder: Path) -> None:
    os.symlink("nowhere", folder / "in" / "broken.srt")
    os.mkfifo(folder / "in" / "pipe.srt")
    for path in ("in/absent.srt", "in", "in/broken.srt", "in/pipe.srt", "nul\0.srt"):
        (content,) = read_path(path, OPTIONS)
        assert [rejected.reason for rejected in content.rejected] == [Reason.UNREADABLE_FILE]
        assert (content.source.found, content.source.rejected) == (1, 1)


OBJECTS = (
    "a.srt",
    "b.vtt",
    ".hidden.srt",
    "shows/a.srt",
    "shows/odd[1].srt",
    "shows/odd1.srt",
    "shows/one/a.srt",
    "shows/one/b.SRT",
    "shows/one/two/.c/d.srt",
    "shows/one/two/e.srt",
    "shows/.git/d.srt",
    "shows2/a.srt",
    "sh*/a.srt",
)


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "shows", "shows/", "shows/a.srt", "shows/odd[1].srt", "sh*/a.srt", "shows/.git"),
        *("*", "*.srt", "**", "**/*.srt", "shows/*", "shows/**", "shows/**/*.srt", "shows/**/b.*"),
        *("*/a.srt", "shows/one/?.srt", "shows/[!o]*", "shows/o*/*.srt", "**/one/**/*.srt"),
        *("shows/.*", "**/.c/*", "shows/**/two", "shows*/**/a.srt", "absent", "shows/*/*.vtt"),
    ],
)
def test_objects_are_found_by_the_rules_that_hold_for_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.setattr(buckets, "storage_of", lambda root: LocalStorage(str(tmp_path)))
    for name in OBJECTS:
        LocalStorage(str(tmp_path)).write(name, b"")
    try:
        found = [
            os.path.relpath(path, tmp_path) for path in expand_inputs([f"{tmp_path}/{pattern}"])
        ]
    except EmonetError:
        found = []
    assert (
        sorted(path.removeprefix(f"{tmp_path}/") for path in buckets.find(f"gs://b/{pattern}"))
        == found
    )


@pytest.mark.faults
def test_files_of_a_bucket_are_found_and_read(gcs_bucket: str) -> None:
    cue = b"1\n00:00:01,0 --> 00:00:02,0\nHi.\n"
    store = storage_of(gcs_bucket)
    for name in ("shows/Ferry/1x02.srt", "shows/Ferry/1x01.srt", "shows//twice/1x01.srt", "x.srt"):
        store.write(name, cue)
    paths = expand_inputs([f"{gcs_bucket}/shows/**/*.srt", f"{gcs_bucket}/shows/Ferry/1x01.srt"])
    assert paths == [
        f"{gcs_bucket}/shows//twice/1x01.srt",
        f"{gcs_bucket}/shows/Ferry/1x01.srt",
        f"{gcs_bucket}/shows/Ferry/1x02.srt",
    ]
    (content,) = read_path(paths[1], OPTIONS)
    assert content.source.path == paths[1]
    assert content.source.episodes == (("Ferry/s01e01", 1),)
    with pytest.raises(EmonetError, match=f"'{gcs_bucket}/absent' matches no file"):
        expand_inputs([f"{gcs_bucket}/absent"])


@pytest.mark.faults
def test_objects_that_cannot_be_read_are_refused(
    gcs_bucket: str, network: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage_of(gcs_bucket).write("shows/a.srt", b"1\n00:00:01,0 --> 00:00:02,0\nHi.\n")
    for path in (f"{gcs_bucket}/absent.srt", f"{gcs_bucket}/shows", f"{gcs_bucket}-absent/a.srt"):
        (content,) = read_path(path, OPTIONS)
        (rejected,) = content.rejected
        assert (rejected.source, rejected.reason) == (path, Reason.UNREADABLE_FILE)
    network.fail(then=403)
    (content,) = read_path(f"{gcs_bucket}/shows/a.srt", OPTIONS)
    (rejected,) = content.rejected
    assert rejected.reason == Reason.UNREADABLE_FILE
    assert "permission was denied" in rejected.detail


@pytest.mark.faults
def test_an_object_that_is_too_large_is_not_fetched(
    gcs_bucket: str, network: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage_of(gcs_bucket).write("a.srt", b"0123456789")
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 9)
    network.fail()
    (content,) = read_path(f"{gcs_bucket}/a.srt", OPTIONS)
    assert [rejected.reason for rejected in content.rejected] == [Reason.FILE_TOO_LARGE]
    assert content.source.size == 10
    assert not [request for request, _ in network.seen if "/download/" in request]
