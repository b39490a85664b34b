from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_files import SRT
from made_up_runs import episodes_labelled, files_read

from beam_pipeline.corpus.folders import escaped, original
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import expand_inputs, read_path
from beam_pipeline.output.manifest import read_manifests
from beam_pipeline.records import Reason
from emonet.__main__ import main
from model.checkpoint import Checkpoint

OPTIONS = ReadOptions("c")
ROOT = Path(__file__).parents[3]


@given(
    st.one_of(
        st.binary(),
        st.lists(st.sampled_from([b"\\", b"x", b"5", b"c", b"e9", b"\xe9"])).map(b"".join),
    )
)
def test_any_name_is_written_as_unicode_and_known_again(name: bytes) -> None:
    path = os.fsdecode(name)
    escaped(path).encode()
    assert os.fsencode(original(escaped(path))) == name


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\\")))
def test_a_name_in_unicode_stays_as_it_is(name: str) -> None:
    assert escaped(name) == original(name) == name


def folder_of(path: Path, *names: str | bytes) -> Path:
    """A folder with a subtitle file of each name."""
    for name in names:
        file = os.path.join(os.fsencode(path), os.fsencode(name))
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "wb") as opened:
            opened.write(SRT + os.fsencode(name).replace(b"\n", b""))
    return path


def found_in(folder: Path, *patterns: str) -> list[str]:
    paths = expand_inputs([f"{folder}/{pattern}" for pattern in patterns or ("",)])
    return [path.removeprefix(f"{folder}/") for path in paths]


def refusals(paths: list[str]) -> dict[str, tuple[Reason, str]]:
    contents = [content for path in paths for content in read_path(path, OPTIONS)]
    assert all(content.source.found == 1 for content in contents if content.rejected)
    return {one.source: (one.reason, one.detail) for c in contents for one in c.rejected}


def test_names_that_are_no_utf_8_are_found_read_and_told_apart(tmp_path: Path) -> None:
    names = (b"caf\xe9/1.srt", rb"caf\xe9/1.srt", "café/1.srt".encode())
    folder = folder_of(tmp_path, *names)
    escapes = [r"caf\x5cxe9/1.srt", r"caf\xe9/1.srt", "café/1.srt"]
    assert found_in(folder) == found_in(folder, "*/1.srt") == escapes
    assert found_in(folder, escaped(os.fsdecode(b"caf\xe9"))) == escapes[1:2]
    shows = []
    for path in expand_inputs([str(folder)]):
        (content,) = read_path(path, OPTIONS)
        assert content.source.path == path
        shows += [episode.show for episode in content.episodes]
    assert shows == [r"caf\x5cxe9", r"caf\xe9", "café"]


def test_links_to_folders_are_followed_and_cycles_do_no_harm(tmp_path: Path) -> None:
    corpus = folder_of(tmp_path / "corpus", "b/1.srt", "b/c/2.srt")
    folder_of(tmp_path / "elsewhere", "3.srt")
    os.symlink("../elsewhere", corpus / "a")
    os.symlink("../../elsewhere", corpus / "b" / "again")
    os.symlink("..", corpus / "b" / "c" / "up")
    os.symlink(corpus, corpus / "self")
    os.symlink("b/c", corpus / "0")
    everything = ["a/3.srt", "b/1.srt", "b/c/2.srt"]
    assert found_in(corpus) == found_in(corpus, "**/*.srt") == everything
    assert found_in(corpus, "*/*.srt") == ["0/2.srt", "a/3.srt", "b/1.srt"]
    assert found_in(tmp_path, "corpus/a") == ["corpus/a/3.srt"]


@pytest.mark.parametrize("pattern", ["", "**/*.srt", "*/*"])
def test_links_that_lead_nowhere_are_refused_by_name(tmp_path: Path, pattern: str) -> None:
    folder_of(tmp_path, "a/1.srt")
    os.symlink("absent", tmp_path / "gone")
    os.symlink("round", tmp_path / "round")
    os.symlink("1.srt/2", tmp_path / "a" / "through a file.srt")
    found = found_in(tmp_path, pattern)
    everything = ["a/1.srt", "a/through a file.srt", "gone", "round"]
    assert found == (everything if pattern != "**/*.srt" else everything[:2])
    reasons = refusals([f"{tmp_path}/{path}" for path in found])
    assert reasons == {
        f"{tmp_path}/{path}": (Reason.UNREADABLE_FILE, detail)
        for path, detail in (
            ("a/through a file.srt", "Not a directory"),
            ("gone", "No such file or directory"),
            ("round", "Too many levels of symbolic links"),
        )
        if path in found
    }


def deep_folder(parent: Path) -> str:
    """A folder whose path is too long for any user to open, and how far it can be opened."""
    here = os.open(parent, os.O_RDONLY)
    path = str(parent)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=here)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
        path += "/" + "d" * 250
        if len(path) > os.pathconf(parent, "PC_PATH_MAX"):
            break
    os.close(here)
    return path


@pytest.mark.parametrize("pattern", ["", "**/*.srt"])
def test_a_folder_that_no_call_can_open_is_refused_by_its_path(
    tmp_path: Path, pattern: str
) -> None:
    folder_of(tmp_path / "in", "a.srt")
    deep = deep_folder(tmp_path / "in")
    paths = expand_inputs([f"{tmp_path}/in/{pattern}"])
    assert paths == [f"{tmp_path}/in/a.srt", deep]
    assert refusals(paths) == {deep: (Reason.UNREADABLE_FILE, "File name too long")}


AS_NOBODY = """
import json, os, sys
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import expand_inputs, read_path
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
rejected = [
    (one.source, one.reason, one.detail, content.source.found, content.source.rejected)
    for path in expand_inputs(sys.argv[1:])
    for content in read_path(path, ReadOptions("c"))
    for one in content.rejected
]
print(json.dumps(rejected))
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can read, which those of pytest are not."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def seen_by_nobody(*inputs: str) -> Any:
    """What a user without rights is refused: permissions do not hold root up."""
    ran = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, *inputs],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    ("pattern", "refused"),
    [
        ("", ["a/private", "private"]),
        ("**/*.srt", ["a/private", "private"]),
        ("*/private/*.srt", ["a/private", "private"]),
        ("*/*.srt", ["private"]),
        ("a/private/*.srt", ["a/private"]),
        ("a/private/2.srt", ["a/private"]),
        ("a/private", ["a/private"]),
    ],
)
def test_a_folder_without_permission_is_refused_and_counted(
    open_folder: Path, pattern: str, refused: list[str]
) -> None:
    folder_of(open_folder, "a/1.srt", "a/private/2.srt", "a/private/sub/3.srt", "private/4.srt")
    closed = [open_folder / "a" / "private", open_folder / "private"]
    for folder in closed:
        folder.chmod(0)
    seen = seen_by_nobody(f"{open_folder}/{pattern}")
    for folder in closed:
        folder.chmod(0o700)
    detail = "the folder cannot be read; let it be read, or leave it out"
    assert seen == [[f"{open_folder}/{path}", "unreadable_file", detail, 1, 1] for path in refused]


def test_what_a_folder_lists_and_does_not_open_is_refused_one_by_one(open_folder: Path) -> None:
    folder_of(open_folder, "a/1.srt", "a/sub/2.srt", "b/sub/3.srt")
    (open_folder / "a").chmod(0o744)
    everything, fitting = (
        seen_by_nobody(f"{open_folder}/{pattern}") for pattern in ("", "*/sub/*.srt")
    )
    assert [one[0] for one in everything] == [f"{open_folder}/a/1.srt", f"{open_folder}/a/sub"]
    assert {one[2] for one in everything} == {"Permission denied"}
    assert [one[0] for one in fitting] == [f"{open_folder}/a"]


def test_a_night_labels_latin_1_names_and_counts_what_cannot_be_read(
    tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    corpus = folder_of(tmp_path / "quay", b"caf\xe9 S01E01.srt", "b/S01E02.srt")
    os.symlink("nowhere", corpus / "gone")
    deep = deep_folder(corpus)
    out = tmp_path / "out"
    flags = ["--output", str(out), "--checkpoint", str(tiny_checkpoint.folder)]
    assert main(["label", str(corpus), *flags, "--max-rejected", "0.5"]) == 0
    manifest = read_manifests(str(out))["0"]
    latin = rf"{corpus}/caf\xe9 S01E01.srt"
    assert {one["path"]: (one["found"], one["rejected"]) for one in files_read(out, manifest)} == {
        latin: (1, 0),
        f"{corpus}/b/S01E02.srt": (1, 0),
        f"{corpus}/gone": (1, 1),
        deep: (1, 1),
    }
    assert set(episodes_labelled(out, manifest)) == {r"caf\xe9/s01e01", "b/s01e02"}
    rejected = [
        row["source"]
        for part in manifest["rejected"]
        for row in pq.read_table(out / part["path"], partitioning=None).to_pylist()
    ]
    assert sorted(rejected) == sorted([f"{corpus}/gone", deep])
    # one file alone, by its name
    named = os.fsdecode(os.fsencode(corpus) + b"/caf\xe9 S01E01.srt")
    flags[1] = str(tmp_path / "other")
    assert main(["label", named, *flags]) == 0
    assert [one["path"] for one in files_read(flags[1], read_manifests(flags[1])["0"])] == [latin]
