"""The whole job, killed and starved: readers see the old night or the new one."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_corpora import digests, episode, write_jsonl, write_season
from made_up_runs import files_of, query, without_progress

from beam_pipeline.output.manifest import read_manifests
from beam_pipeline.output.verify import verify
from model.checkpoint import Checkpoint

pytestmark = pytest.mark.faults

COUNT = "SELECT night, count(*) FROM labels GROUP BY night ORDER BY night"


def command(checkpoint: Checkpoint, corpus: Path, output: Path, night: str) -> list[str]:
    flags = ["--output", str(output), "--night", night, "--checkpoint", str(checkpoint.folder)]
    return [sys.executable, "-P", "-m", "emonet", "label", str(corpus), *flags]


def start(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def second_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_season(tmp_path_factory.mktemp("second") / "quay", range(3, 40))


@pytest.fixture(scope="module")
def committed(tiny_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OUT after a first night."""
    folder = tmp_path_factory.mktemp("committed")
    first = write_season(folder / "quay", (1, 2))
    subprocess.run(command(tiny_checkpoint, first, folder / "out", "1"), check=True)
    return folder / "out"


@pytest.fixture(scope="module")
def clean(
    tiny_checkpoint: Checkpoint,
    committed: Path,
    second_night: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, str], float]:
    """What a second night writes that nobody disturbs, and the seconds it takes after begin."""
    output = tmp_path_factory.mktemp("clean") / "out"
    shutil.copytree(committed, output)
    (output / ".lock").unlink()
    with start(command(tiny_checkpoint, second_night, output, "2")) as running:
        begun = wait_until_it_begins(running, output)
        assert running.wait() == 0
    return digests(read_manifests(str(output))["2"]), time.monotonic() - begun


def wait_until_it_begins(running: subprocess.Popen[str], output: Path) -> float:
    while not (output / ".lock").exists():
        assert running.poll() is None
        time.sleep(0.01)
    return time.monotonic()


def descendants(root: int) -> set[int]:
    """All processes that a process started, and those that these started."""
    stats = [path.read_text() for path in Path("/proc").glob("[0-9]*/stat")]
    parents = {int(stat.split()[0]): int(stat.rpartition(")")[2].split()[1]) for stat in stats}
    family = {root}
    for process in sorted(parents):
        if parents[process] in family:
            family.add(process)
    return family - {root}


def moments() -> Iterator[float]:
    """Ten random points between the begin of a run and a little past its usual end."""
    drawn = random.Random(4)
    return (drawn.uniform(0, 1.05) for _ in range(10))


@pytest.mark.parametrize("moment", [pytest.param(at, id=f"{at:.2f}") for at in moments()])
def test_a_job_killed_at_any_moment_leaves_the_old_night_or_the_new_one(
    tiny_checkpoint: Checkpoint,
    committed: Path,
    second_night: Path,
    clean: tuple[dict[str, str], float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: float,
) -> None:
    expected, seconds = clean
    output = tmp_path / "out"
    shutil.copytree(committed, output)
    (output / ".lock").unlink()
    night = command(tiny_checkpoint, second_night, output, "2")
    with start(night) as running:
        begun = wait_until_it_begins(running, output)
        time.sleep(max(0, begun + moment * seconds - time.monotonic()))
        family = descendants(running.pid)
        running.kill()
    assert [process for process in family if Path(f"/proc/{process}").exists()] == []

    problems = list(verify(str(output)))
    assert [one for one in problems if "the next commit mends it" not in one] == []
    found = read_manifests(str(output))
    assert list(found) in (["1"], ["1", "2"])
    seen = query(output, COUNT, monkeypatch)
    assert seen in ([("1", 28)], [("1", 28), ("2", 37 * 14)])

    again = subprocess.run(night, capture_output=True, text=True, check=True)
    assert without_progress(again.stderr) == ""
    assert digests(read_manifests(str(output))["2"]) == expected
    assert query(output, COUNT, monkeypatch) == [("1", 28), ("2", 37 * 14)]
    assert list(verify(str(output))) == []


@pytest.fixture
def small_disc(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disc"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no right to mount a disc of 3 MB")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disc_of_3_mb_fills_up_with_a_clear_message_and_the_last_night_stays(
    tiny_checkpoint: Checkpoint, small_disc: Path, tmp_path: Path
) -> None:
    first = write_season(tmp_path / "first" / "quay", (1, 2))
    output = small_disc / "out"
    subprocess.run(command(tiny_checkpoint, first, output, "1"), check=True)
    before = files_of(output)
    # four megabytes that no compression makes smaller
    noise = random.Random(7)
    rows = ({**row, "episode": number, "text": noise.randbytes(700).hex()}
            for number in range(3, 43) for row in episode(3, 150))  # fmt: skip
    large = write_jsonl(tmp_path / "quay.jsonl", rows)
    noisy = [*command(tiny_checkpoint, large, output, "2"), "--any-language"]
    with start(noisy) as running:
        _, error = running.communicate(timeout=500)
    assert running.returncode == 1
    assert "No space left on device" in error
    assert "make room" in error
    assert len(without_progress(error).splitlines()) == 1
    assert before.items() <= files_of(output).items()
    assert list(read_manifests(str(output))) == ["1"]
    assert list(verify(str(output))) == []
    # nothing half written is left
    assert [name for name in files_of(output) if ".writing" in name] == []
