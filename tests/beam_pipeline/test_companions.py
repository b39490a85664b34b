"""The job with transcripts beside its subtitles: who speaks is the same however it is run."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from made_up_corpora import READING, digests, label, label_whole, labels_of

from beam_pipeline.corpus.companions import companions_of
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import read_path
from beam_pipeline.nights import recorded_night
from beam_pipeline.output.manifest import read_manifests
from model.checkpoint import Checkpoint

LINES = [
    ("Odile", "The kettle is on and the harbour is frozen over again."),
    ("Bruno", "Then nobody sails today, and I can finally mend that winch,"),
    ("Wendel", "whoever sings, the mail boat wants its ropes before noon."),
]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Subtitles of two episodes that name nobody, and a transcript of the first."""
    for number, texts in ((1, [text for _, text in LINES]), (2, ["Nothing of this is known."])):
        cues = (
            f"{at}\n00:00:0{at},000 --> 00:00:0{at},900\n{text}\n" for at, text in enumerate(texts)
        )
        path = tmp_path / "subs" / f"Quay.S01E0{number}.en.srt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(cues))
    (tmp_path / "transcripts").mkdir()
    script = "\n\n".join(f"{name.upper()}: {text}" for name, text in LINES)
    (tmp_path / "transcripts" / "Quay S01E01.txt").write_text(script)
    return tmp_path


def reading_of(corpus: Path) -> ReadOptions:
    transcripts = tuple(str(path) for path in sorted((corpus / "transcripts").iterdir()))
    return dataclasses.replace(READING, transcripts=transcripts)


def test_slices_and_the_whole_job_name_the_same_and_account_for_every_file(
    tiny_checkpoint: Checkpoint, corpus: Path, tmp_path: Path
) -> None:
    reading = reading_of(corpus)
    inputs = [corpus / "subs"]
    sliced = label(tiny_checkpoint, inputs, tmp_path / "sliced", reading=reading)
    whole = label_whole(tiny_checkpoint, inputs, tmp_path / "whole", reading=reading)
    assert digests(sliced) == digests(whole)
    rows = labels_of(tmp_path / "sliced", sliced).to_pylist()
    # the second cue runs on into the third: two speakers, whom the transcript tells apart
    assert [row["speaker_name"] for row in rows] == ["ODILE", "BRUNO", "WENDEL", None]
    assert [row["speaker_source"] for row in rows] == ["transcript"] * 3 + ["none"]
    assert rows[3]["speaker_confidence"] is None
    assert sliced["counts"]["files"] == 3
    assert sliced["counts"]["utterances"] == sliced["counts"]["read"] == 4


def test_a_night_is_recorded_with_its_transcripts_apart_from_what_it_labels(
    tiny_checkpoint: Checkpoint, corpus: Path, tmp_path: Path
) -> None:
    reading = reading_of(corpus)
    label(tiny_checkpoint, [corpus / "subs"], tmp_path / "out", reading=reading)
    out = str(tmp_path / "out")
    night = recorded_night(out, read_manifests(out)["1"])
    assert [Path(path).name for path in night.paths] == ["Quay.S01E01.en.srt", "Quay.S01E02.en.srt"]
    assert night.reading.transcripts == reading.transcripts


def test_the_transcript_with_the_most_words_counts_whatever_else_lies_beside_it(
    corpus: Path,
) -> None:
    other = corpus / "transcripts" / "Quay - S01E01 - another cut.txt"
    other.write_text("INGA: Some other words.\n\nPIPPA: Of some other evening.\n")
    shutil.copy(other, corpus / "transcripts" / "Quay S01E02.txt")
    reading = reading_of(corpus)
    backwards = dataclasses.replace(reading, transcripts=reading.transcripts[::-1])
    joined = [
        [
            one.utterances.to_pylist()
            for path in sorted((corpus / "subs").iterdir())
            for content in read_path(str(path), options)
            for one in companions_of(options).joined(content, options).episodes
        ]
        for options in (reading, backwards)
    ]
    assert joined[0] == joined[1]
    names = [[row["speaker_name"] for row in rows] for rows in joined[0]]
    assert names == [["ODILE", "BRUNO", "WENDEL"], [None]]


def test_a_transcript_is_timed_by_subtitles(corpus: Path) -> None:
    options = dataclasses.replace(READING, timed_by=tuple(map(str, (corpus / "subs").iterdir())))
    (content,) = read_path(str(corpus / "transcripts" / "Quay S01E01.txt"), options)
    rows = companions_of(options).joined(content, options).episodes[0].utterances.to_pylist()
    assert [row["speaker_name"] for row in rows] == ["ODILE", "BRUNO", "WENDEL"]
    assert rows[0]["start_ms"] == 0
    assert rows[0]["end_ms"] == 900
    assert 1000 < rows[2]["start_ms"] < rows[2]["end_ms"] <= 2900


def test_the_demos_unnamed_episode_is_named_by_its_transcript() -> None:
    demo = Path(__file__).parents[2] / "demo"
    transcripts = tuple(map(str, (demo / "transcripts").iterdir()))
    options = dataclasses.replace(READING, transcripts=transcripts)
    (content,) = read_path(str(demo / "unnamed" / "Tolsay.Ferry.S01E06.en.srt"), options)
    rows = companions_of(options).joined(content, options).episodes[0].utterances.to_pylist()
    unnamed = [row["text"] for row in rows if row["speaker_name"] is None]
    assert unnamed == ["Somebody close that door!"]
    assert len(rows) == 43
    assert len({row["dialogue_id"] for row in rows}) == 4
    said_by = {row["text"]: row["speaker_name"] for row in rows}
    assert said_by["I only said please."] == "Ambrose"
    # who is one person in the episodes with labels is the same one here
    (labelled,) = read_path(str(demo / "Tolsay Ferry" / "Tolsay.Ferry.S01E03.en.srt"), READING)
    ids = set(labelled.episodes[0].utterances["speaker_id"].to_pylist())
    assert {row["speaker_id"] for row in rows if row["speaker_name"] == "Odile"} <= ids
