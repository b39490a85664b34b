"""`emonet export`: what it writes is read back by the program that it is for."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_labels import Line, committed, labelled_lines, small_season

import emonet
from emonet.__main__ import main
from emonet.emotions import read_emotions
from emonet.export import TARGETS
from emonet.export.target import target_of
from emonet.palette import colours

Caught = pytest.CaptureFixture[str]

ODD: list[Line] = [
    ("Ann, the cook", 'He said "no"; {really}, 1 < 2,\\n and 3 > 2.', "joy"),
    ("Bo", "=SUM(A1)\nsecond line", "sadness"),
    (None, "{\\an8}</i><script>alert(1)</script>", "neutral"),
    ("Zoë", "Où? 日本 \N{BEACH WITH UMBRELLA}", "joy"),
    ("Bo", "a, b, c", "joy"),
]
"""Texts that mean something to a format."""


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_season(tmp_path_factory.mktemp("season"))


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return committed(tmp_path_factory.mktemp("odd"), labelled_lines(ODD))


def exported(output: Path, target: str, destination: Path) -> Path:
    assert main(["export", str(output), "--to", target, "--output", str(destination)]) == 0
    return destination


def rows_of(output: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = emonet.open_corpus(output).labels().to_pylist()
    return sorted(rows, key=lambda row: (row["episode_id"], row["utterance"]))


@pytest.mark.parametrize("target", ["csv", "jsonl", "parquet"])
def test_a_table_comes_back_cell_by_cell(odd: Path, tmp_path: Path, target: str) -> None:
    path = exported(odd, target, tmp_path / f"labels.{target}")
    read: dict[str, Callable[[Path], pl.DataFrame]] = {
        "csv": pl.read_csv,
        "jsonl": pl.read_ndjson,
        "parquet": pl.read_parquet,
    }
    back = read[target](path).to_dicts()
    for row, expected in zip(back, rows_of(odd), strict=True):
        assert row.keys() == expected.keys()
        for name, value in row.items():
            if isinstance(value, float):
                value = float(np.float32(value))
            assert value == expected[name], name


def test_pandas_and_the_csv_module_read_the_csv(odd: Path, tmp_path: Path) -> None:
    path = exported(odd, "csv", tmp_path / "labels.csv")
    assert pd.read_csv(path)["text"].tolist() == [text for _, text, _ in ODD]
    with path.open(newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == [text for _, text, _ in ODD]


def test_an_export_is_known_as_predictions_and_never_as_gold(
    season: Path, tmp_path: Path, capsys: Caught
) -> None:
    path = exported(season, "jsonl", tmp_path / "labels.jsonl")
    assert main(["evaluate", str(path)]) == 1
    assert "predict" in capsys.readouterr().err


def test_subtitles_have_the_times_of_the_utterances(season: Path, tmp_path: Path) -> None:
    for target in ("srt", "ass"):
        folder = exported(season, target, tmp_path / target)
        file = pysubs2.load(str(folder / "Tolsay Ferry" / f"s01e02.{target}"))
        assert [(one.start, one.end) for one in file] == [
            (2000 * at, 2000 * at + 1500) for at in range(20)
        ]


def test_srt_is_tagged_and_ass_is_coloured(season: Path, tmp_path: Path) -> None:
    srt = exported(season, "srt", tmp_path / "srt")
    first = pysubs2.load(str(srt / "Tolsay Ferry" / "s01e01.srt"))
    assert [one.plaintext for one in first[:3]] == [
        "[joy] Ann: What a day!", "[sadness] Bo: The boat is gone.", "[neutral] Tickets, please.",
    ]  # fmt: skip
    ass = exported(season, "ass", tmp_path / "ass")
    file = pysubs2.load(str(ass / "Tolsay Ferry" / "s01e01.ass"))
    assert [(one.style, one.name, one.plaintext) for one in file[:2]] == [
        ("joy", "Ann", "What a day!"), ("sadness", "Bo", "The boat is gone."),
    ]  # fmt: skip
    for label, colour in colours(("joy", "neutral", "sadness")).items():
        shown = file.styles[label].primarycolor
        assert f"#{shown.r:02X}{shown.g:02X}{shown.b:02X}" == colour


def test_what_somebody_wrote_is_no_tag_of_subtitles(odd: Path, tmp_path: Path) -> None:
    ass = exported(odd, "ass", tmp_path / "ass")
    file = pysubs2.load(str(ass / "Tolsay Ferry" / "s01e01.ass"))
    assert [(one.name, one.style) for one in file] == [
        (name.replace(",", ";") if name else "", label) for name, _, label in ODD
    ]
    plain: dict[str, str | int | None] = {"{": "｛", "}": "｝", "\\": "\\\u2060", "\n": " "}
    assert [one.plaintext for one in file] == [
        text.translate(str.maketrans(plain)) for _, text, _ in ODD
    ]
    srt = exported(odd, "srt", tmp_path / "srt")
    text = (srt / "Tolsay Ferry" / "s01e01.srt").read_text("utf-8")
    assert text.count("-->") == len(ODD)
    assert "{really}" in text


def test_utterances_without_times_are_left_out_and_counted(tmp_path: Path, capsys: Caught) -> None:
    lines: list[Line] = [("Ann", "No.", "joy")] * 3
    episodes = [labelled_lines(lines, 1), labelled_lines(lines, 2, timed=False)]
    output = committed(tmp_path / "out", *episodes)
    exported(output, "srt", tmp_path / "srt")
    told = capsys.readouterr().out
    assert "3 of 6 utterances in 1 file" in told
    assert "without a start and an end" in told
    untimed = committed(tmp_path / "untimed", episodes[1])
    assert main(["export", str(untimed), "--to", "ass", "--output", str(tmp_path / "ass")]) == 1
    assert "no utterance has times" in capsys.readouterr().err


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(str.strip),
                min_size=1, max_size=5, unique_by=str.lower))  # fmt: skip
def test_no_episode_leaves_the_folder_or_takes_the_file_of_another(shows: list[str]) -> None:
    from emonet.export.subtitles import _free_name

    taken: set[str] = set()
    names = [_free_name(f"{show}/s01e01", taken) for show in [*shows, "..", "a/../..", "A:", "a?"]]
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert not {"", ".", ".."} & set(name.split("/"))
        assert not set('\\:*?"<>|\x00') & set(name)


def test_label_studio_has_a_task_an_utterance_with_a_prediction(odd: Path, tmp_path: Path) -> None:
    folder = exported(odd, "labelstudio", tmp_path / "tasks")
    tasks = json.loads((folder / "tasks.json").read_bytes())
    interface = (folder / "interface.xml").read_text("utf-8")
    names = {one.attrib["name"] for one in ElementTree.fromstring(interface).iter("Choices")}
    for task, (speaker, text, label) in zip(tasks, ODD, strict=True):
        (prediction,) = task["predictions"]
        (result,) = prediction["result"]
        assert task["data"]["text"] == text
        assert task["data"]["speaker_name"] == (speaker or "?")
        assert result["from_name"] in names
        assert result["value"] == {"choices": [label]}
        assert 0.5 <= prediction["score"] <= 1
    assert tasks[1]["data"]["before"] == f"Ann, the cook: {ODD[0][1]}"
    assert tasks[4]["data"]["before"] == ""  # of another dialogue
    assert {one for task in tasks for one in _shown(interface)} <= task["data"].keys()


def _shown(interface: str) -> set[str]:
    values = [one.attrib.get("value", "") for one in ElementTree.fromstring(interface).iter()]
    return {value[1:] for value in values if value.startswith("$")}


def test_label_studio_takes_the_tasks(season: Path, tmp_path: Path) -> None:
    sdk = pytest.importorskip(
        "label_studio_sdk.label_interface", reason="label-studio-sdk is not installed"
    )
    folder = exported(season, "labelstudio", tmp_path / "tasks")
    interface = sdk.LabelInterface((folder / "interface.xml").read_text("utf-8"))
    for task in json.loads((folder / "tasks.json").read_bytes()):
        assert interface.validate_task({"data": task["data"]})
        assert not interface.validate_prediction(task["predictions"][0], return_errors=True)


def test_convokit_has_conversations_whose_utterances_reply_to_one_another(
    season: Path, tmp_path: Path
) -> None:
    folder = exported(season, "convokit", tmp_path / "corpus")
    files = {path.name for path in folder.iterdir()}
    assert files == {
        "utterances.jsonl", "speakers.json", "conversations.json", "corpus.json", "index.json",
    }  # fmt: skip
    utterances = [json.loads(line) for line in (folder / "utterances.jsonl").open()]
    speakers = json.loads((folder / "speakers.json").read_bytes())
    conversations = json.loads((folder / "conversations.json").read_bytes())
    by_id = {one["id"]: one for one in utterances}
    assert len(by_id) == 40
    for one in utterances:
        assert one["speaker"] in speakers
        assert one["conversation_id"] in conversations
        replied = one["reply-to"]
        assert (replied is None) == (one["id"] == one["conversation_id"])
        assert replied is None or by_id[replied]["conversation_id"] == one["conversation_id"]
    assert set(speakers) == {"Tolsay Ferry:ann", "Tolsay Ferry:bo", "unknown:Tolsay Ferry/s01e01"}


def test_convokit_opens_its_files(season: Path, tmp_path: Path) -> None:
    convokit = pytest.importorskip("convokit", reason="convokit is not installed")
    corpus = convokit.Corpus(str(exported(season, "convokit", tmp_path / "corpus")))
    assert len(list(corpus.iter_utterances())) == 40
    assert len(list(corpus.iter_conversations())) == 10
    first = corpus.get_utterance("Tolsay Ferry/s01e01#0")
    assert (first.text, first.meta["label"]) == ("What a day!", "joy")
    assert all(one.check_integrity(verbose=False) for one in corpus.iter_conversations())


def test_datasets_opens_the_data_set(odd: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    data = datasets.load_from_disk(str(exported(odd, "hf", tmp_path / "data")))
    assert data["text"][:] == [text for _, text, _ in ODD]
    feature = data.features["label"]
    assert [feature.int2str(one) for one in data["label"]] == [label for *_, label in ODD]
    assert feature.names == ["joy", "neutral", "sadness"]


def test_a_folder_that_has_files_is_left_as_it_is(
    season: Path, tmp_path: Path, capsys: Caught
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["export", str(season), "--to", "srt", "--output", str(tmp_path)]) == 1
    assert "has files already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_is_replaced(season: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    path.write_text("old")
    exported(season, "parquet", path)
    assert pq.read_table(path).num_rows == 40


def test_every_target_has_a_module_that_loads_neither_torch_nor_beam(season: Path) -> None:
    folder = Path(target_of.__code__.co_filename).parent
    helpers = {"__init__", "subtitles", "target"}
    assert {path.stem for path in folder.glob("*.py")} - helpers == set(TARGETS)
    program = (
        "import sys, emonet\n"
        "from emonet.emotions import read_emotions\n"
        "from emonet.export.target import target_of\n"
        f"emotions = read_emotions(emonet.open_corpus({str(season)!r}))\n"
        f"[list(target_of(one).export(emotions).files) for one in {TARGETS!r} if one != 'hf']\n"
        "assert not {'torch', 'apache_beam', 'transformers'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_utterances_are_exported_in_the_order_of_the_timeline(tmp_path: Path) -> None:
    lines: list[Line] = [("Ann", "No.", "joy")] * 2
    output = committed(tmp_path / "out", *(labelled_lines(lines, at) for at in (10, 2)))
    path = exported(output, "csv", tmp_path / "labels.csv")
    read = pd.read_csv(path)
    assert read["episode"].tolist() == [2, 2, 10, 10]
    assert read_emotions(emonet.open_corpus(output)).rows["episode"].to_pylist() == [2, 2, 10, 10]
