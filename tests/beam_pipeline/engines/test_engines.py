"""Whole jobs on other engines than the one in the process, and what their workers' death does."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
from made_up_corpora import digests, label, sentence, write_jsonl, write_season
from made_up_runs import files_of, without_progress
from services import Engine, Host, job_service, prism, prism_program

from beam_pipeline.memory import Tail
from beam_pipeline.output.manifest import read_manifests
from beam_pipeline.output.verify import verify
from beam_pipeline.stages.recall import Recalled, RecallSpeakers, _Recall, _tails
from emonet.cli.console import sentence_of
from model.checkpoint import Checkpoint

pytestmark = pytest.mark.engines

EPISODES, CAST = 2000, 20
RUNS = 3
BOUND_S = 900.0
"""Far more than a run takes, or than an engine needs to notice that a worker is gone."""
BOUNDED = f"--job_server_timeout={BOUND_S:.0f}"


@pytest.fixture(scope="module")
def workers_know_the_tests() -> Iterator[None]:
    """Workers unpickle what is defined here."""
    root = Path(__file__).parents[3]
    folders = [str(folder) for folder in (root, root / "tests" / "support", root / "benchmarks")]
    known = [*folders, *filter(None, [os.environ.get("PYTHONPATH")])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(known))
        yield


@pytest.fixture(scope="module")
def on_prism(
    workers_know_the_tests: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    program = prism_program()
    if program is None:
        pytest.skip("no prism; `make engines` builds it")
    with prism(tmp_path_factory.mktemp("prism"), program, [Host()]) as engine:
        yield engine


@pytest.fixture(scope="module")
def on_job_service(
    workers_know_the_tests: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    with job_service(tmp_path_factory.mktemp("service"), 2) as engine:
        yield engine


@pytest.fixture(scope="module", params=["on_prism", "on_job_service"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many episodes, in each of which a cast of 20 speaks, that an engine splits its bundles."""
    folder = tmp_path_factory.mktemp("crowd") / "quay"
    random = np.random.default_rng(5)
    for part in range(8):
        numbers = range(part * EPISODES // 8, (part + 1) * EPISODES // 8)
        write_jsonl(
            folder / f"{part}.jsonl",
            (
                {
                    "show": "Quay",
                    "season": 1,
                    "episode": number + 1,
                    "dialogue": "d",
                    "speaker": f"Speaker {chr(65 + speaker)}",
                    "text": sentence(random),
                    "language": "en",
                }
                for number in numbers
                for speaker in random.permutation(CAST)
            ),
        )
    return folder


@pytest.fixture(scope="module")
def expected(
    tiny_checkpoint: Checkpoint, crowd: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    return digests(label(tiny_checkpoint, [crowd], tmp_path_factory.mktemp("here")))


def test_prism_commits_what_the_process_commits(
    tiny_checkpoint: Checkpoint,
    crowd: Path,
    expected: dict[str, str],
    on_prism: Engine,
    tmp_path: Path,
) -> None:
    for run in range(RUNS):
        flags = [*on_prism.flags, BOUNDED]
        found = label(tiny_checkpoint, [crowd], tmp_path / str(run), flags=flags)
        assert digests(found) == expected


class Scattered(RecallSpeakers):
    """The stateful stage without the grouping before it: what Prism loses state of."""

    def expand(self, encoded: Any) -> Recalled:
        whole = super().expand(encoded)
        tails = encoded | "Scattered" >> beam.FlatMap(_tails, self.history).with_output_types(
            tuple[str, Tail]
        )
        apart = tails | beam.MapTuple(_alone).with_output_types(tuple[str, list[Tail]])
        scan = beam.ParDo(_Recall(self.history)).with_outputs("memory", main="recalls")
        recalled = apart | "ScanScattered" >> scan
        return whole._replace(recalls=recalled["recalls"], memory=recalled["memory"])


def _alone(speaker: str, tail: Tail) -> tuple[str, list[Tail]]:
    return speaker, [tail]


def test_a_stage_whose_state_prism_loses_commits_the_same_or_is_refused_by_name(
    tiny_checkpoint: Checkpoint,
    crowd: Path,
    expected: dict[str, str],
    on_prism: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("beam_pipeline.pipeline.RecallSpeakers", Scattered)
    named = re.compile(
        r"night 1 is not committed, .* Quay/s01e\d+: [0-9a-f]{16}: "
        r"|speaker [0-9a-f]{16} is remembered twice; "
    )
    for run in range(RUNS):
        output = tmp_path / str(run)
        found = digests_or_refusal(tiny_checkpoint, crowd, output, on_prism)
        if isinstance(found, str):
            assert named.match(found)
            assert read_manifests(str(output)) == {}
        else:
            assert found == expected


def digests_or_refusal(
    checkpoint: Checkpoint, corpus: Path, output: Path, engine: Engine
) -> dict[str, str] | str:
    try:
        return digests(label(checkpoint, [corpus], output, flags=[*engine.flags, BOUNDED]))
    except RuntimeError as refused:
        return sentence_of(refused)


@pytest.fixture(scope="module")
def first_night(tiny_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OUT after a first night."""
    folder = tmp_path_factory.mktemp("first")
    label(tiny_checkpoint, [write_season(folder / "quay", (1, 2))], folder / "out", night="1")
    return folder / "out"


@dataclasses.dataclass(frozen=True)
class SecondNight:
    """A night on an engine, what it writes, and how long it takes once a worker is there."""

    checkpoint: Checkpoint
    corpus: Path
    engine: Engine
    digests: dict[str, str]
    seconds: float

    @contextlib.contextmanager
    def begun(self, output: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
        """The command, and a worker of its own as soon as there is one."""
        flags = ["--output", str(output), "--night", "2", "--corpus", "made up", *self.engine.flags]
        model = ["--checkpoint", str(self.checkpoint.folder)]
        command = [sys.executable, "-P", "-m", "emonet", "label", str(self.corpus)]
        before = set(self.engine.workers())
        with subprocess.Popen(
            [*command, *model, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as running:
            try:
                deadline = time.monotonic() + BOUND_S
                while not (own := set(self.engine.workers()) - before):
                    assert running.poll() is None, running.communicate()[1]
                    assert time.monotonic() < deadline, "no worker was ever started"
                    time.sleep(0.01)
                yield running, min(own)
            finally:
                # what hangs would be waited for
                running.kill()


@pytest.fixture(scope="module")
def second_night(
    tiny_checkpoint: Checkpoint,
    first_night: Path,
    engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
) -> SecondNight:
    folder = tmp_path_factory.mktemp("second")
    corpus = write_season(folder / "quay", range(3, 303))
    output = copied(first_night, folder / "here")
    written = digests(label(tiny_checkpoint, [corpus], output, night="2"))
    night = SecondNight(tiny_checkpoint, corpus, engine, written, 0.0)
    output = copied(first_night, folder / "there")
    with night.begun(output) as (running, _):
        begun = time.monotonic()
        assert_success(running)
    assert digests(read_manifests(str(output))["2"]) == written
    return dataclasses.replace(night, seconds=time.monotonic() - begun)


def assert_success(running: subprocess.Popen[str]) -> None:
    _, errors = running.communicate(timeout=BOUND_S)
    assert running.returncode == 0, errors


def copied(output: Path, there: Path) -> Path:
    shutil.copytree(output, there)
    (there / ".lock").unlink()
    return there


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
def test_a_worker_that_is_killed_costs_a_run_and_no_more(
    first_night: Path, second_night: SecondNight, tmp_path: Path, share: float
) -> None:
    output = copied(first_night, tmp_path / "out")
    before = files_of(output)
    with second_night.begun(output) as (running, worker):
        time.sleep(share * second_night.seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
        _, errors = running.communicate(timeout=BOUND_S)
    if running.returncode:
        assert len(without_progress(errors).splitlines()) == 1
    # a worker may die between the commit and its telling of it
    committed = read_manifests(str(output))
    if "2" in committed:
        assert digests(committed["2"]) == second_night.digests
    else:
        assert running.returncode
        assert before.items() <= files_of(output).items()
    assert list(verify(str(output))) == []

    with second_night.begun(output) as (again, _):
        assert_success(again)
    assert digests(read_manifests(str(output))["2"]) == second_night.digests
    assert list(verify(str(output))) == []


def test_a_job_that_its_launcher_gives_up_is_not_committed_later(
    tiny_checkpoint: Checkpoint, crowd: Path, on_prism: Engine, tmp_path: Path
) -> None:
    with pytest.raises(Exception, match="DEADLINE_EXCEEDED"):
        label(
            tiny_checkpoint,
            [crowd],
            tmp_path / "out",
            # enough to submit it, and less than the start of its workers and their work take
            flags=[*on_prism.flags, "--job_server_timeout=5"],
        )
    deadline = time.monotonic() + BOUND_S
    while on_prism.workers() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert on_prism.workers() == []
    assert read_manifests(str(tmp_path / "out")) == {}
