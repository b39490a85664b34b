from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made_up_corpora import labels_of

from beam_pipeline.corpus.speakers import episodic_id, speaker_id
from beam_pipeline.output.manifest import read_manifests
from emonet.__main__ import main
from model.checkpoint import Checkpoint

CAPTIONS = """1
00:00:01,000 --> 00:00:02,000
>> JEFF PROBST: Come in.

2
00:00:02,100 --> 00:00:03,000
>> PROST: Sit down. ♪ la la ♪

3
00:00:03,100 --> 00:00:04,000
>> MAN 1: No.

4
00:00:04,100 --> 00:00:05,000
>> MAN 1: I said no.
"""
Label = Callable[..., Path]


@pytest.fixture
def label(tmp_path: Path, tiny_checkpoint: Checkpoint) -> Label:
    """Writes files, labels them with more flags, and gives OUT."""

    def run(*flags: str, **files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / "Isle" / f"{name}.srt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        out = tmp_path / "out"
        checkpoint = ["--checkpoint", str(tiny_checkpoint.folder)]
        assert (
            main(["label", str(tmp_path / "Isle"), "--output", str(out), *checkpoint, *flags]) == 0
        )
        return out

    return run


def test_generic_speakers_have_a_history_in_their_episode_and_no_memory(label: Label) -> None:
    out = label(S01E01=CAPTIONS, S01E02=CAPTIONS.replace("Sit", "Lie"))
    manifest = read_manifests(str(out))["0"]
    rows = labels_of(out, manifest).to_pylist()
    assert [row["history_length"] for row in rows] == [0, 0, 0, 1, 1, 1, 0, 1]
    assert rows[2]["speaker_id"] == episodic_id("Isle", "Isle/s01e01", "MAN 1")
    assert [row["text_raw"] for row in rows[:2]] == [
        ">> JEFF PROBST: Come in.",
        ">> PROST: Sit down. ♪ la la ♪",
    ]
    remembered = {
        speaker
        for part in manifest["memory"]
        for speaker in pq.read_table(out / part["path"])["speaker_id"].to_pylist()
    }
    assert remembered == {speaker_id("Isle", "Jeff Probst"), speaker_id("Isle", "Prost")}
    assert manifest["counts"]["speakers"] == 2


def test_an_accepted_alias_is_one_speaker_and_stands_in_the_manifest(
    label: Label, tmp_path: Path
) -> None:
    table = tmp_path / "aliases.csv"
    table.write_text("namespace,scope,alias,speaker,note\nisle,,Prost,Jeff Probst,accepted\n")
    out = label("--aliases", str(table), S01E01=CAPTIONS)
    rows = labels_of(out, read_manifests(str(out))["0"]).to_pylist()
    assert rows[0]["speaker_id"] == rows[1]["speaker_id"] == speaker_id("Isle", "Jeff Probst")
    assert [row["speaker_name"] for row in rows[:2]] == ["JEFF PROBST", "PROST"]
    assert rows[1]["history_length"] == 1
    reading = read_manifests(str(out))["0"]["reading"]
    assert reading["aliases"] == [["isle", "", "Prost", "Jeff Probst"]]


def test_files_go_where_a_table_or_a_pattern_says(label: Label, tmp_path: Path) -> None:
    table = tmp_path / "episodes.csv"
    table.write_text("path,show,season,episode,language\nIsle/odd.srt,Quay,2,7,en-GB\n")
    flags = ("--episodes", str(table), "--path-pattern", "part {episode}.srt")
    out = label(*flags, **{"odd": CAPTIONS, "part 3": CAPTIONS.replace("Sit", "Lie")})
    rows = labels_of(out, read_manifests(str(out))["0"]).to_pylist()
    assert {(row["episode_id"], row["language"]) for row in rows} == {
        ("Quay/s02e07", "en-GB"),
        ("Isle/e03", None),
    }


def test_of_several_tracks_the_one_with_descriptions_is_labelled(label: Label) -> None:
    tracks = {"S01E01.en.forced": "Lie", "S01E01.en.sdh": "Sit", "S01E01.en": "Get"}
    out = label(**{name: CAPTIONS.replace("Sit", verb) for name, verb in tracks.items()})
    manifest = read_manifests(str(out))["0"]
    rows = labels_of(out, manifest).to_pylist()
    assert [row["text"] for row in rows][1] == "Sit down."
    assert manifest["counts"]["rejected"] == {"duplicate_episode": 8}


def test_another_language_is_refused_unless_any_is_asked_for(label: Label) -> None:
    out = label(**{"S01E01": CAPTIONS, "S01E02.de": CAPTIONS.replace("Sit", "Lie")})
    counts = read_manifests(str(out))["0"]["counts"]
    assert (counts["episodes"], counts["rejected"]) == (1, {"other_language": 4})
    out = label("--any-language")
    manifest = read_manifests(str(out))["0"]
    assert {row["language"] for row in labels_of(out, manifest).to_pylist()} == {None, "de"}


def test_speakers_are_reported_and_proposals_printed_as_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "Isle" / "S01E01.srt"
    path.parent.mkdir()
    path.write_text(CAPTIONS.replace("PROST", "PROBST"))
    assert main(["speakers", str(path)]) == 0
    report = capsys.readouterr().out
    assert "JEFF PROBST" in report
    assert "generic" in report
    assert main(["speakers", str(path), "--csv"]) == 0
    assert capsys.readouterr().out == ("namespace,scope,alias,speaker\nIsle,,PROBST,JEFF PROBST\n")


def test_files_that_claim_one_episode_are_told_before_and_after_labelling(
    label: Label, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"S01E01 a": CAPTIONS, "S01E01 b": CAPTIONS.replace("Sit", "Lie")}
    label(**files, **{"S01E02.en": CAPTIONS, "S01E02.en.sdh": CAPTIONS.replace("Sit", "Get")})
    assert "`emonet speakers INPUT...` lists them" in capsys.readouterr().out
    assert main(["speakers", str(tmp_path / "Isle"), "--json"]) == 0
    (conflict,) = json.loads(capsys.readouterr().out)["conflicts"]
    paths = [str(tmp_path / "Isle" / f"{name}.srt") for name in files]
    assert conflict == {"episode_id": "Isle/s01e01", "sources": paths}
    assert main(["speakers", str(tmp_path / "Isle")]) == 0
    assert "Isle/s01e01" in capsys.readouterr().out


def test_what_was_assumed_of_a_file_is_told(
    label: Label, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "Isle" / "lines.csv"
    table.parent.mkdir()
    table.write_text("Character,Dialogue\nAnn,We are late.\nBo,So we are.\n")
    out = label(S01E01=CAPTIONS.replace("04,100 -->", "04,100 ->"))
    told = capsys.readouterr().out
    assert "assumed: text=dialogue in 1 file;" in told
    assert "repaired: 1 cues or rows" in told
    counts = read_manifests(str(out))["0"]["counts"]
    assert counts["assumed"] == {"speaker=character": 1, "text=dialogue": 1}
    assert main(["speakers", str(tmp_path / "Isle")]) == 0
    assert "assumed: speaker=character in 1 file;" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flag", "table", "said"),
    [
        ("--aliases", "alias,speaker\nA,B\n", "column namespace is missing"),
        ("--aliases", "namespace,scope,alias,speaker\ns,,A,B\ns,,a,C\n", "two speakers"),
        ("--episodes", "path\na.srt\n", "column show is missing"),
        ("--episodes", None, "cannot be read: FileNotFoundError"),
    ],
)
def test_a_bad_table_is_an_error_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str, table: str | None, said: str
) -> None:
    path = tmp_path / "table.csv"
    if table is not None:
        path.write_text(table)
    assert main(["speakers", str(tmp_path), flag, str(path)]) == 1
    assert said in capsys.readouterr().err
