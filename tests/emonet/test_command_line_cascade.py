"""Nights that are run again, and files that come again, from the command line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_corpora import digests, episode, write_jsonl, write_season, write_srt
from made_up_runs import episodes_labelled, files_read, rows_of

from beam_pipeline.nights import recorded_night
from beam_pipeline.output.manifest import read_manifests
from beam_pipeline.records import EmonetError
from emonet.__main__ import main
from model.checkpoint import Checkpoint

Caught = pytest.CaptureFixture[str]
Label = Callable[..., int]


@pytest.fixture
def label(tiny_checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Label:
    """Labels files of the working directory, by relative paths, into a folder beside it."""
    usual = ["--output", str(tmp_path / "out"), "--corpus", "quay"]
    usual += ["--checkpoint", str(tiny_checkpoint.folder), "--max-rejected", "0.5"]
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(night: str, *inputs: str, flags: tuple[str, ...] = ()) -> int:
        return main(["label", *inputs, *usual, "--night", night, *flags])

    return run


def two_nights(label: Label) -> None:
    """Nights of relative paths, the second with a link to nowhere; then the first one's changes."""
    write_season(Path("quay"), (1, 2))
    os.symlink("nowhere", "quay/03.jsonl")
    assert label("1", "quay/01.jsonl") == 0
    assert label("2", "quay/02.jsonl", "quay/03.jsonl") == 0
    write_season(Path("quay"), (1,), turns=20)


def test_a_cascade_from_another_folder_reads_what_the_night_read_a_broken_link_too(
    label: Label, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_nights(label)
    first, second = read_manifests(str(tmp_path / "out")).values()
    assert second["counts"]["rejected_files"] == {"unreadable_file": 1}
    assert [(one["source"], one["path"]) for one in files_read(tmp_path / "out", second)] == [
        (f"quay/{name}.jsonl", str(tmp_path / "here" / "quay" / f"{name}.jsonl"))
        for name in ("02", "03")
    ]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert label("1", str(tmp_path / "here" / "quay" / "01.jsonl"), flags=("--cascade",)) == 0
    assert main(["verify", str(tmp_path / "out")]) == 0
    changed, again = read_manifests(str(tmp_path / "out")).values()
    assert changed["run"] != first["run"]
    assert again["run"] != second["run"]
    # the table of refusals does not depend on where it was made from
    assert (
        digests(again)["rejected/" + Path(again["rejected"][0]["path"]).name]
        == (second["rejected"][0]["sha256"])
    )
    assert [row["source"] for row in rows_of(tmp_path / "out", again, "rejected")] == [
        "quay/03.jsonl"
    ]


def test_a_night_whose_files_are_not_as_they_were_is_refused_by_name(
    label: Label, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_nights(label)
    second = read_manifests(str(tmp_path / "out"))["2"]
    read, unread = (Path("quay").absolute() / name for name in ("02.jsonl", "03.jsonl"))
    monkeypatch.chdir("/")
    assert recorded_night(str(tmp_path / "out"), second).paths == ("quay/02.jsonl", "quay/03.jsonl")

    whole = read.read_bytes()
    read.write_bytes(whole[::-1])
    with pytest.raises(EmonetError, match=f"{read}: is not there as night 2 read it"):
        recorded_night(str(tmp_path / "out"), second)
    read.unlink()
    with pytest.raises(EmonetError, match=f"{read}: is not there as night 2 read it"):
        recorded_night(str(tmp_path / "out"), second)
    read.write_bytes(whole)
    unread.unlink()
    unread.write_bytes(whole)
    with pytest.raises(EmonetError, match=f"{unread}: is not there as night 2 read it"):
        recorded_night(str(tmp_path / "out"), second)


def test_the_same_bytes_under_another_name_on_a_later_night_are_a_duplicate(
    label: Label, tmp_path: Path
) -> None:
    first = write_srt(Path("quay/Quay S01E01.srt"), 1)
    write_srt(Path("ship/Ship S02E01.srt"), 2)
    shutil.copy(first, "ship/Ship S02E02.srt")
    assert label("1", "quay") == 0
    assert label("2", "ship") == 0
    second = read_manifests(str(tmp_path / "out"))["2"]
    assert episodes_labelled(tmp_path / "out", second) == ["Ship/s02e01"]
    assert (second["counts"]["utterances"], second["counts"]["duplicates"]) == (10, 10)
    assert second["counts"]["rejected"] == {}
    (row,) = rows_of(tmp_path / "out", second, "rejected")
    assert (row["source"], row["position"]) == ("ship/Ship S02E02.srt", "Ship/s02e02")
    assert (row["reason"], row["detail"]) == ("duplicate", "the same is in night 1")


def test_bytes_that_an_earlier_night_refused_are_no_duplicate(label: Label, tmp_path: Path) -> None:
    write_srt(Path("a/Quay S01E01.srt"), 1)
    loser = write_srt(Path("b/Quay S01E01.srt"), 2)
    Path("later").mkdir()
    shutil.copy(loser, "later/Ship S02E02.srt")
    assert label("1", "a", "b") == 0
    assert read_manifests(str(tmp_path / "out"))["1"]["counts"]["rejected"] == {
        "duplicate_episode": 10
    }
    assert label("2", "later") == 0
    assert episodes_labelled(tmp_path / "out", read_manifests(str(tmp_path / "out"))["2"]) == [
        "Ship/s02e02"
    ]


def nameless(path: str, number: int) -> str:
    """Plain subtitles: nobody is named, so that no night depends on another's memory."""
    rows = [{**row, "speaker": None} for row in episode(number)]
    return str(write_jsonl(Path(path), rows))


def episodes_of(output: Path) -> dict[str, list[str]]:
    return {
        night: sorted({row["episode_id"] for row in rows_of(output, manifest)})
        for night, manifest in read_manifests(str(output)).items()
    }


def test_an_episode_of_plain_subtitles_that_an_earlier_night_brings_late_is_labelled_once(
    label: Label, tmp_path: Path, capsys: Caught
) -> None:
    for path, number in (("b/01.jsonl", 1), ("b/02.jsonl", 2), ("a/01.jsonl", 1)):
        nameless(path, number)
    assert label("2", "b") == 0
    capsys.readouterr()
    assert label("1", "a") == 0
    assert "on superseded nights now: night 2;" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "out")]) == 1
    assert "Quay/s01e01 (labelled in night 1 as well)" in capsys.readouterr().err
    assert label("1", "a", flags=("--cascade",)) == 0
    assert episodes_of(tmp_path / "out") == {"1": ["Quay/s01e01"], "2": ["Quay/s01e02"]}
    assert main(["verify", str(tmp_path / "out")]) == 0


def test_an_episode_of_plain_subtitles_that_an_earlier_night_gives_up_is_labelled_by_the_next(
    label: Label, tmp_path: Path, capsys: Caught
) -> None:
    first, second, third = (nameless(f"{number}.jsonl", number) for number in (1, 2, 3))
    assert label("1", first) == 0
    assert label("2", first, second) == 0
    capsys.readouterr()
    assert label("1", third, flags=("--replace",)) == 0
    assert "on superseded nights now: night 2;" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "out")]) == 1
    assert "read Quay/s01e01" in capsys.readouterr().err
    assert label("1", third, flags=("--replace", "--cascade")) == 0
    assert episodes_of(tmp_path / "out") == {
        "1": ["Quay/s01e03"],
        "2": ["Quay/s01e01", "Quay/s01e02"],
    }
    assert main(["verify", str(tmp_path / "out")]) == 0


def test_a_copy_of_a_file_whose_episode_another_file_has_is_labelled(
    label: Label, tmp_path: Path
) -> None:
    write_srt(Path("a/Quay S01E01.srt"), 1)
    other = write_srt(Path("b/Quay S01E01.srt"), 2)
    Path("c").mkdir()
    shutil.copy(other, "c/Ship S02E02.srt")
    assert label("1", "a", "b", "c") == 0
    assert episodes_of(tmp_path / "out") == {"1": ["Quay/s01e01", "Ship/s02e02"]}


def test_a_night_whose_manifest_is_empty_is_run_again_with_replace(
    label: Label, tmp_path: Path, capsys: Caught
) -> None:
    write_season(Path("quay"), (1, 2))
    assert label("1", "quay/01.jsonl") == 0
    assert label("2", "quay/02.jsonl") == 0
    whole = read_manifests(str(tmp_path / "out"))["2"]
    (tmp_path / "out" / "_manifests" / "night=2.json").write_bytes(b"")
    capsys.readouterr()
    assert label("2", "quay/02.jsonl") == 1
    assert "night=2.json: damaged; restore it" in capsys.readouterr().err
    assert label("2", "quay/02.jsonl", flags=("--replace",)) == 0
    assert digests(read_manifests(str(tmp_path / "out"))["2"]) == digests(whole)
    assert main(["verify", str(tmp_path / "out")]) == 0
