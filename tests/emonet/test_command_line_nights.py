"""The commands that look after nights, as a person who schedules them would see it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from made_up_corpora import digests, episode, labels_of, write_jsonl, write_season, write_srt
from made_up_runs import episodes_labelled, files_of, remembered, rows_of
from small_models import untrained

from beam_pipeline.output.manifest import read_manifests
from beam_pipeline.records import Reason
from emonet.__main__ import main
from model.checkpoint import Checkpoint, open_checkpoint, save_checkpoint

Caught = pytest.CaptureFixture[str]


class Show:
    """A show with a file an episode, and OUT beside it."""

    def __init__(self, folder: Path, checkpoint: Checkpoint):
        self.files, self.output = folder / "quay", folder / "out"
        self.flags = ["--output", str(self.output), "--corpus", "quay"]
        self.flags += ["--checkpoint", str(checkpoint.folder)]

    def file(self, number: int) -> Path:
        return self.files / f"{number:02d}.jsonl"

    def label(self, night: str, *numbers: int, flags: tuple[str, ...] = ()) -> int:
        for number in numbers:
            if not self.file(number).exists():
                write_season(self.files, (number,))
        inputs = [str(self.file(number)) for number in numbers]
        return main(["label", *inputs, *self.flags, "--night", night, *flags])

    @property
    def manifests(self) -> dict[str, Any]:
        return read_manifests(str(self.output))


@pytest.fixture
def show(tmp_path: Path, tiny_checkpoint: Checkpoint) -> Show:
    return Show(tmp_path, tiny_checkpoint)


def say_something_else(path: Path, number: int) -> None:
    rows = episode(number)
    write_jsonl(path, [{**row, "text": "quiet rain over the ship"} for row in rows])


def test_a_night_run_again_says_whether_it_wrote_the_same_bytes(show: Show, capsys: Caught) -> None:
    assert show.label("1", 1, 2) == 0
    first = show.manifests["1"]
    assert "supersedes" not in capsys.readouterr().out
    assert show.label("1", 1, 2) == 0
    assert f"wrote the same bytes as run {first['run']}, which" in capsys.readouterr().out
    say_something_else(show.file(2), 2)
    assert show.label("1", 1, 2) == 0
    assert "wrote other bytes than run" in capsys.readouterr().out


def test_an_older_night_run_again_tells_which_later_ones_it_outdates_and_cascade_runs_them(
    show: Show, tiny_checkpoint: Checkpoint, tmp_path: Path, capsys: Caught
) -> None:
    for number in (1, 2, 3):
        assert show.label(f"{number}", number) == 0
    before = show.manifests
    say_something_else(show.file(1), 1)
    capsys.readouterr()
    assert show.label("1", 1) == 0
    told = capsys.readouterr().out
    assert "on superseded nights now: nights 2, 3; --cascade runs them again" in told
    assert main(["verify", str(show.output)]) == 1
    assert show.label("1", 1, flags=("--cascade",)) == 0
    told = capsys.readouterr().out
    assert [line.strip() for line in told.splitlines() if line.strip().startswith("night ")] == [
        f"night {name}, run {show.manifests[name]['run']}" for name in "123"
    ]
    assert "superseded nights" not in told
    assert main(["verify", str(show.output)]) == 0

    fresh = Show(tmp_path / "fresh", tiny_checkpoint)
    shutil.copytree(show.files, fresh.files)
    for number in (1, 2, 3):
        assert fresh.label(f"{number}", number) == 0
    for name, manifest in fresh.manifests.items():
        assert digests(manifest) == digests(show.manifests[name])
    assert digests(before["3"]) != digests(show.manifests["3"])


def test_a_cascade_whose_files_are_gone_says_which_and_leaves_that_night(
    show: Show, capsys: Caught
) -> None:
    for number in (1, 2):
        assert show.label(f"{number}", number) == 0
    night = show.manifests["2"]
    say_something_else(show.file(1), 1)
    show.file(2).unlink()
    capsys.readouterr()
    assert show.label("1", 1, flags=("--cascade",)) == 1
    assert f"{show.file(2)}: is not there as night 2 read it" in capsys.readouterr().err
    assert show.manifests["2"] == night


def test_a_late_night_goes_between_its_neighbours(show: Show, capsys: Caught) -> None:
    assert show.label("1", 1) == 0
    assert show.label("3", 3) == 0
    capsys.readouterr()
    assert show.label("2", 2) == 0
    assert "on superseded nights now: night 3;" in capsys.readouterr().out
    assert show.manifests["2"]["memory_from"]["night"] == "1"


def test_the_same_file_under_two_names_is_labelled_once_and_counted(
    show: Show, capsys: Caught
) -> None:
    first = write_srt(show.files / "Quay S01E01.srt", 1)
    shutil.copy(first, show.files / "Quay S01E02.srt")
    assert main(["label", str(show.files), *show.flags]) == 0
    (manifest,) = show.manifests.values()
    counts = manifest["counts"]
    assert (counts["read"], counts["utterances"], counts["duplicates"]) == (20, 10, 10)
    assert counts["rejected"] == {}
    (row,) = rows_of(show.output, manifest, "rejected")
    assert (row["reason"], row["items"]) == (Reason.DUPLICATE, 10)
    assert row["source"].endswith("E02.srt")
    assert str(first) in row["detail"]


def test_an_episode_comes_again_on_a_later_night_and_is_not_said_twice(show: Show) -> None:
    assert show.label("1", 1, 2) == 0
    assert show.label("2", 2, 3) == 0
    counts = show.manifests["2"]["counts"]
    assert (counts["episodes"], counts["utterances"], counts["duplicates"]) == (1, 14, 14)
    (row,) = rows_of(show.output, show.manifests["2"], "rejected")
    assert row["detail"] == "the same is in night 1"
    assert episodes_labelled(show.output, show.manifests["2"]) == ["Quay/s01e03"]


def test_another_version_of_an_episode_of_an_earlier_night_is_refused(show: Show) -> None:
    assert show.label("1", 1) == 0
    say_something_else(show.file(1), 1)
    assert show.label("2", 1, 2) == 0
    counts = show.manifests["2"]["counts"]
    assert (counts["utterances"], counts["duplicates"]) == (14, 0)
    assert counts["rejected"] == {"duplicate_episode": 14}
    (row,) = rows_of(show.output, show.manifests["2"], "rejected")
    assert "is in night 1" in row["detail"]


def test_an_overlapping_night_gives_the_bits_of_one_without_overlap(
    show: Show, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    assert show.label("1", 1, 2) == 0
    assert show.label("2", 1, 2, 3) == 0
    apart = Show(tmp_path / "apart", tiny_checkpoint)
    assert apart.label("1", 1, 2) == 0
    assert apart.label("2", 3) == 0
    labels = [labels_of(one.output, one.manifests["2"]) for one in (show, apart)]
    assert labels[0].equals(labels[1])
    memories = [remembered(one.output, one.manifests["2"]) for one in (show, apart)]
    assert memories[0] == memories[1]


def test_verify_and_runs_tell_what_is_there(
    show: Show, capsys: Caught, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert show.label("1", 1) == 0
    superseded = show.manifests["1"]["run"]
    assert show.label("1", 1) == 0
    assert show.label("2", 2) == 0
    capsys.readouterr()
    assert main(["verify", str(show.output)]) == 0
    assert capsys.readouterr().out == f"{show.output}: no problems\n"
    assert main(["runs", str(show.output)]) == 0
    told = capsys.readouterr().out
    for manifest in show.manifests.values():
        assert manifest["run"] in told
    assert "superseded or abandoned" in told
    assert superseded in told

    assert main(["vacuum", str(show.output), "--older-than", "1d"]) == 0
    assert "removed 0 runs" in capsys.readouterr().out
    assert main(["vacuum", str(show.output), "--older-than", "0m"]) == 0
    assert "removed 1 runs" in capsys.readouterr().out
    assert not [path for path in files_of(show.output) if superseded in path]

    (part, *_) = show.manifests["1"]["labels"]
    path = show.output / part["path"]
    path.write_bytes(path.read_bytes()[:-1])
    assert main(["verify", str(show.output)]) == 1
    caught = capsys.readouterr()
    assert caught.out == f"{show.output}: 1 problem\n"
    assert caught.err.startswith(f"emonet verify: night 1: {path}: does not have the sha256")


@pytest.mark.parametrize("command", ["verify", "runs"])
def test_a_folder_without_nights_is_no_trace(tmp_path: Path, command: str, capsys: Caught) -> None:
    assert main([command, str(tmp_path / "nowhere")]) in (0, 1)
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("text", ["7", "d", "-1d", "1.5h", "7 days"])
def test_a_time_that_is_none_is_an_error(tmp_path: Path, text: str, capsys: Caught) -> None:
    with pytest.raises(SystemExit):
        main(["vacuum", str(tmp_path), f"--older-than={text}"])
    assert "is not a time such as 7d, 12h or 30m" in capsys.readouterr().err


def test_memory_is_rebuilt_for_another_model_as_that_model_would_have_left_it(
    show: Show, small_bert: Any, tmp_path: Path, capsys: Caught
) -> None:
    for number in (1, 2):
        assert show.label(f"{number}", number, number + 10) == 0
    save_checkpoint(tmp_path / "other", untrained(small_bert, history=5), {})
    other = open_checkpoint(tmp_path / "other")
    labels = {name: manifest["labels"] for name, manifest in show.manifests.items()}
    show.flags[-1] = str(other.folder)
    capsys.readouterr()
    assert show.label("3", 3) == 1
    error = capsys.readouterr().err
    assert "N 3, this run makes" in error
    assert "N 5" in error
    assert "emonet rebuild-memory" in error

    assert main(["rebuild-memory", str(show.output), "--checkpoint", str(other.folder)]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("night 1: memory of ")
    assert main(["verify", str(show.output)]) == 0
    assert {name: manifest["labels"] for name, manifest in show.manifests.items()} == labels
    assert show.label("3", 3) == 0

    fresh = Show(tmp_path / "fresh", other)
    for name, numbers in {"1": (1, 11), "2": (2, 12), "3": (3,)}.items():
        assert fresh.label(name, *numbers) == 0
    for name in "123":
        rebuilt, expected = (one.manifests[name] for one in (show, fresh))
        assert remembered(show.output, rebuilt) == remembered(fresh.output, expected)
    tables = [labels_of(one.output, one.manifests["3"]) for one in (show, fresh)]
    assert tables[0].equals(tables[1])


def test_memory_rebuilt_with_the_same_model_is_the_same_to_the_last_bit(show: Show) -> None:
    for number in (1, 2, 3):
        assert show.label(f"{number}", number) == 0
    before = {name: remembered(show.output, one) for name, one in show.manifests.items()}
    checkpoint = show.flags[-1]
    assert main(["rebuild-memory", str(show.output), "--checkpoint", checkpoint]) == 0
    after = {name: remembered(show.output, one) for name, one in show.manifests.items()}
    assert before == after
