"""The notebook, cell by cell, as a person would run it in its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

DEMO = Path(__file__).parents[1] / "demo"


def test_the_notebook_runs_and_draws_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DEMO)
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    plt.close("all")
    cells = json.loads((DEMO / "tolsay_ferry.ipynb").read_text("utf-8"))["cells"]
    # a notebook is handed on without what it said on somebody's machine
    assert [cell for cell in cells if cell.get("outputs")] == []
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names: dict[str, Any] = {}
    with pytest.warns(UserWarning, match="2 refused in all"):
        exec("\n".join(code), names)
    assert set(names["lines"]["episode"]) == {1, 2, 3, 4, 5}
    assert len(names["away"]) == 6
    assert names["error"].notna().all(axis=None)
    drawn = [plt.figure(number).axes[0].get_ylabel() for number in plt.get_fignums()]
    assert drawn == ["mean probability", "from the mean of all"]
    plt.close("all")
