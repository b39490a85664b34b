"""The page: what it holds, what it lets run, and what it says."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_labels import Line, committed, labelled_lines, small_season

import emonet
import emonet.report
from emonet.__main__ import main
from emonet.emotions import Emotions, read_emotions
from emonet.report.columns import packed_columns
from emonet.report.findings import SCENE_LINES, findings, intense_scenes
from emonet.report.page import report_page

FOLDER = Path(emonet.report.__file__).parent
ATTACK = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
TYPES = {"probabilities": "u1", "labels": "u1", "shifts": "i1"}


class Parts(HTMLParser):
    """The scripts of a page, its policy, and what it would fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.policy = ""
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self._in_script = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append(tag)
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append((known, ""))
        if known.get("http-equiv") == "Content-Security-Policy":
            self.policy = known["content"] or ""
        self.fetched += [
            value for name, value in attrs
            if name in {"src", "href", "data", "action"} and value and not value.startswith("#")
        ]  # fmt: skip

    def handle_data(self, data: str) -> None:
        if self._in_script:
            known, text = self.scripts.pop()
            self.scripts.append((known, text + data))

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False


def page_of(output: Path) -> Parts:
    corpus = emonet.open_corpus(output)
    return Parts(report_page(corpus, read_emotions(corpus)))


def data_of(parts: Parts) -> tuple[dict[str, Any], dict[str, Any]]:
    texts = {known["id"]: text for known, text in parts.scripts if "id" in known}
    known: dict[str, Any] = json.loads(texts["known"])
    return known, unpacked(known, texts["packed"])


def unpacked(known: dict[str, Any], packed: str) -> dict[str, Any]:
    whole, start = zlib.decompress(base64.b64decode(packed)), 0
    columns: dict[str, Any] = {}
    for name, size in known["sizes"].items():
        part, start = whole[start : start + size], start + size
        if name == "texts":
            columns[name] = part.decode().split("\n")
        else:
            columns[name] = np.frombuffer(part, TYPES.get(name, "<u4"))
    assert start == len(whole)
    return columns


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_season(tmp_path_factory.mktemp("season"))


def test_the_page_has_every_line_with_its_speaker_label_and_time(season: Path) -> None:
    known, columns = data_of(page_of(season))
    emotions = read_emotions(emonet.open_corpus(season))
    assert known["rows"] == 40
    assert columns["texts"] == emotions.rows["text"].to_pylist()
    assert [known["labels"][at] for at in columns["labels"]] == emotions.rows["label"].to_pylist()
    names = [known["speakers"][at] or None for at in columns["speakers"]]
    assert names == emotions.rows["speaker_name"].to_pylist()
    assert (columns["seconds"][:3] - 1).tolist() == [0, 2, 4]
    shares = columns["probabilities"].reshape(3, 40).T / 255
    assert shares == pytest.approx(emotions.probabilities, abs=0.002)


def test_a_line_without_a_time_has_none(tmp_path: Path) -> None:
    output = committed(tmp_path, labelled_lines([("Ann", "No.", "joy")] * 2, timed=False))
    assert data_of(page_of(output))[1]["seconds"].tolist() == [0, 0]


def test_nothing_of_a_corpus_is_markup_or_a_script(tmp_path: Path, season: Path) -> None:
    lines: list[Line] = [(ATTACK, ATTACK, "joy"), ("%%known%%", "%%scripts%%\nnext", "sadness")]
    hostile = page_of(committed(tmp_path, labelled_lines(lines, show=ATTACK)))
    assert hostile.tags == page_of(season).tags
    known, columns = data_of(hostile)
    assert columns["texts"] == [ATTACK, "%%scripts%% next"]
    assert known["speakers"] == [ATTACK, "%%known%%"]


def test_only_scripts_of_the_policy_run_and_nothing_is_fetched(season: Path) -> None:
    page = page_of(season)
    rules = dict(rule.strip().partition(" ")[::2] for rule in page.policy.split(";"))
    assert rules["default-src"] == "'none'"
    run = [text for known, text in page.scripts if "type" not in known]
    hashes = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in run]
    assert rules["script-src"] == " ".join(f"'sha256-{one}'" for one in hashes)
    assert page.fetched == []


def test_the_libraries_are_those_that_are_named() -> None:
    named = re.findall(
        r"`(\S+\.js)` \|.*`([0-9a-f]{64})`", (FOLDER / "vendor/README.md").read_text()
    )
    sums = [(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
            for path in sorted((FOLDER / "vendor").glob("*.js"))]  # fmt: skip
    assert sorted(named) == sums


def test_every_part_that_a_script_looks_for_is_on_the_page() -> None:
    scripts = "".join(path.read_text() for path in FOLDER.glob("*.js"))
    wanted = set(re.findall(r"\bat\(\"(\w+)\"\)", scripts))
    assert wanted <= set(re.findall(r'id="(\w+)"', (FOLDER / "page.html").read_text()))


def test_replies_are_within_a_dialogue_and_between_two_people(season: Path) -> None:
    found = findings(read_emotions(emonet.open_corpus(season)))
    assert found["names"] == ["Ann", "Bo"] or found["names"] == ["Bo", "Ann"]
    counts = {
        (found["names"][one["before"]], found["names"][one["now"]]): one["count"]
        for one in found["replies"]
    }
    # first episode: Ann, Bo, nobody, Ann, five times; second: Bo, Ann, Bo, Ann, five times
    assert counts == {("Ann", "Bo"): 5 + 5, ("Bo", "Ann"): 10}


def test_characters_and_their_change_are_means_of_their_lines(season: Path) -> None:
    found = findings(read_emotions(emonet.open_corpus(season)))
    bo = found["names"].index("Bo")
    assert found["characters"][bo]["mean"] == pytest.approx([0.05, 0.05, 0.9])
    episodes = [one for one in found["change"] if one["person"] == bo]
    assert [(one["episode_id"], one["count"]) for one in episodes] == [
        ("Tolsay Ferry/s01e01", 5), ("Tolsay Ferry/s01e02", 10),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from(["joy", "neutral", "sadness"])),
                min_size=1, max_size=6))  # fmt: skip
def test_a_scene_is_in_one_dialogue_and_overlaps_no_other(dialogues: list[tuple[int, str]]) -> None:
    lines: list[Line] = [("Ann", "No.", label) for size, label in dialogues for _ in range(size)]
    rows = labelled_lines(lines).rows
    ids = [f"d{at}" for at, (size, _) in enumerate(dialogues) for _ in range(size)]
    at = rows.schema.get_field_index("dialogue_id")
    rows = rows.set_column(at, rows.schema.field(at), [ids])
    names = ("joy", "neutral", "sadness")
    values = np.stack([rows[f"prob_{name}"].to_numpy() for name in names], axis=1)
    scenes = intense_scenes(Emotions(rows, names, values))
    assert scenes
    taken: set[int] = set()
    for scene in scenes:
        places = range(scene["start"], scene["start"] + scene["lines"])
        assert len({ids[place] for place in places}) == 1
        assert len(places) <= SCENE_LINES or max(size for size, _ in dialogues) < SCENE_LINES
        assert not taken & set(places)
        taken |= set(places)
    assert [one["mean"] for one in scenes] == sorted((one["mean"] for one in scenes), reverse=True)


def test_two_people_of_one_name_stay_two(tmp_path: Path) -> None:
    lines: list[Line] = [("Ann", "No.", "joy"), ("Bo", "Yes.", "sadness")]
    shows = [labelled_lines(lines, show=show) for show in ("Ferry", "Harbour")]
    found = findings(read_emotions(emonet.open_corpus(committed(tmp_path, *shows))))
    assert found["names"] == ["Ann", "Bo", "Ann (Harbour)", "Bo (Harbour)"]


def test_the_accounts_of_files_are_those_of_the_manifest(season: Path) -> None:
    quality = data_of(page_of(season))[0]["quality"]
    assert quality["files"] == 2
    assert quality["found"] == quality["used"] + quality["dropped"] + quality["rejected"] == 40


def test_the_command_writes_one_file_and_loads_neither_torch_nor_beam(
    season: Path, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    program = (
        "import sys; from emonet.__main__ import main\n"
        f"assert main(['report', {str(season)!r}, '--output', {str(path)!r}]) == 0\n"
        "assert not {'torch', 'apache_beam', 'transformers'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert path.read_text("utf-8").startswith("<!doctype html>")


def test_the_same_labels_give_the_same_page(season: Path, tmp_path: Path) -> None:
    pages = [tmp_path / "one.html", tmp_path / "two.html"]
    for path in pages:
        assert main(["report", str(season), "--output", str(path)]) == 0
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_what_is_packed_comes_back_whatever_is_said(tmp_path: Path) -> None:
    texts = ["a\nb\r\nc", "\x00", "é\u2028", "", " "]
    rows = labelled_lines([("Ann", text or "-", "joy") for text in texts]).rows
    values = np.full((5, 3), [0.7, 0.2, 0.1], np.float32)
    known, packed = packed_columns(Emotions(rows, ("joy", "neutral", "sadness"), values))
    assert unpacked(known, packed)["texts"] == ["a b c", "\x00", "é\u2028", "-", " "]
