"""What lies in the folder of the user never takes the place of ours."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from worker_pools import on_a_pool, pool_process

import model.encoders.known_encoders

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["file", "folder"])
def theirs(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder that holds a `model` and a `numpy` of the user's, which end whoever imports them."""
    for name in ("model", "numpy"):
        path = tmp_path / (f"{name}.py" if request.param == "file" else f"{name}/__init__.py")
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise SystemExit('this is the module of the user')\n")
    return tmp_path


COMMANDS = {
    "emonet": [str(Path(sys.executable).with_name("emonet")), "--help"],
    "python -m": [sys.executable, "-m", "emonet", "--help"],
    "pool": [sys.executable, "-m", "beam_pipeline.engines.worker_pool", "--help"],
    "engine": [sys.executable, "-m", "beam_pipeline.engines.in_process", "--help"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_command_is_ours_whatever_lies_in_the_folder_it_is_given_in(
    theirs: Path, command: Sequence[str]
) -> None:
    ended = subprocess.run(command, cwd=theirs, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("usage: ")


def test_in_the_folder_of_the_source_the_source_is_run() -> None:
    ended = subprocess.run(
        # without what is installed
        [sys.executable, "-S", "-m", "beam_pipeline.records"],
        cwd=ROOT, env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "No module named 'beam_pipeline'" not in ended.stderr


def test_workers_have_our_model_whatever_lies_where_their_pool_was_started(theirs: Path) -> None:
    with pool_process(dict(os.environ), cwd=theirs) as port:
        options = PipelineOptions(list(on_a_pool(f"localhost:{port}")))
        with beam.Pipeline(options=options) as job:
            found = beam.Map(lambda name: str(importlib.import_module(name).__file__))
            origins = job | beam.Create(["model.encoders.known_encoders"]) | found
            assert_that(origins, equal_to([model.encoders.known_encoders.__file__]))
