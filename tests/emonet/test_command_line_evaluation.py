from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from made_up_runs import without_progress

import beam_pipeline.transcripts
from emonet.__main__ import main
from model.checkpoint import Checkpoint

Caught = pytest.CaptureFixture[str]

# one word of XED's numbers: 0 neutral, 1 anger, 5 joy, 6 sadness, 8 trust
LINES = (("oh yes .", "5"), ("no .", "6"), ("well .", "0"), ("you and me .", "5, 8"), ("go !", "1"))


@pytest.fixture
def usual(tiny_checkpoint: Checkpoint, tmp_path: Path) -> list[str]:
    data = tmp_path / "lines.tsv"
    data.write_text("".join(f"{text}\t{numbers}\n" for text, numbers in LINES))
    return ["evaluate", str(data), "--checkpoint", str(tiny_checkpoint.folder)]


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """No data can be read: what is refused nevertheless is refused before."""

    def read_transcripts(*_: object) -> None:
        raise AssertionError("the data was read")

    monkeypatch.setattr(beam_pipeline.transcripts, "read_transcripts", read_transcripts)


def test_labels_of_another_set_are_renamed_and_the_rest_left_out_and_counted(
    usual: list[str], capsys: Caught
) -> None:
    flags = ["--labels", "joy=joy,neutral=neutral"]
    assert main([*usual, *flags]) == 0
    told = capsys.readouterr()
    assert without_progress(told.err) == ""
    assert (
        "labels: joy=joy, neutral=neutral; chosen among these 2 alone, for no gold label can be "
        "another; 3 utterances with other labels are left out\n"
    ) in told.out
    assert main([*usual, *flags, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["utterances"], result["left_out"]) == (2, 3)
    assert result["labels"] == {"joy": "joy", "neutral": "neutral"}
    assert list(result["classes"]) == ["joy", "neutral"]
    assert sum(bin_["utterances"] for bin_ in result["reliability"]) == 2
    # of two classes the chosen one has half of the probability at least
    assert all(bin_["confidence"] >= 0.5 for bin_ in result["reliability"])


def test_two_of_their_labels_may_be_one_of_ours(usual: list[str], capsys: Caught) -> None:
    pairs = "anger=sadness,sadness=sadness,joy=joy"
    assert main([*usual, "--labels", pairs, "--json"]) == 0
    classes = json.loads(capsys.readouterr().out)["classes"]
    assert {label: found["support"] for label, found in classes.items()} == {"joy": 1, "sadness": 2}


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ("joy", "--labels: 'joy' is not of the form THEIRS=OURS"),
        ("fear=joy", "--labels: no utterance has the label 'fear'; found are "),
        ("joy=bliss", "'bliss' is no label of the model's: joy, neutral, sadness"),
    ],
)
def test_labels_that_are_off_are_told_in_one_sentence(
    pairs: str, told: str, usual: list[str], capsys: Caught
) -> None:
    assert main([*usual, "--labels", pairs]) == 1
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_reliability_plot_is_drawn_and_the_same_each_time(
    suffix: str, usual: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    plots = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for plot in plots:
        assert main([*usual, "--labels", "joy=joy,neutral=neutral", "--plot", str(plot)]) == 0
    one, other = (plot.read_bytes() for plot in plots)
    assert one == other
    if suffix == ".svg":
        assert b"over 2 utterances" in one
    else:
        assert one.startswith(b"\x89PNG")


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize(
    ("flag", "name", "told"),
    [
        ("--plot", "nowhere/a.png", "cannot be written: No such file or directory"),
        ("--plot", "a.pdf", "expected a name that ends in .png or .svg"),
    ],
)
def test_what_cannot_be_written_is_told_before_the_evaluation(
    flag: str, name: str, told: str, usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    assert main([*usual, flag, str(tmp_path / name)]) == 1
    assert f"{flag} {tmp_path / name}: {told}" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


@pytest.mark.usefixtures("unread")
def test_json_goes_to_the_standard_output_and_a_file_for_it_is_refused(
    usual: list[str], tmp_path: Path, capsys: Caught
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*usual, "--json", str(tmp_path / "scores.json")])
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert "scores.json; --json takes no file: --json > FILE\n" in told
    assert not (tmp_path / "scores.json").exists()


@pytest.mark.usefixtures("unread")
def test_without_matplotlib_one_sentence_says_how_to_get_it(
    usual: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Caught
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main([*usual, "--plot", str(tmp_path / "a.png")]) == 1
    error = capsys.readouterr().err
    assert error == "emonet evaluate: --plot needs matplotlib; pip install emonet[plots]\n"
