"""A night slice by slice: the bytes of all at once, and nothing done twice that was done."""

from __future__ import annotations

import datetime
import itertools
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_corpora import (
    digests,
    episode,
    label,
    label_whole,
    labels_of,
    write_jsonl,
    write_season,
    write_srt,
)
from made_up_runs import files_of

from beam_pipeline import labelling
from beam_pipeline.look_through import Planned
from beam_pipeline.memory import Tail, recall
from beam_pipeline.output.manifest import read_manifests
from beam_pipeline.output.tables import row_groups
from beam_pipeline.output.vacuum import vacuum
from beam_pipeline.output.verify import verify
from beam_pipeline.records import Episode
from beam_pipeline.slices import cut
from beam_pipeline.spill import Spilled
from model.checkpoint import Checkpoint

SLICE = 30
"""Utterances: two episodes of a season, one of which a slice ends with."""

# when a run fails, Beam's threads lose their connection to one another
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def planned(number: int, rows: int) -> Planned:
    lies = Spilled("", 0, 0, str(number))
    return Planned(("Quay", 1, number, f"Quay/{number}"), "", "", (), rows, "", lies)


@given(st.lists(st.integers(1, 40)), st.integers(1, 50))
def test_slices_are_the_timeline_in_pieces_none_larger_than_asked_but_for_one_large_episode(
    sizes: list[int], at_most: int
) -> None:
    episodes = [planned(number, rows) for number, rows in enumerate(sizes)]
    slices = list(cut(episodes, at_most))
    assert [one for slice_ in slices for one in slice_] == episodes
    for slice_ in slices:
        assert len(slice_) == 1 or 0 < sum(one.rows for one in slice_) <= at_most
    # none could have taken in the episode after it
    for one, after in itertools.pairwise(slices):
        assert sum(planned.rows for planned in (*one, after[0])) > at_most


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.data())
def test_what_slices_recall_one_after_another_is_what_all_at_once_recalls(
    sizes: list[int], data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, 5))
    random = np.random.default_rng(sum(sizes))
    tails = [
        Tail(("Quay", 1, number, f"{number}"), random.normal(size=(rows, 2)).astype(np.float16))
        for number, rows in enumerate(sizes)
    ]
    before = Tail((), random.normal(size=(n, 2)).astype(np.float16))
    ends = sorted(data.draw(st.sets(st.integers(1, len(tails) - 1)))) if len(tails) > 1 else []
    whole = {episode: one.embeddings for episode, one in recall("ann", [before, *tails], n)}
    sliced: dict[str | None, np.ndarray] = {}
    memory = before
    for begin, end in zip([0, *ends], [*ends, len(tails)], strict=True):
        recalled = recall("ann", [memory, *tails[begin:end]], n)
        sliced |= {episode: one.embeddings for episode, one in recalled}
        memory = Tail((), sliced[None])
    assert {at: one.tobytes() for at, one in sliced.items()} == {
        at: one.tobytes() for at, one in whole.items()
    }


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shows whose episodes lie apart and together, a copy, a claim and what is refused."""
    folder = tmp_path_factory.mktemp("corpus")
    write_season(folder / "quay", range(3, 9))
    write_srt(folder / "Quay" / "Quay S01E09.srt", 9)
    pier = [row for number in range(1, 6) for row in episode(number, 9, show="Pier")]
    write_jsonl(folder / "pier.jsonl", pier)
    write_jsonl(folder / "copy.jsonl", episode(4))
    write_jsonl(folder / "other.jsonl", episode(5, 6))
    (folder / "empty.srt").write_text("")
    return folder


@pytest.fixture(scope="module")
def first(tiny_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The season that the corpus goes on with."""
    return write_season(tmp_path_factory.mktemp("first") / "quay", (1, 2))


@pytest.fixture(scope="module")
def whole(
    tiny_checkpoint: Checkpoint, first: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The manifest of the second night, by one job over all of it."""
    folder = tmp_path_factory.mktemp("whole")
    label_whole(tiny_checkpoint, [first], folder, night="1")
    return label_whole(tiny_checkpoint, [corpus], folder, night="2")


@pytest.fixture
def output(tiny_checkpoint: Checkpoint, first: Path, tmp_path: Path) -> Path:
    """OUT after the first night."""
    label(tiny_checkpoint, [first], tmp_path / "out", night="1")
    return tmp_path / "out"


def assert_as_at_once(manifest: dict[str, Any], whole: dict[str, Any], output: Path) -> None:
    assert digests(manifest) == digests(whole)
    assert manifest["counts"] == whole["counts"]
    assert manifest["memory_from"] == whole["memory_from"]
    assert list(verify(str(output))) == []
    assert not [name for name in files_of(output) if name.startswith("_work")]


@pytest.mark.parametrize("utterances", [1, 1000])
def test_slices_of_any_size_write_the_bytes_of_all_at_once(
    tiny_checkpoint: Checkpoint, corpus: Path, output: Path, whole: dict[str, Any], utterances: int
) -> None:
    manifest = label(tiny_checkpoint, [corpus], output, night="2", slice_utterances=utterances)
    assert_as_at_once(manifest, whole, output)


def test_size_decides_the_number_of_files_and_slices_fill_them_as_all_at_once_does(
    tiny_checkpoint: Checkpoint,
    corpus: Path,
    whole: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert {part["path"][-11:-8] for part in whole["labels"]} == {"001"}
    monkeypatch.setattr("beam_pipeline.output.tables._FILE_BYTES", 4000)
    at_once = label_whole(tiny_checkpoint, [corpus], tmp_path / "whole")
    size = sum(len(content) for content in files_of(corpus).values())
    assert 1 < len(at_once["labels"]) <= -(-size // 4000)
    sliced = label(tiny_checkpoint, [corpus], tmp_path / "out", slice_utterances=SLICE)
    assert digests(sliced) == digests(at_once)
    # whatever their number, files have the same rows
    monkeypatch.undo()
    one = label(tiny_checkpoint, [corpus], tmp_path / "one")
    assert len(one["labels"]) == 1
    assert labels_of(tmp_path / "out", sliced).equals(labels_of(tmp_path / "one", one))


@given(st.lists(st.integers(0, 9), min_size=1), st.integers(1, 7))
def test_row_groups_do_not_depend_on_how_rows_come(sizes: list[int], size: int) -> None:
    ends = np.cumsum([0, *sizes])
    rows = pa.table({"row": np.arange(ends[-1])})
    pieces = [rows.slice(begin, count) for begin, count in zip(ends, sizes, strict=False)]
    assert [group.num_rows for group in row_groups(pieces, size)] == [
        min(size, rows.num_rows - begin) for begin in range(0, rows.num_rows, size)
    ]
    groups = [group["row"].to_pylist() for group in row_groups(pieces, size)]
    assert [row for group in groups for row in group] == list(range(rows.num_rows))


class Encoding:
    """Counts what is encoded, and fails at an episode."""

    def __init__(self, fails_at: str | None = None):
        self.episodes: list[str] = []
        self.fails_at = fails_at

    def __call__(self, model: Any, episodes: Sequence[Episode]) -> list[labelling.Encoded]:
        ids = [episode.episode_id for episode in episodes]
        if self.fails_at in ids:
            raise RuntimeError("cut off")
        self.episodes += ids
        return labelling.encode_episodes(model, episodes)


@pytest.fixture
def cut_off(
    tiny_checkpoint: Checkpoint, output: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path], Encoding]:
    """Cuts a second night off in the last slice but one; gives what is encoded from there on."""

    def cut_off(corpus: Path) -> Encoding:
        before = in_view(output)
        with monkeypatch.context() as patch:
            patch.setattr("beam_pipeline.stages.encode.encode_episodes", Encoding("Quay/s01e08"))
            with pytest.raises(RuntimeError):
                label(tiny_checkpoint, [corpus], output, night="2", slice_utterances=SLICE)
        # of what was done nothing is in view
        assert in_view(output) == before
        encoding = Encoding()
        monkeypatch.setattr("beam_pipeline.stages.encode.encode_episodes", encoding)
        return encoding

    return cut_off


def in_view(output: Path) -> dict[str, bytes]:
    return {name: one for name, one in files_of(output).items() if not name.startswith("_work")}


CutOff = Callable[[Path], Encoding]


@pytest.mark.parametrize("fresh", [False, True])
def test_the_same_command_again_goes_on_from_the_slices_that_are_done_unless_it_is_fresh(
    tiny_checkpoint: Checkpoint,
    corpus: Path,
    output: Path,
    whole: dict[str, Any],
    cut_off: CutOff,
    fresh: bool,
) -> None:
    encoding = cut_off(corpus)
    manifest = label(
        tiny_checkpoint, [corpus], output, night="2", slice_utterances=SLICE, fresh=fresh
    )
    if fresh:
        assert len(encoding.episodes) == whole["counts"]["episodes"]
    else:
        assert sorted(encoding.episodes) == ["Quay/s01e07", "Quay/s01e08", "Quay/s01e09"]
    assert_as_at_once(manifest, whole, output)


def test_slices_from_one_whose_input_is_another_now_are_labelled_again(
    tiny_checkpoint: Checkpoint, corpus: Path, output: Path, tmp_path: Path, cut_off: CutOff
) -> None:
    own = tmp_path / "in"
    shutil.copytree(corpus, own)
    encoding = cut_off(own)
    rows = episode(3)
    write_jsonl(own / "quay" / "03.jsonl", [{**rows[0], "text": "quiet rain"}, *rows[1:]])
    manifest = label(tiny_checkpoint, [own], output, night="2", slice_utterances=SLICE)
    # the show that comes before on the timeline is as it was
    assert sorted(encoding.episodes) == [f"Quay/s01e{number:02d}" for number in range(3, 10)]
    clean = label(tiny_checkpoint, [own], output, night="2", slice_utterances=1000)
    assert digests(manifest) == digests(clean)


def test_a_vacuum_removes_what_an_interrupted_night_left(
    output: Path, corpus: Path, cut_off: CutOff
) -> None:
    cut_off(corpus)
    assert [name for name in files_of(output) if name.startswith("_work")]
    removed = vacuum(str(output), datetime.timedelta(days=7), datetime.datetime.now(datetime.UTC))
    assert not removed.files
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=8)
    vacuum(str(output), datetime.timedelta(days=7), later)
    assert not [name for name in files_of(output) if name.startswith("_work")]
    assert list(read_manifests(str(output))) == ["1"]
