"""The commit, killed at each of its system calls: the old night or the new one, nothing third."""

from __future__ import annotations

import datetime
import hashlib
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_runs import begin, entries, files_of, night, query, run_night
from plain_commit import accounted

from beam_pipeline.output.manifest import read_manifests
from beam_pipeline.output.vacuum import temporary_files, unnamed_runs, vacuum
from beam_pipeline.output.verify import verify
from beam_pipeline.storage import TEMPORARY

pytestmark = pytest.mark.faults

COUNT = "SELECT night, count(*) FROM labels GROUP BY night ORDER BY night"
OLD, NEW = [("1", 3), ("2", 3)], [("1", 3), ("2", 6)]
CHANGING = re.compile("(open|mkdir|write|fsync|rename|flock)")
"""The calls by which a commit changes a disc; a processor's own forms of them have longer names."""


class Commits:
    """Commits of one run over copies of one OUT, each traced from its first system call."""

    def __init__(self, folder: Path):
        self.before, self.log = folder / "before", folder / "log"
        for name in "12":
            run_night(self.before, name, night(int(name)))
        self.old = read_manifests(str(self.before))["2"]["run"]
        run = begin(self.before, "2")
        self.new = run.name
        made = folder / "run.pickle"
        made.write_bytes(pickle.dumps((run, accounted(run, entries(run, night(2, 3))))))
        support = Path(__file__).parent / "support"
        paths = os.pathsep.join(map(str, (support.parents[1], support)))
        self.forks = subprocess.Popen(
            [sys.executable, str(support / "commit_forks.py"), str(made)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONPATH": paths},
        )

    def attempt(self, output: Path, *flags: str) -> int:
        """The exit status of a commit to a new copy of OUT, under strace with more flags."""
        shutil.rmtree(output, ignore_errors=True)
        shutil.copytree(self.before, output)
        child = self._answer(f"{output}\n")
        with subprocess.Popen(
            ["strace", "-p", str(child), "-o", str(self.log), *flags],
            stderr=subprocess.PIPE,
            text=True,
        ) as strace:
            assert strace.stderr is not None
            line = strace.stderr.readline()
            if "attached" not in line:
                os.kill(child, signal.SIGKILL)
                raise RuntimeError(f"strace cannot trace a process of this user: {line}")
            return self._answer("\n")

    def calls(self) -> Counter[str]:
        """How often the last attempt made each system call."""
        return Counter(re.findall(r"^(\w+)\(", self.log.read_text(), re.MULTILINE))

    def _answer(self, line: str) -> int:
        assert self.forks.stdin is not None
        assert self.forks.stdout is not None
        self.forks.stdin.write(line)
        return int(self.forks.stdout.readline())


@pytest.fixture
def commits(tmp_path: Path) -> Iterator[Commits]:
    if shutil.which("strace") is None:
        pytest.skip("no strace; `apt-get install strace`")
    made = Commits(tmp_path)
    with made.forks:
        yield made
        made.forks.kill()


def state_of(folder: Path) -> frozenset[tuple[str, str]]:
    """What a reader can tell apart: temporary files have random names."""
    return frozenset(
        (
            re.sub(rf"{re.escape(TEMPORARY)}\w+", TEMPORARY, path),
            hashlib.sha256(content).hexdigest(),
        )
        for path, content in files_of(folder).items()
    )


def night_is_old_or_new(output: Path, commits: Commits, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Holds that readers see one of the two nights; whether it is the new one."""
    assert [one for one in verify(str(output)) if "the next commit mends it" not in one] == []
    seen = read_manifests(str(output))["2"]["run"]
    assert seen in (commits.old, commits.new)
    assert query(output, COUNT, monkeypatch) == (NEW if seen == commits.new else OLD)
    return bool(seen == commits.new)


def goes_on_as_if_nothing_had_been(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    again = run_night(output, "2", night(2, 3))
    assert list(verify(str(output))) == []
    assert query(output, COUNT, monkeypatch) == NEW
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    vacuum(str(output), datetime.timedelta(hours=1), later)
    assert (unnamed_runs(str(output)), temporary_files(str(output))) == ([], [])
    assert read_manifests(str(output))["2"] == again
    assert list(verify(str(output))) == []


def test_a_commit_killed_at_any_system_call_leaves_the_old_night_or_the_new_one(
    commits: Commits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    assert commits.attempt(output) == 0
    calls = commits.calls()
    changing = {call: times for call, times in calls.items() if CHANGING.match(call)}
    assert len(changing) >= 6
    killed: Counter[str] = Counter()
    found: dict[frozenset[tuple[str, str]], bool] = {}
    for call, times in calls.items():
        for number in range(1, times + 1):
            inject = f"inject={call}:signal=KILL:when={number}"
            status = commits.attempt(output, "-e", inject)
            # a call of the interpreter's own, for memory, may be made once less
            assert status in (0, -signal.SIGKILL), inject
            killed[call] += status == -signal.SIGKILL
            state = state_of(output)
            if state not in found:
                found[state] = night_is_old_or_new(output, commits, monkeypatch)
                goes_on_as_if_nothing_had_been(output, monkeypatch)
    assert {call: killed[call] for call in changing} == changing
    assert killed.total() > 0.95 * calls.total()
    # before and after the rename, and with something half written: the manifest, then the log
    temporaries = [any(TEMPORARY in path for path, _ in state) for state in found]
    assert {*zip(found.values(), temporaries, strict=True)} == {
        (False, False),
        (False, True),
        (True, False),
        (True, True),
    }
