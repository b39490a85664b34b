"""Every episode is labelled once, in the earliest night that holds it; what is not is told."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from made_up_nights import File, label_files
from made_up_runs import ORIGIN, WIDTH, rows_of
from plain_commit import commit

from beam_pipeline.output.manifest import Manifest, read_manifests
from beam_pipeline.output.past import outdated_nights
from beam_pipeline.output.verify import verify
from beam_pipeline.records import EmonetError

NIGHTS = ("1", "2", "3", "4")
Row = tuple[str, str, str, float]

A, B = File("e1", "abc"), File("e2", "defg")


def run(folder: Path, night: str, *files: File) -> Manifest:
    return commit(*label_files(folder, night, files))


def cascade(folder: Path, asked: dict[str, Sequence[File]]) -> None:
    """Runs outdated nights again, first to last, as the command does."""
    while outdated := list(outdated_nights(read_manifests(str(folder)))):
        run(folder, outdated[0], *asked[outdated[0]])


def labelled(folder: Path) -> dict[str, list[Row]]:
    """What each night labels: episode, speaker, words and how far the past moved them."""
    return {
        night: sorted(
            (row["episode_id"], row["speaker_name"] or "", row["text"], row["speaker_logit"])
            for row in rows_of(folder, manifest)
        )
        for night, manifest in read_manifests(str(folder)).items()
    }


def test_an_earlier_night_that_comes_late_with_an_episode_of_a_later_one_outdates_it(
    tmp_path: Path,
) -> None:
    run(tmp_path, "2", A, B)
    run(tmp_path, "1", A)
    assert outdated_nights(read_manifests(str(tmp_path))) == {"2": "1"}
    doubled, superseded, *more = verify(str(tmp_path))
    assert doubled == (
        "night 2: labels show/e1 (labelled in night 1 as well); run it again with --cascade"
    )
    assert superseded.startswith("night 2: stands on superseded nights, 1 or one before it")
    assert more == []
    cascade(tmp_path, {"1": [A], "2": [A, B]})
    assert {name: {row[0] for row in rows} for name, rows in labelled(tmp_path).items()} == {
        "1": {"show/e1"},
        "2": {"show/e2"},
    }
    assert list(verify(str(tmp_path))) == []


def test_a_night_run_again_without_an_episode_outdates_the_later_one_that_left_it_out(
    tmp_path: Path,
) -> None:
    run(tmp_path, "1", A)
    run(tmp_path, "2", A, B)
    other = File("e3", "hij")
    run(tmp_path, "1", other)
    assert outdated_nights(read_manifests(str(tmp_path))) == {"2": "1"}
    lost, superseded, *more = verify(str(tmp_path))
    assert lost == (
        "night 2: read show/e1 (/made/e1), labelled nowhere; run it again with --cascade"
    )
    assert superseded.startswith("night 2: stands on superseded nights, 1 or one before it")
    assert more == []
    cascade(tmp_path, {"1": [other], "2": [A, B]})
    assert {name: {row[0] for row in rows} for name, rows in labelled(tmp_path).items()} == {
        "1": {"show/e3"},
        "2": {"show/e1", "show/e2"},
    }
    assert list(verify(str(tmp_path))) == []


def test_the_same_bytes_under_another_name_on_an_earlier_night_outdate_the_later_one(
    tmp_path: Path,
) -> None:
    run(tmp_path, "2", A)
    run(tmp_path, "1", File("renamed", A.words))
    assert outdated_nights(read_manifests(str(tmp_path))) == {"2": "1"}
    assert "show/e1 (labelled in night 1 as well)" in next(verify(str(tmp_path)))


def test_a_run_over_which_an_earlier_night_was_committed_is_refused(tmp_path: Path) -> None:
    late, early = label_files(tmp_path, "2", [A, B]), label_files(tmp_path, "1", [A])
    commit(*early)
    with pytest.raises(EmonetError, match=r"the nights before night 2 changed .* night 1 now"):
        commit(*late)
    assert list(read_manifests(str(tmp_path))) == ["1"]


files = st.lists(
    st.builds(
        File,
        st.sampled_from(("e1", "e2", "e3")),
        st.sampled_from(("a", "bc", "def")),
        st.sampled_from((None, "ann")),
        st.sampled_from(("x", "y")),
    ),
    max_size=4,
    unique_by=lambda file: file.path,
)


class Nights(RuleBasedStateMachine):
    """Nights that come late, again, shrunk, grown, renamed, and two at the same time."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.asked: dict[str, list[File]] = {}

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @rule(night=st.sampled_from(NIGHTS), files=files)
    def label(self, night: str, files: list[File]) -> None:
        run(self.folder, night, *files)
        self.asked[night] = files

    @rule(nights=st.permutations(NIGHTS).map(lambda names: names[:2]), first=files, second=files)
    def at_the_same_time(self, nights: list[str], first: list[File], second: list[File]) -> None:
        asked = dict(zip(nights, (first, second), strict=True))
        runs = {night: label_files(self.folder, night, files) for night, files in asked.items()}
        for night, begun in runs.items():
            try:
                commit(*begun)
            except EmonetError:
                continue
            self.asked[night] = asked[night]

    @rule()
    def cascade(self) -> None:
        cascade(self.folder, dict(self.asked))
        assert labelled(self.folder) == all_at_once(self.asked)

    @invariant()
    def what_is_not_as_it_should_be_is_told(self) -> None:
        outdated = outdated_nights(read_manifests(str(self.folder)))
        found, expected = labelled(self.folder), all_at_once(self.asked)
        assert found.keys() == expected.keys()
        current = itertools.takewhile(lambda night: night not in outdated, sorted(found))
        assert all(found[night] == expected[night] for night in current)
        if self.asked:
            assert bool(list(verify(str(self.folder)))) == bool(outdated)


TestNights = Nights.TestCase
TestNights.settings = settings(max_examples=25, stateful_step_count=8, deadline=None)


def all_at_once(asked: dict[str, list[File]]) -> dict[str, list[Row]]:
    """What each night labels, were all of them labelled anew in their order."""
    names: set[str] = set()
    contents: set[tuple[str | None, str]] = set()
    said: list[float] = []
    nights = {}
    for night in sorted(asked):
        claims: dict[str, File] = {}
        for file in sorted(asked[night], key=lambda file: file.path):
            claims.setdefault(file.name, file)
        once: dict[tuple[str | None, str], File] = {}
        for file in sorted(claims.values(), key=lambda file: file.path):
            if file.name not in names and (file.speaker, file.words) not in contents:
                once.setdefault((file.speaker, file.words), file)
        contents |= once.keys()
        names |= {file.name for file in once.values()}
        rows = []
        for file in sorted(once.values(), key=lambda file: file.name):
            for word in file.words:
                moved = sum(said[-ORIGIN.history :]) if file.speaker else 0.0
                rows.append((file.episode_id, file.speaker or "", word, moved))
                said += [WIDTH * float(ord(word))] if file.speaker else []
        nights[night] = sorted(rows)
    return nights
