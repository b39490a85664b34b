"""Engines lose state: what a run does then. The loss is put where Beam hands the state over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from made_up_corpora import label, write_season

from beam_pipeline.console import sentence_of
from beam_pipeline.memory import Tail
from beam_pipeline.stages import recall as stage
from model.artifact import Checkpoint

WHOLE = stage.recall
Scan = Callable[[str, Iterable[Tail], int], Any]


def loses_a_recall(speaker: str, tails: Iterable[Tail], n: int) -> Any:
    recalls, memory = WHOLE(speaker, tails, n)
    return recalls[:-1], memory


def doubles_a_recall(speaker: str, tails: Iterable[Tail], n: int) -> Any:
    recalls, memory = WHOLE(speaker, tails, n)
    return [*recalls, recalls[-1]], memory


def loses_a_tail(speaker: str, tails: Iterable[Tail], n: int) -> Any:
    return WHOLE(speaker, sorted(tails, key=lambda tail: tail.place)[1:], n)


def fires_on_halves(speaker: str, tails: Iterable[Tail], n: int) -> Any:
    """Every episode has just one recall, and one memory comes out: only the counts tell."""
    timeline = sorted(tails, key=lambda tail: tail.place)
    middle = len(timeline) // 2
    first, _ = WHOLE(speaker, timeline[:middle], n)
    second, memory = WHOLE(speaker, timeline[middle:], n)
    return [*first, *second], memory


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_season(tmp_path / "season", range(1, 5))


@pytest.mark.parametrize(
    ("scan", "told"),
    [
        (loses_a_recall, "0 recalls, expected 1"),
        (doubles_a_recall, "2 recalls, expected 1"),
        (loses_a_tail, "0 recalls, expected 1"),
        (fires_on_halves, "tails, expected"),
    ],
)
def test_a_run_on_an_engine_that_loses_state_is_refused_and_the_last_night_stays(
    scan: Scan,
    told: str,
    corpus: Path,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    label(tiny_checkpoint, [corpus], out)
    before = (out / "_manifests" / "night=1.json").read_bytes()

    monkeypatch.setattr(stage, "recall", scan)
    with pytest.raises(Exception, match="not committed") as refusal:
        label(tiny_checkpoint, [corpus], out)

    sentence = sentence_of(refusal.value)
    assert "night 1 is not committed" in sentence
    assert "Quay/s01e0" in sentence
    assert told in sentence
    assert (out / "_manifests" / "night=1.json").read_bytes() == before
    assert json.loads(before)["supersedes"] is None
