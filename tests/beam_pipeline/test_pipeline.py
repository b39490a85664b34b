from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from made_up_corpora import (
    READING,
    digests,
    episode,
    label,
    labels_of,
    write_jsonl,
    write_season,
    write_srt,
)
from made_up_runs import remembered

from beam_pipeline.records import Reason, labels_schema
from beam_pipeline.stages.model_cache import ModelSource
from beam_pipeline.transcripts import read_transcripts
from model.checkpoint import Checkpoint
from model.evaluation.calibration import probabilities
from model.evaluation.scores import predict
from model.network.emonet import histories
from model.network.precision import VARIABLE, Precision

EPISODES = 8
LAST = f"{EPISODES:02d}"


@pytest.fixture(scope="module", params=Precision, autouse=True)
def precision(request: pytest.FixtureRequest) -> Iterator[Precision]:
    """Each precision, forced for all that this module labels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, request.param)
        yield request.param


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two shows, one of them as tables and as subtitles, an episode a file."""
    folder = tmp_path_factory.mktemp("corpus")
    write_season(folder / "quay", range(1, EPISODES))
    write_srt(folder / "Quay" / f"Quay S01E{LAST}.srt", EPISODES)
    write_season(folder / "pier", (1, 2), show="Pier", turns=5)
    return sorted(path for path in folder.rglob("*") if path.is_file())


Whole = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="module")
def whole(
    corpus: list[Path],
    tiny_checkpoint: Checkpoint,
    tmp_path_factory: pytest.TempPathFactory,
    precision: Precision,
) -> Whole:
    """All of it labelled at once, in each precision."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, label(tiny_checkpoint, corpus, folder)


def rows_of(whole: Whole) -> list[dict[str, Any]]:
    return labels_of(*whole).to_pylist()  # type: ignore[no-any-return]


def test_the_job_and_a_plain_loop_agree_to_the_last_bit(
    corpus: list[Path], whole: Whole, tiny_checkpoint: Checkpoint, precision: Precision
) -> None:
    transcripts = read_transcripts([str(path) for path in corpus], READING)
    model = ModelSource(str(tiny_checkpoint.folder), None, precision).load()
    encodings = [model.encode(transcript) for transcript in transcripts]
    windows = histories(transcripts, model.settings.history)
    embeddings = np.concatenate([encoding.embeddings for encoding in encodings])
    speaker = model.speaker_logits(embeddings, windows)
    context = np.concatenate([encoding.context_logits for encoding in encodings])
    logits = predict(model, transcripts)
    chosen = logits.argmax(axis=1)
    # otherwise a job that forgets all speakers would pass
    assert (chosen != context.argmax(axis=1)).mean() > 0.1

    table = labels_of(*whole)
    labels = tiny_checkpoint.settings.labels
    assert table["text"].to_pylist() == [text for t in transcripts for text in t.texts]
    assert table["label"].to_pylist() == [labels[at] for at in chosen]
    expected = probabilities(logits)
    for at, name in enumerate(labels):
        np.testing.assert_array_equal(table[f"prob_{name}"].to_numpy(), expected[:, at])
    parts = speaker[np.arange(len(chosen)), chosen]
    np.testing.assert_array_equal(table["speaker_logit"].to_numpy(), parts)
    np.testing.assert_array_equal(table["history_length"].to_numpy(), (windows >= 0).sum(axis=1))


def test_files_have_the_schema_of_the_records_and_rows_in_order(
    whole: Whole, tiny_checkpoint: Checkpoint
) -> None:
    folder, manifest = whole
    labels = tiny_checkpoint.settings.labels
    for part in manifest["labels"]:
        table = pq.read_table(folder / part["path"], partitioning=None)
        assert table.schema.equals(labels_schema(labels))
        places = [(r["episode_id"], r["utterance"]) for r in table.to_pylist()]
        assert places == sorted(places)
        columns = [table[f"prob_{name}"].to_numpy() for name in labels]
        total = np.sum(columns, axis=0, dtype=np.float64)
        np.testing.assert_allclose(total, 1, rtol=0, atol=float(np.finfo(np.float32).eps))


def test_a_nameless_speaker_has_no_history_and_no_part_in_any_label(whole: Whole) -> None:
    nameless = [row for row in rows_of(whole) if row["speaker_id"] is None]
    assert len(nameless) > 10
    assert {(row["history_length"], row["speaker_logit"]) for row in nameless} == {(0, 0.0)}


def test_a_speaker_is_remembered_from_tables_to_subtitles(whole: Whole) -> None:
    last = [row for row in rows_of(whole) if row["episode_id"] == f"Quay/s01e{LAST}"]
    first = {row["speaker_id"]: row for row in reversed(last)}
    assert {row["history_length"] for row in first.values()} == {3}
    assert {row["speaker_name"] for row in first.values()} == {"ANN", "CLEO", "DORA"}


@pytest.mark.parametrize(
    "flags",
    [
        ["--direct_num_workers=1"],
        ["--direct_num_workers=3"],
        ["--direct_num_workers=2", "--direct_running_mode=multi_threading"],
    ],
)
def test_the_bytes_do_not_depend_on_workers_or_the_order_of_files(
    corpus: list[Path], whole: Whole, tiny_checkpoint: Checkpoint, tmp_path: Path, flags: list[str]
) -> None:
    again = label(tiny_checkpoint, corpus[::-1], tmp_path, flags=flags)
    assert digests(again) == digests(whole[1])
    assert again["counts"] == whole[1]["counts"]
    assert digests(again, "files") == digests(whole[1], "files")


def test_episodes_in_one_file_are_labelled_as_in_a_file_each(
    whole: Whole, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    rows = [row for number in range(1, EPISODES) for row in episode(number)]
    together = write_jsonl(tmp_path / "all" / "season.jsonl", reversed_episodes(rows))
    manifest = label(tiny_checkpoint, [together], tmp_path / "out")
    found = labels_of(tmp_path / "out", manifest).to_pylist()
    ids = {row["episode_id"] for row in found}
    assert len(ids) == EPISODES - 1
    assert found == [row for row in rows_of(whole) if row["episode_id"] in ids]


def reversed_episodes(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number in sorted({row["episode"] for row in rows}, reverse=True):
        yield from (row for row in rows if row["episode"] == number)


def test_night_by_night_gives_the_bits_of_all_at_once(
    corpus: list[Path], whole: Whole, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    pier, quay = corpus_of(corpus, "pier"), corpus_of(corpus, "quay")
    nights = {"1": [*pier[:1], *quay[:3]], "2": quay[3:5], "3": [*pier[1:], *quay[5:]]}
    rows: list[dict[str, Any]] = []
    for name, files in nights.items():
        manifest = label(tiny_checkpoint, files, tmp_path, night=name)
        rows += labels_of(tmp_path, manifest).to_pylist()
    assert sorted(rows, key=lambda r: (r["episode_id"], r["utterance"])) == rows_of(whole)
    assert remembered(tmp_path, manifest) == remembered(*whole)
    # somebody of the first night was not heard of in the last, and is still remembered
    assert manifest["counts"]["speakers"] < whole[1]["counts"]["speakers"] == 8


def corpus_of(corpus: list[Path], show: str) -> list[Path]:
    """The files of a show, in timeline order."""
    own = [path for path in corpus if path.parent.name.casefold() == show]
    return sorted(own, key=lambda path: path.stem[-2:])


def test_a_night_that_is_run_again_remembers_what_it_did_at_first(
    corpus: list[Path], tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    quay = corpus_of(corpus, "quay")
    label(tiny_checkpoint, quay[:2], tmp_path, night="1")
    first = label(tiny_checkpoint, quay[2:4], tmp_path, night="2")
    again = label(tiny_checkpoint, quay[2:4], tmp_path, night="2")
    assert first["run"] == again["supersedes"]
    assert digests(first) == digests(again)


def test_another_word_changes_its_speakers_later_lines_within_reach_and_nothing_else_later(
    tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    numbers = range(1, 5)
    before = write_season(tmp_path / "before" / "quay", numbers)
    after = write_season(tmp_path / "after" / "quay", numbers)
    rows = episode(2)
    changed = max(at for at, row in enumerate(rows) if row["speaker"] == "Bo")
    rows[changed]["text"] = "quiet rain over the ship"
    write_jsonl(after / "02.jsonl", rows)

    transcripts = read_transcripts([str(before)], READING)
    reach = (histories(transcripts, 3) == 14 + changed).any(axis=1)
    later = np.repeat([int(t.place[2]) > 2 for t in transcripts], [len(t) for t in transcripts])
    # the reach crosses the episodes' border, and ends before the last line
    assert 0 < (reach & later).sum() < later.sum()

    old, new = (
        labels_of(out, label(tiny_checkpoint, [folder], out)).to_pylist()
        for folder, out in ((before, tmp_path / "out0"), (after, tmp_path / "out1"))
    )
    assert [a != b for a, b in zip(old, new, strict=True) if a["episode"] > 2] == list(reach[later])
    moved = {name for a, b in zip(old, new, strict=True) for name in a if a[name] != b[name]}
    in_later = {
        name
        for a, b in zip(old, new, strict=True)
        if a["episode"] > 2
        for name in a
        if a[name] != b[name]
    }
    assert "text" in moved
    assert "speaker_logit" in in_later
    probs = {f"prob_{name}" for name in tiny_checkpoint.settings.labels}
    assert in_later <= {"label", "speaker_logit", *probs}


def test_everything_that_came_in_is_labelled_or_rejected_with_its_reason(
    tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    folder = tmp_path / "Quay"
    write_srt(folder / "Quay S01E01.srt", 1, turns=6)
    broken = (folder / "Quay S01E01.srt").read_text()
    broken += "\n99\n-->\n\n100\n00:01:30,000 --> 00:01:31,000\n{'no ' * 9999}\n"
    (folder / "Quay S01E02.srt").write_text(broken)
    (folder / "Quay S01E03.srt").write_text("")
    (folder / "notes.srt").write_text("only words, no cues")
    (folder / "nothing.bin").write_bytes(b"\0\1\2\3" * 100)
    write_jsonl(folder / "z.jsonl", [*episode(1, 5), {"speaker": "Ann"}])
    manifest = label(tiny_checkpoint, sorted(folder.iterdir()), tmp_path / "out")
    counts = manifest["counts"]
    labelled = labels_of(tmp_path / "out", manifest).to_pylist()
    assert {row["episode_id"] for row in labelled} == {"Quay/s01e01", "Quay/s01e02"}
    assert counts["utterances"] == len(labelled) == 12
    assert counts["found"] == counts["utterances"] + counts["dropped"] + sum(
        counts["rejected"].values()
    )
    rejected = [
        row
        for part in manifest["rejected"]
        for row in pq.read_table(tmp_path / "out" / part["path"], partitioning=None).to_pylist()
    ]
    reasons = {(Path(row["source"]).name, row["reason"], row["items"]) for row in rejected}
    assert {
        ("Quay S01E02.srt", Reason.MALFORMED_CUE, 1),
        ("Quay S01E03.srt", Reason.EMPTY_FILE, 1),
        ("notes.srt", Reason.NO_CUES, 1),
        ("z.jsonl", Reason.EMPTY_TEXT, 1),
        ("z.jsonl", Reason.DUPLICATE_EPISODE, 5),
    } <= reasons
    (twin,) = [row for row in rejected if row["reason"] == Reason.DUPLICATE_EPISODE]
    assert "Quay S01E01.srt" in twin["detail"]
    # nothing of what was said
    written = json.dumps(rejected)
    assert not [row["text"] for row in episode(1, 5) if row["text"] in written]


def test_without_any_history_the_speakers_part_is_nothing(small_bert: Any, tmp_path: Path) -> None:
    from small_models import untrained

    from model.checkpoint import open_checkpoint, save_checkpoint

    save_checkpoint(tmp_path / "checkpoint", untrained(small_bert, history=0), {})
    season = write_season(tmp_path / "quay", (1, 2))
    checkpoint = open_checkpoint(tmp_path / "checkpoint")
    manifest = label(checkpoint, [season], tmp_path / "out")
    rows = labels_of(tmp_path / "out", manifest).to_pylist()
    assert {(row["history_length"], row["speaker_logit"]) for row in rows} == {(0, 0.0)}
    assert set(remembered(tmp_path / "out", manifest).values()) == {b""}
    later = write_season(tmp_path / "later" / "quay", (3,))
    assert label(checkpoint, [later], tmp_path / "out", night="2")["counts"]["episodes"] == 1
