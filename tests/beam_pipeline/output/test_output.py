from __future__ import annotations

import dataclasses
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_runs import (
    LABELS,
    ORIGIN,
    WIDTH,
    Night,
    begin,
    entries,
    files_read,
    labelled,
    memory_of,
    night,
    query,
    remembered,
    rows_of,
    run_night,
    source_of,
    written_parts,
)
from plain_commit import commit

from beam_pipeline.output.manifest import Origin, read_manifests
from beam_pipeline.output.memories import read_memory, write_memory
from beam_pipeline.output.tables import shard_of, write_labels, write_rejected
from beam_pipeline.records import EmonetError, Reason, Rejected, labels_schema, memory_schema


@st.composite
def memories(draw: st.DrawFn) -> list[tuple[str, np.ndarray]]:
    names = draw(st.lists(st.text(max_size=5), min_size=1, max_size=6, unique=True))
    lengths = draw(st.lists(st.integers(0, 3), min_size=len(names), max_size=len(names)))
    sizes = [2 * WIDTH * length for length in lengths]
    bits = [draw(st.binary(min_size=size, max_size=size)) for size in sizes]
    rows = [np.frombuffer(some, np.float16).reshape(-1, WIDTH) for some in bits]
    return list(zip(names, rows, strict=True))


@given(memories())
def test_a_memory_is_read_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, spoke: list[tuple[str, np.ndarray]]
) -> None:
    folder = tmp_path_factory.mktemp("memory")
    run = begin(folder, "1")
    written = write_memory(run, 0, spoke)
    assert written.rows == written.layers[0].rows == len(spoke)
    after = dataclasses.replace(run, memory=written.layers)
    found = list(read_memory(after, 0, [speaker for speaker, _ in spoke]))
    assert [speaker for speaker, _ in found] == sorted(speaker for speaker, _ in spoke)
    for speaker, tail in found:
        expected = dict(spoke)[speaker]
        assert tail.place == ()
        assert tail.embeddings.dtype == np.float16
        assert tail.embeddings.shape == expected.shape
        assert tail.embeddings.tobytes() == expected.tobytes()


def test_rows_come_in_timeline_order_whatever_the_order_of_arrival(tmp_path: Path) -> None:
    run = begin(tmp_path, "1")
    episodes = [labelled(number) for number in (10, 2, 1)]
    part = write_labels(run, 3, episodes)
    table = pq.read_table(tmp_path / part.path, partitioning=None)
    assert table["episode"].to_pylist() == [1] * 3 + [2] * 3 + [10] * 3
    assert table["utterance"].to_pylist() == [0, 1, 2] * 3
    assert part == write_labels(run, 3, reversed(episodes))


def test_refusals_come_by_source_and_position(tmp_path: Path) -> None:
    refused = [
        Rejected(source, position, Reason.NO_CUES, "", 1)
        for source, position in (("b", ""), ("a", "line 2"), ("a", "line 1"))
    ]
    part = write_rejected(begin(tmp_path, "1"), 0, refused)
    rows = pq.read_table(tmp_path / part.path, partitioning=None).to_pylist()
    assert [(row["source"], row["position"]) for row in rows] == [
        ("a", "line 1"),
        ("a", "line 2"),
        ("b", ""),
    ]


def test_files_have_the_schemas_of_the_records(tmp_path: Path) -> None:
    manifest = run_night(tmp_path, "1", night(1, 2))
    for part in manifest["labels"]:
        assert pq.read_schema(tmp_path / part["path"]).equals(labels_schema(LABELS))
    for part in manifest["memory"]:
        assert pq.read_schema(tmp_path / part["path"]).equals(memory_schema(WIDTH))


def test_an_episode_lies_in_one_file_and_every_file_is_used(tmp_path: Path) -> None:
    run = dataclasses.replace(begin(tmp_path, "1"), shards=8)
    manifest = commit(run, entries(run, night(*range(60))))
    files_with = defaultdict(set)
    for part in manifest["labels"]:
        for row in pq.read_table(tmp_path / part["path"], partitioning=None).to_pylist():
            files_with[row["episode_id"]].add(part["path"])
    assert len(files_with) == 60
    assert {len(paths) for paths in files_with.values()} == {1}
    assert len(set.union(*files_with.values())) == 8


def test_the_file_of_an_episode_is_the_same_in_every_release() -> None:
    shards = [shard_of(f"show/s01e{number:02d}", 8) for number in range(1, 9)]
    assert shards == [2, 0, 7, 3, 3, 5, 3, 4]


def test_the_manifest_names_every_file_with_its_rows_and_what_became_of_the_input(
    tmp_path: Path,
) -> None:
    whole = night(1, 2)
    manifest = run_night(tmp_path, "1", whole)
    assert read_manifests(str(tmp_path)) == {"1": manifest}
    for part in written_parts(tmp_path, manifest):
        assert pq.read_metadata(tmp_path / part.path).num_rows == part.rows
    counts = manifest["counts"]
    assert (counts["files"], counts["episodes"], counts["utterances"]) == (2, 2, 6)
    assert sum(counts["labels"].values()) == 6
    assert (counts["rejected"], counts["rejected_files"]) == ({}, {"no_cues": 1})
    assert counts["speakers"] == 2
    assert files_read(tmp_path, manifest)[1]["episodes"] == [("show/s01e01", 3), ("show/s01e02", 3)]


def test_the_same_inputs_give_the_same_bytes_and_the_later_run_supersedes(tmp_path: Path) -> None:
    first = run_night(tmp_path, "1", night(1, 2))
    again = run_night(tmp_path, "1", night(1, 2))
    assert (first["supersedes"], again["supersedes"]) == (None, first["run"])
    assert read_manifests(str(tmp_path)) == {"1": again}
    assert [part.sha256 for part in written_parts(tmp_path, first)] == [
        part.sha256 for part in written_parts(tmp_path, again)
    ]
    # the files of the first are still there for whoever reads them now
    assert len(rows_of(tmp_path, first)) == 6


def test_a_night_builds_on_the_latest_night_before_it_and_on_no_later_one(tmp_path: Path) -> None:
    for name in ("2026-11-20", "2026-11-22", "2026-11-24"):
        run_night(tmp_path, name, night(1, speakers=(f"ann of {name}",)))
    run = begin(tmp_path, "2026-11-23")
    assert (run.memory_night, run.supersedes) == ("2026-11-22", None)
    assert set(remembered(tmp_path, read_manifests(str(tmp_path))["2026-11-22"])) == {
        "ann of 2026-11-20",
        "ann of 2026-11-22",
    }
    assert begin(tmp_path, "2026-11-20").memory_night is None
    assert begin(tmp_path, "2026-11-24").memory_night == "2026-11-22"


@pytest.mark.parametrize("other", [Origin("another", WIDTH, 3), Origin("the embedder", WIDTH, 5)])
def test_a_memory_of_another_encoder_or_length_is_refused(tmp_path: Path, other: Origin) -> None:
    run_night(tmp_path, "1", night(1))
    with pytest.raises(EmonetError) as refused:
        begin(tmp_path, "2", origin=other)
    message = str(refused.value)
    for origin in (ORIGIN, other):
        assert f"embedder {origin.embedder[:12]}, width {WIDTH}, N {origin.history}" in message
    assert "rebuild-memory" in message


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "ä", "x" * 65, "-1", "a\n"])
def test_a_night_whose_name_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EmonetError, match="--night"):
        begin(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


LABEL_ROWS = "SELECT episode_id, utterance, text, label, night FROM labels ORDER BY ALL"


def expected_rows(folder: Path, *manifests: dict[str, Any]) -> list[tuple[Any, ...]]:
    return sorted(
        (row["episode_id"], row["utterance"], row["text"], row["label"], manifest["night"])
        for manifest in manifests
        for row in rows_of(folder, manifest)
    )


def test_the_views_show_the_rows_of_all_nights_and_none_of_a_superseded_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(tmp_path, "007", night(1, 2, text="superseded "))
    first = run_night(tmp_path, "007", night(1, 2))
    assert query(tmp_path, LABEL_ROWS, monkeypatch) == expected_rows(tmp_path, first)
    second = run_night(tmp_path, "2026-11-22", night(3, speakers=("bo", "cleo")))
    assert query(tmp_path, LABEL_ROWS, monkeypatch) == expected_rows(tmp_path, first, second)
    assert len(expected_rows(tmp_path, first, second)) == 9
    runs = query(tmp_path, "SELECT DISTINCT night, run FROM labels ORDER BY ALL", monkeypatch)
    assert runs == [("007", first["run"]), ("2026-11-22", second["run"])]
    assert query(tmp_path, "SELECT count(*) FROM rejected", monkeypatch) == [(2,)]
    spoke = query(tmp_path, "SELECT speaker_id FROM memory ORDER BY ALL", monkeypatch)
    assert spoke == [("ann",), ("bo",), ("cleo",)]


def test_the_views_show_nights_of_models_with_other_classes_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(tmp_path, "1", night(1))
    other = labelled(2)
    renamed = other.rows.rename_columns(
        ["prob_anger" if name == "prob_sadness" else name for name in other.rows.column_names]
    )
    episode = type(other)(other.place, renamed)
    run_night(tmp_path, "2", Night(episodes=(episode,), sources=(source_of([episode]),)))
    sql = "SELECT DISTINCT night, prob_anger IS NULL, prob_sadness IS NULL FROM labels ORDER BY 1"
    assert query(tmp_path, sql, monkeypatch) == [("1", True, False), ("2", False, True)]


def test_a_speaker_who_would_be_remembered_twice_is_refused(tmp_path: Path) -> None:
    doubled = [*memory_of("ann", "bo"), *memory_of("ann")]
    with pytest.raises(EmonetError, match="speaker ann is remembered twice"):
        write_memory(begin(tmp_path, "1"), 0, doubled)


def test_a_night_without_any_input_is_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = run_night(tmp_path, "1", Night())
    assert manifest["counts"]["utterances"] == 0
    assert query(tmp_path, "SELECT 1", monkeypatch) == [(1,)]
    assert begin(tmp_path, "2").memory == ()


def test_pandas_polars_and_pyarrow_read_what_the_manifests_name_as_the_views_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(tmp_path, "1", night(1, 2, text="superseded "))
    run_night(tmp_path, "1", night(1, 2))
    run_night(tmp_path, "2", night(3))
    manifests = read_manifests(str(tmp_path)).values()
    paths = [str(tmp_path / part["path"]) for one in manifests for part in one["labels"]]
    columns = ["episode_id", "utterance", "text", "label", "prob_joy"]
    expected = query(tmp_path, f"SELECT {', '.join(columns)} FROM labels ORDER BY ALL", monkeypatch)
    assert len(expected) == 9
    by_pandas = pd.concat([pd.read_parquet(path, columns=columns) for path in paths])
    by_polars = pl.scan_parquet(paths).select(columns).collect()
    by_pyarrow = ds.dataset(paths).to_table(columns=columns)
    assert sorted(by_pandas.itertuples(index=False, name=None)) == expected
    assert sorted(by_polars.iter_rows()) == expected
    assert sorted(tuple(row.values()) for row in by_pyarrow.to_pylist()) == expected
