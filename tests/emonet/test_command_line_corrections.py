"""What a person says of labels: drawn, scored, learned from, and calibrated on."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_corpora import write_season
from made_up_labels import small_season

import emonet
from beam_pipeline.output.manifest import read_manifests
from emonet.__main__ import main
from emonet.corrections import read_corrections
from emonet.emotions import Emotions, read_emotions
from emonet.export.labelstudio import export
from emonet.sampling import allocate
from model.checkpoint import Checkpoint, load_model, open_checkpoint
from model.network.label_shift import LabelShift, read_label_shift, write_label_shift
from model.training.card import CARD

Caught = pytest.CaptureFixture[str]
Row = dict[str, str]


def emotions_of(output: Path) -> Emotions:
    return read_emotions(emonet.open_corpus(output))


def rows_of(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def drawn(output: Path, path: Path, *flags: str) -> list[Row]:
    assert main(["sample", str(output), "--output", str(path), *flags]) == 0
    return rows_of(path)


def fill_in(path: Path, label: Callable[[Row], str]) -> None:
    """What a person does with a spreadsheet."""
    rows = [{**row, "label": label(row)} for row in rows_of(path)]
    with path.open("w", encoding="utf-8", newline="") as file:
        write = csv.DictWriter(file, rows[0].keys())
        write.writeheader()
        write.writerows(rows)


def printed_json(capsys: Caught, *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 lines: 11 of joy, 14 of neutral, 15 of sadness."""
    return small_season(tmp_path_factory.mktemp("season"))


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Checkpoint) -> Path:
    """Twelve episodes that a model labelled."""
    folder = tmp_path_factory.mktemp("labelled")
    corpus = write_season(folder / "quay", range(12))
    flags = ["--output", str(folder / "out"), "--checkpoint", str(tiny_checkpoint.folder)]
    assert main(["label", str(corpus), *flags]) == 0
    return folder / "out"


@pytest.mark.parametrize("by", ["label", "uncertainty"])
def test_a_sample_says_nothing_of_the_model_and_stands_for_all_lines(
    season: Path, tmp_path: Path, by: str
) -> None:
    rows = drawn(season, tmp_path / "sample.csv", "--n", "24", "--by", by)
    assert len(rows) == 24
    assert {row["label"] for row in rows} == {""}
    assert not {"predicted", "model_id"} & rows[0].keys()
    assert sum(float(row["weight"]) for row in rows) == pytest.approx(40, abs=1e-3)
    line = next(row for row in rows if row["utterance"] == "3" and row["episode"] == "1")
    assert line["before"] == "Ann: What a day!\nBo: The boat is gone.\n?: Tickets, please."


def test_a_sample_by_label_has_as_many_of_each_and_a_seed_draws_it_again(
    season: Path, tmp_path: Path
) -> None:
    emotions = emotions_of(season)
    rows = drawn(season, tmp_path / "one.csv", "--n", "24")
    fill_in(tmp_path / "one.csv", lambda row: "joy")
    places = read_corrections(str(tmp_path / "one.csv"), emotions).places
    assert np.bincount(emotions.chosen[places]).tolist() == [8, 8, 8]
    assert drawn(season, tmp_path / "again.csv", "--n", "24") == rows
    assert drawn(season, tmp_path / "other.csv", "--n", "24", "--seed", "1") != rows


def test_strata_are_allotted_in_proportion_and_never_more_than_they_have() -> None:
    assert allocate(np.array([100, 3, 50]), np.array([1.0, 5.0, 3.0]), 43).tolist() == [10, 3, 30]


def test_a_sample_that_cannot_be_drawn_is_refused(
    season: Path, tmp_path: Path, capsys: Caught
) -> None:
    flags = ["sample", str(season), "--output", str(tmp_path / "s.csv"), "--n", "41"]
    assert main(flags) == 1
    assert (
        "--n 41: give a number from 6 (two a stratum) to 40 (all lines)" in capsys.readouterr().err
    )


def test_an_output_is_scored_by_a_sample_with_intervals(
    season: Path, tmp_path: Path, capsys: Caught
) -> None:
    path = tmp_path / "sample.csv"
    drawn(season, path, "--n", "30")
    fill_in(path, lambda row: {"Ann": "joy", "Bo": "sadness"}.get(row["speaker"], ""))
    scores = printed_json(capsys, "evaluate", str(season), "--against", str(path))
    # Ann says joy in 10 of 20 lines, Bo sadness in all; nobody has labelled who is unknown
    assert scores["sample"] is True
    assert scores["lines"] < 30
    assert scores["accuracy"]["low"] <= scores["accuracy"]["value"] <= scores["accuracy"]["high"]
    assert sum(map(sum, scores["confusion"])) == pytest.approx(40, abs=0.1)
    assert main(["evaluate", str(season), "--against", str(path)]) == 0
    assert "95 % interval" in capsys.readouterr().out


def test_corrections_of_the_page_are_scored_as_what_they_are(
    season: Path, tmp_path: Path, capsys: Caught
) -> None:
    path = tmp_path / "corrections.csv"
    header = "show,season,episode,episode_id,utterance,speaker,text,predicted,label\n"
    line = (
        '"Tolsay Ferry","1","1","Tolsay Ferry/s01e01","1","Bo","The boat is gone.","sadness","joy"'
    )
    path.write_text(f"{header}{line}\n")
    assert main(["evaluate", str(season), "--against", str(path)]) == 0
    told = capsys.readouterr().out
    assert "picked by hand" in told
    assert printed_json(capsys, "evaluate", str(season), "--against", str(path))["sample"] is False
    made = ["--output", str(tmp_path / "calibration.json")]
    assert main(["calibrate", str(season), "--on", str(path), *made]) == 1
    assert "give lines that `emonet sample` drew" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("Tolsay Ferry/s01e09,1,joy,", "line 2: there is no such episode and utterance"),
        ("Tolsay Ferry/s01e01,99,joy,", "line 2: there is no such episode and utterance"),
        ("Tolsay Ferry/s01e01,x,joy,", "line 2: its utterance or weight is no number"),
        ("Tolsay Ferry/s01e01,1,glee,", "line 2: the label is none of joy, neutral, sadness"),
        ("Tolsay Ferry/s01e01,1,joy,Else.", "line 2: that utterance has another text"),
        ("Tolsay Ferry/s01e01,1,,The boat is gone.", "no line has a label"),
    ],
)
def test_corrections_that_do_not_fit_are_refused_by_line(
    season: Path, tmp_path: Path, capsys: Caught, row: str, expected: str
) -> None:
    path = tmp_path / "corrections.csv"
    text = "" if row.endswith(",") else ",text"
    path.write_text(f"episode_id,utterance,label{text}\n{row if text else row[:-1]}\n")
    assert main(["evaluate", str(season), "--against", str(path)]) == 1
    assert f"{path}{'' if expected.startswith('no') else ' '}" in (told := capsys.readouterr().err)
    assert expected in told
    assert "The boat" not in told


def test_what_annotators_say_in_label_studio_is_read(season: Path, tmp_path: Path) -> None:
    emotions = emotions_of(season)
    tasks = json.loads(next(c for name, c in export(emotions).files if name == "tasks.json"))
    said = [["joy", "joy", "neutral"], ["sadness"], []]
    for task, labels in zip(tasks, said, strict=False):
        task["annotations"] = [
            {"was_cancelled": False, "result": [
                {"from_name": "emotion", "type": "choices", "value": {"choices": [label]}}
            ]}
            for label in labels
        ]  # fmt: skip
    (tmp_path / "project.json").write_text(json.dumps(tasks[:3]))
    found = read_corrections(str(tmp_path / "project.json"), emotions)
    assert (found.places.tolist(), found.gold.tolist()) == ([0, 1], [0, 2])
    assert found.strata is None


def test_a_calibration_is_fitted_used_recorded_and_undone(
    labelled: Path, tiny_checkpoint: Checkpoint, tmp_path: Path, capsys: Caught
) -> None:
    path, made = tmp_path / "sample.csv", tmp_path / "calibration.json"
    drawn(labelled, path, "--n", "60")
    fill_in(path, lambda row: "joy" if len(row["text"]) % 3 else "sadness")
    assert main(["calibrate", str(labelled), "--on", str(path), "--output", str(made)]) == 0
    assert "nats likelier" in capsys.readouterr().out
    shift = read_label_shift(made)
    assert shift.log_prior_shift[0] > shift.log_prior_shift[1]

    flags = ["--checkpoint", str(tiny_checkpoint.folder), "--calibration", str(made)]
    corpus, again = labelled.parent / "quay", tmp_path / "again"
    assert main(["label", str(corpus), "--output", str(again), *flags]) == 0
    recorded = read_manifests(str(again))["0"]["calibration"]
    assert recorded["sha256"] == shift.sha256
    assert read_manifests(str(labelled))["0"]["calibration"] is None
    before, after = (emotions_of(one) for one in (labelled, again))
    moved = shift.shifted(np.log(before.probabilities.astype(float)))
    moved = np.exp(moved) / np.exp(moved).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(after.probabilities, moved, atol=2e-3)

    # of an output that is calibrated, the same lines give the same file
    once_more = tmp_path / "once_more.json"
    assert main(["calibrate", str(again), "--on", str(path), "--output", str(once_more)]) == 0
    np.testing.assert_allclose(
        read_label_shift(once_more).log_prior_shift, shift.log_prior_shift, atol=0.02
    )


def test_a_calibration_of_data_takes_its_labels_or_says_what_is_missing(
    labelled: Path, tiny_checkpoint: Checkpoint, tmp_path: Path, capsys: Caught
) -> None:
    corpus, made = labelled.parent / "quay", tmp_path / "calibration.json"
    flags = ["--output", str(made), "--checkpoint", str(tiny_checkpoint.folder)]
    assert main(["calibrate", str(corpus), *flags]) == 0
    assert read_label_shift(made).model_id == tiny_checkpoint.model_id
    assert json.loads(made.read_text())["fit"]["lines"] == 12 * 14
    assert main(["calibrate", str(labelled), *flags]) == 1
    assert "does not record what it expects (dev_priors)" in capsys.readouterr().err


def test_a_calibration_of_another_model_is_refused(
    labelled: Path, tiny_checkpoint: Checkpoint, tmp_path: Path, capsys: Caught
) -> None:
    foreign = LabelShift("0123456789abcdef", tiny_checkpoint.settings.labels, (0.0, 0.0, 0.0), 1.0)
    write_label_shift(tmp_path / "foreign.json", foreign, {})
    flags = ["--checkpoint", str(tiny_checkpoint.folder)]
    flags += ["--calibration", str(tmp_path / "foreign.json")]
    assert main(["evaluate", str(labelled.parent / "quay"), *flags]) == 1
    assert "was fitted for model 0123456789abcdef" in capsys.readouterr().err
    (tmp_path / "foreign.json").write_text("{}")
    assert main(["evaluate", str(labelled.parent / "quay"), *flags]) == 1
    assert "cannot be read as a calibration" in capsys.readouterr().err


def test_a_checkpoint_learns_from_corrections_what_holds_for_other_dialogues(
    labelled: Path, tiny_checkpoint: Checkpoint, tmp_path: Path, capsys: Caught
) -> None:
    path, made = tmp_path / "sample.csv", tmp_path / "tuned"
    drawn(labelled, path, "--n", "100")
    fill_in(path, lambda row: "joy" if len(row["text"]) < 25 else "sadness")
    flags = ["--corrections", str(path), "--checkpoint", str(tiny_checkpoint.folder)]
    assert main(["train", str(labelled), *flags, "--output", str(made)]) == 0
    assert "nats likelier" in capsys.readouterr().out
    tuned = open_checkpoint(made)
    about = tuned.provenance["fine_tuned"]
    assert (about["model_id"], about["lines"]) == (tiny_checkpoint.model_id, 100)
    assert about["weighted_f1"] > about["weighted_f1_before"] + 10
    assert "## Fine-tuning" in (made / CARD).read_text()
    # what it says of all lines, those it was not corrected on among them
    data = labelled.parent / "quay"
    evaluated = ["evaluate", str(data), "--checkpoint"]
    confusions = [
        np.array(printed_json(capsys, *evaluated, str(folder))["confusion"])
        for folder in (tiny_checkpoint.folder, made)
    ]
    assert confusions[1][:, 1].sum() < confusions[0][:, 1].sum()  # a person never says neutral
    one, other = load_model(tiny_checkpoint), load_model(tuned)
    histories = np.array([[-1, 0, 1], [-1, -1, 2]])
    embeddings = one.embed(["a day", "no rain", "we met here"])
    np.testing.assert_allclose(  # what the history adds is what it was
        other.speaker_logits(embeddings, histories),
        one.speaker_logits(embeddings, histories),
        atol=0.05,
    )
    assert main(["train", str(labelled), *flags, "--output", str(made)]) == 1
    assert "holds a checkpoint already" in capsys.readouterr().err


def test_corrections_that_teach_nothing_write_nothing(
    labelled: Path, tiny_checkpoint: Checkpoint, tmp_path: Path, capsys: Caught
) -> None:
    path, random = tmp_path / "sample.csv", np.random.default_rng(0)
    drawn(labelled, path, "--n", "30")
    emotions = emotions_of(labelled)
    likely = dict(zip(
        zip(emotions.rows["episode_id"].to_pylist(), emotions.rows["utterance"].to_pylist(),
            strict=True),
        emotions.probabilities, strict=True,
    ))  # fmt: skip

    def as_the_model_expects(row: Row) -> str:
        odds = likely[row["episode_id"], int(row["utterance"])]
        return str(random.choice(emotions.labels, p=odds / odds.sum()))

    fill_in(path, as_the_model_expects)
    flags = ["--corrections", str(path), "--checkpoint", str(tiny_checkpoint.folder)]
    assert main(["train", str(labelled), *flags, "--output", str(tmp_path / "tuned")]) == 1
    assert "nothing was written, correct more lines" in capsys.readouterr().err
    assert not (tmp_path / "tuned").exists()


def test_corrections_of_another_models_output_are_refused(
    season: Path, tiny_checkpoint: Checkpoint, tmp_path: Path, capsys: Caught
) -> None:
    drawn(season, tmp_path / "s.csv", "--n", "12")
    flags = ["--corrections", str(tmp_path / "s.csv"), "--output", str(tmp_path / "tuned")]
    flags += ["--checkpoint", str(tiny_checkpoint.folder)]
    assert main(["train", str(season), *flags]) == 1
    assert "give the folder of that model to --checkpoint" in capsys.readouterr().err
    assert main(["train", str(season), *flags, "--epochs", "2"]) == 1
    assert "--epochs: is for a training from the start" in capsys.readouterr().err
