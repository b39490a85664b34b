"""`emonet show`, as a person and a program see it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_up_labels import committed, labelled_lines, small_season

from emonet.__main__ import main
from emonet.cli.show_tables import sparkline

Caught = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_season(tmp_path_factory.mktemp("season"))


def shown(capsys: Caught, output: Path, *flags: str) -> dict[str, Any]:
    assert main(["show", str(output), *flags, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_a_corpus_is_shown_by_label_season_speaker_and_line(season: Path, capsys: Caught) -> None:
    assert main(["show", str(season)]) == 0
    told = capsys.readouterr().out
    assert "40 utterances in 2 episodes" in told
    for expected in ("Tolsay Ferry s01", "Ann", "Bo", "sadness", "least sure", "0:00:02"):
        assert expected in told
    assert any(bar in told for bar in "▁▂▃▄▅▆▇█")


def test_a_speaker_is_shown_against_the_corpus(season: Path, capsys: Caught) -> None:
    document = shown(capsys, season, "--speaker", "BO")
    assert document["utterances"] == 15
    assert {row["speaker_name"] for row in document["surest"]} == {"Bo"}
    sadness = next(row for row in document["labels"] if row["label"] == "sadness")
    assert sadness["mean"] == pytest.approx(0.9)
    assert sadness["corpus_mean"] == pytest.approx((15 * 0.9 + 10 * 0.1 + 15 * 0.3) / 40)


def test_an_episode_is_shown_line_by_line_by_the_end_of_its_id(
    season: Path, capsys: Caught
) -> None:
    document = shown(capsys, season, "--episode", "S01E02")
    assert [row["text"] for row in document["lines"]] == ["Nobody came.", "I did."] * 10
    assert document["lines"][1]["start_ms"] == 2000
    (arc,) = document["arcs"]
    assert len(arc["mean"]["sadness"]) == 20
    assert arc["mean"]["sadness"][:2] == pytest.approx([0.9, 0.3])


def test_flags_are_joined_and_nothing_that_fits_is_an_error(season: Path, capsys: Caught) -> None:
    document = shown(capsys, season, "--label", "Neutral", "--speaker", "ann")
    assert document["utterances"] == 10
    assert main(["show", str(season), "--label", "joy", "--speaker", "Bo"]) == 1
    assert "no utterance fits all of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--label", "joyful"), "expected one of joy, neutral, sadness"),
        (("--speaker", "Cy"), "nobody of this name speaks"),
        (("--episode", "Tolsay Ferry/s01e20"), "did you mean Tolsay Ferry/s01e02"),
    ],
)
def test_what_is_not_there_is_named(
    season: Path, capsys: Caught, flags: tuple[str, ...], expected: str
) -> None:
    assert main(["show", str(season), *flags]) == 1
    assert expected in capsys.readouterr().err


def test_a_text_gives_the_terminal_no_orders(tmp_path: Path, capsys: Caught) -> None:
    line = ("A\x1b[31mnn", "red \x1b]0;title\x07 [bold]:smile:", "joy")
    output = committed(tmp_path, labelled_lines([line]))
    assert main(["show", str(output)]) == 0
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "[bold]:smile:" in told


def test_showing_loads_neither_torch_nor_beam(season: Path) -> None:
    program = (
        "import sys; from emonet.__main__ import main\n"
        f"assert main(['show', {str(season)!r}]) == 0\n"
        "assert not {'torch', 'apache_beam', 'transformers'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_a_sparkline_reaches_from_low_to_high_and_shares_bars_where_it_is_narrow() -> None:
    assert sparkline([0, 0.5, 1], 0, 1, 10) == "▁▅█"
    assert sparkline([0, 0, 1, 1], 0, 1, 2) == "▁█"
    assert sparkline([3, 3], 3, 3, 2) == "▁▁"
