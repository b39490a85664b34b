"""A night of twelve slices, killed: the same command goes on, and does next to nothing again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_up_corpora import digests, write_season
from made_up_runs import files_of

from beam_pipeline.output.manifest import read_manifests
from beam_pipeline.output.verify import verify
from model.checkpoint import Checkpoint

pytestmark = pytest.mark.faults

EPISODES, PER_SLICE, UTTERANCES = 24, 2, 30
"""So many episodes of 14 utterances, so many of them a slice."""


def start(checkpoint: Checkpoint, corpus: Path, output: Path) -> subprocess.Popen[str]:
    tests = Path(__file__).parent
    program = [sys.executable, "-P", str(tests / "support" / "slice_runs.py")]
    paths = os.pathsep.join([str(tests / "support"), str(tests.parent)])
    return subprocess.Popen(
        [*program, str(checkpoint.folder), str(corpus), str(output), str(UTTERANCES)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )


def encoded(running: subprocess.Popen[str], at_most: int) -> list[str]:
    """The episodes that a run encodes; it is killed when it begins the last of so many."""
    assert running.stdout is not None
    episodes: list[str] = []
    with running:
        while len(episodes) < at_most and (line := running.stdout.readline()):
            episodes.append(line.strip())
        if len(episodes) == at_most:
            running.kill()
        else:
            assert running.wait() == 0
    return episodes


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_season(tmp_path_factory.mktemp("corpus") / "quay", range(1, EPISODES + 1))


@pytest.fixture(scope="module")
def clean(
    tiny_checkpoint: Checkpoint, corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What a run writes that nobody kills."""
    output = tmp_path_factory.mktemp("clean") / "out"
    assert len(encoded(start(tiny_checkpoint, corpus, output), EPISODES + 1)) == EPISODES
    return digests(read_manifests(str(output))["1"])


@pytest.mark.parametrize("at", [1, 4, 11, 18, EPISODES])
def test_a_killed_night_goes_on_and_does_a_slice_again_at_most(
    tiny_checkpoint: Checkpoint, corpus: Path, clean: dict[str, str], tmp_path: Path, at: int
) -> None:
    output = tmp_path / "out"
    before = encoded(start(tiny_checkpoint, corpus, output), at)
    assert len(before) == at
    assert read_manifests(str(output)) == {}
    after = encoded(start(tiny_checkpoint, corpus, output), EPISODES + 1)
    assert len({*before, *after}) == EPISODES
    assert len(after) == len(set(after))
    # of the slice that was at work all is done again, and of those before it nothing
    assert len(set(before) & set(after)) <= PER_SLICE
    assert digests(read_manifests(str(output))["1"]) == clean
    assert list(verify(str(output))) == []
    # what the killed run read, a vacuum removes; of slices nothing is left
    assert not [name for name in files_of(output) if name.endswith("/kept")]
