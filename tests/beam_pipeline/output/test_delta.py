"""The labels as a Delta table, read by programs that know nothing of manifests."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import polars
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from made_up_runs import begin, entries, labelled, night, query, run_night
from plain_commit import commit

from beam_pipeline.output import delta
from beam_pipeline.output.delta import LOG, write_delta_log
from beam_pipeline.output.manifest import (
    Manifest,
    manifest_path,
    read_manifest,
    read_manifests,
    sealed,
)
from beam_pipeline.output.verify import verify
from beam_pipeline.records import EmonetError, Labelled
from beam_pipeline.storage import Storage
from emonet.corpus import open_output


def named_files(folder: Path) -> list[str]:
    return sorted(open_output(str(folder)).parquet_files())


def files_in_log(folder: Path) -> list[str]:
    return sorted(DeltaTable(folder / "labels").file_uris())


def versions(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / LOG).glob("*.json"))


def test_the_table_names_the_files_of_all_nights_and_none_of_a_superseded_run(
    tmp_path: Path,
) -> None:
    for numbers in ((1,), (2, 3), (4,)):
        run_night(tmp_path, str(numbers[0]), night(*numbers))
        assert files_in_log(tmp_path) == named_files(tmp_path)
    run_night(tmp_path, "4", night(4, 9))
    assert files_in_log(tmp_path) == named_files(tmp_path)
    assert list(verify(str(tmp_path))) == []


def test_polars_pandas_and_pyarrow_read_the_rows_of_the_views(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(tmp_path, "1", night(1, 2))
    run_night(tmp_path, "1", night(1, 3))
    run_night(tmp_path, "2", night(4))
    columns = "night, run, episode_id, utterance, text, label, prob_joy, history_length"
    expected = sorted(query(tmp_path, f"SELECT {columns} FROM labels", monkeypatch))
    names = columns.split(", ")
    table = DeltaTable(tmp_path / "labels")
    arrow = table.to_pyarrow_table(columns=names)
    assert sorted(tuple(row[name] for name in names) for row in arrow.to_pylist()) == expected
    assert sorted(polars.read_delta(str(tmp_path / "labels")).select(names).rows()) == expected
    frame = table.to_pandas(columns=names)
    assert sorted(tuple(row) for row in frame.to_numpy().tolist()) == expected


def test_a_night_of_a_model_with_other_classes_adds_its_columns(tmp_path: Path) -> None:
    run_night(tmp_path, "1", night(1))
    other = labelled(2)
    at = other.rows.column_names.index("prob_joy")
    rows = other.rows.append_column(
        pa.field("prob_awe", pa.float32(), nullable=False),
        pa.array(np.zeros(3, "float32")),
    ).remove_column(at)
    whole = dataclasses.replace(night(2), episodes=(Labelled(other.place, rows),))
    run_night(tmp_path, "2", whole, labels=("awe", "neutral", "sadness"))
    table = polars.read_delta(str(tmp_path / "labels")).sort("night")
    assert table["prob_awe"].to_list() == [None] * 3 + [0.0] * 3
    assert table["prob_joy"].null_count() == 3


def test_a_night_without_labels_is_a_table_with_columns_and_no_rows(tmp_path: Path) -> None:
    run_night(tmp_path, "1", night())
    table = polars.read_delta(str(tmp_path / "labels"))
    assert table.height == 0
    assert {"text", "label", "prob_joy", "night"} <= set(table.columns)


def test_a_commit_that_died_before_the_log_is_told_by_verify_and_mended_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(tmp_path, "1", night(1))
    with monkeypatch.context() as dying:
        dying.setattr("beam_pipeline.output.commit.write_delta_log", lambda output: None)
        run_night(tmp_path, "1", night(5))
        run_night(tmp_path, "2", night(2))
    # the manifests are the truth: every reader of ours has the new nights
    assert len(open_output(str(tmp_path)).labels()) == 6
    (problem,) = verify(str(tmp_path))
    assert problem.startswith(f"{tmp_path}/{LOG}: is not as it should be")
    run_night(tmp_path, "3", night(3))
    assert files_in_log(tmp_path) == named_files(tmp_path)
    assert list(verify(str(tmp_path))) == []


def test_a_log_that_cannot_be_written_undoes_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(output: str) -> None:
        raise EmonetError("no room")

    monkeypatch.setattr("beam_pipeline.output.commit.write_delta_log", full)
    manifest = run_night(tmp_path, "1", night(1))
    assert read_manifests(str(tmp_path)) == {"1": manifest}


def test_nothing_is_appended_where_nothing_changed(tmp_path: Path) -> None:
    run = begin(tmp_path, "1")
    reported = entries(run, night(1))
    for _ in range(3):
        commit(run, reported)
        write_delta_log(str(tmp_path))
    assert versions(tmp_path) == [f"{0:020d}.json"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]\n", b'{"add": {}}\n'])
def test_a_damaged_log_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    for name in "123":
        run_night(tmp_path, name, night(int(name)))
    (tmp_path / LOG / f"{1:020d}.json").write_bytes(damage)
    assert any(LOG in problem for problem in verify(str(tmp_path)))
    run_night(tmp_path, "4", night(4))
    assert files_in_log(tmp_path) == named_files(tmp_path)
    assert list(verify(str(tmp_path))) == []


def test_a_version_that_is_gone_is_made_anew(tmp_path: Path) -> None:
    for name in "123":
        run_night(tmp_path, name, night(int(name)))
    (tmp_path / LOG / f"{0:020d}.json").unlink()
    run_night(tmp_path, "3", night(3))
    assert files_in_log(tmp_path) == named_files(tmp_path)


def test_what_another_program_wrote_into_the_table_is_taken_out_again(tmp_path: Path) -> None:
    for name in "12":
        run_night(tmp_path, name, night(int(name)))
    DeltaTable(tmp_path / "labels").delete("night = '1'")
    assert any(LOG in problem for problem in verify(str(tmp_path)))
    run_night(tmp_path, "3", night(3))
    assert files_in_log(tmp_path) == named_files(tmp_path)


def test_of_commits_side_by_side_none_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Night 2 is committed between what the log of night 1 is made from and its append."""
    first = run_night(tmp_path, "1", night(1))

    def read_while_another_commits(storage: Storage, name: str) -> tuple[Manifest, str] | None:
        found = read_manifest(storage, name)
        monkeypatch.setattr(delta, "read_manifest", read_manifest)
        run_night(tmp_path, "2", night(2))
        return found

    monkeypatch.setattr(delta, "read_manifest", read_while_another_commits)
    run_night(tmp_path, "1", night(7))
    assert read_manifests(str(tmp_path))["1"]["run"] != first["run"]
    assert files_in_log(tmp_path) == named_files(tmp_path)


def test_manifests_that_the_log_has_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def counted(storage: Storage, name: str) -> tuple[Manifest, str] | None:
        seen.append(name)
        return read_manifest(storage, name)

    monkeypatch.setattr(delta, "read_manifest", counted)
    for name in "123":
        run_night(tmp_path, name, night(int(name)))
    assert seen == ["1", "2", "3"]


def test_a_night_that_is_no_more_is_taken_out(tmp_path: Path) -> None:
    for name in "12":
        run_night(tmp_path, name, night(int(name)))
    (tmp_path / manifest_path("2")).unlink()
    write_delta_log(str(tmp_path))
    assert files_in_log(tmp_path) == named_files(tmp_path)


def test_a_long_log_has_checkpoints_and_is_read_from_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delta, "CHECKPOINT_EVERY", 3)
    for number in range(5):
        run_night(tmp_path, str(number), night(number))
    run_night(tmp_path, "4", night(11))
    for path in (tmp_path / LOG).glob("*.json"):
        if int(path.stem) <= 3:
            path.unlink()
    assert json.loads((tmp_path / LOG / "_last_checkpoint").read_text())["version"] == 3
    assert files_in_log(tmp_path) == named_files(tmp_path)
    assert polars.read_delta(str(tmp_path / "labels")).height == 15
    run_night(tmp_path, "6", night(6))
    assert versions(tmp_path) == [f"{number:020d}.json" for number in (4, 5, 6)]
    assert files_in_log(tmp_path) == named_files(tmp_path)
    assert list(verify(str(tmp_path))) == []


def test_a_folder_that_is_moved_is_the_same_table(tmp_path: Path) -> None:
    run_night(tmp_path / "here", "1", night(1))
    (tmp_path / "here").rename(tmp_path / "there")
    assert polars.read_delta(str(tmp_path / "there" / "labels")).height == 3
    assert list(verify(str(tmp_path / "there"))) == []


def test_a_damaged_manifest_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    manifest = run_night(tmp_path, "1", night(1))
    before = versions(tmp_path)
    (tmp_path / manifest_path("1")).write_bytes(b"{")
    with pytest.raises(EmonetError, match="damaged"):
        write_delta_log(str(tmp_path))
    (tmp_path / manifest_path("1")).write_bytes(sealed(manifest))
    assert versions(tmp_path) == before
    assert list(verify(str(tmp_path))) == []
