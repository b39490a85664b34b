"""Imports point one way: `__main__ -> pipeline -> stages -> corpus, memory, output, records`."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("beam_pipeline", "model")
    for path in sorted((ROOT / package).rglob("*.py"))
}

PURE = ("corpus", "memory", "output", "records", "storage", "wire")
MAY_IMPORT = {
    "records": set(),
    "wire": {"records"},
    "storage": {"records"},
    "corpus": {"records", "storage"},
    "memory": {"records"},
    "output": {"memory", "records", "storage"},
    "arguments": set(),
    "options": {"arguments", "corpus", "records"},
    "transcripts": {"corpus", "records"},
    "stages": {"stages", "transcripts", *PURE},
    "pipeline": {"stages", *PURE},
}
"""What of `beam_pipeline` its parts import; a part that is not named belongs to the command line,
imports what it likes, and is imported by the command line alone."""

MEET_THE_MODEL = {"stages.encode", "stages.label", "stages.sharing", "transcripts"}
"""The two stages, what they share, and the one file that turns episodes into transcripts."""


def imports(module: str) -> set[str]:
    """Full names of all that a module imports, anywhere in it."""
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import in line {node.lineno}"
            assert node.module is not None
            # `from package import module` imports both, as far as one can see from here
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def packages(module: str) -> set[str]:
    return {name.partition(".")[0] for name in imports(module)}


def part_of(name: str) -> str:
    """`corpus` of `beam_pipeline.corpus.speakers`."""
    return name.split(".")[1]


def of_ours(module: str) -> Iterator[str]:
    """Modules of `beam_pipeline` that a module imports."""
    return (name for name in imports(module) if name in MODULES and "beam_pipeline." in name)


PIPELINE = [name for name in MODULES if name.startswith("beam_pipeline.")]
MODEL = [name for name in MODULES if name.partition(".")[0] == "model"]


def test_the_rule_is_held_against_files_that_exist() -> None:
    assert {part_of(name) for name in PIPELINE} >= MAY_IMPORT.keys()
    assert {f"beam_pipeline.{name}" for name in MEET_THE_MODEL} <= MODULES.keys()
    assert "model.emonet" in MODEL


@pytest.mark.parametrize("module", PIPELINE)
def test_imports_point_one_way(module: str) -> None:
    part = part_of(module)
    imported = {part_of(name) for name in of_ours(module)} - {part}
    if part in MAY_IMPORT:
        assert imported <= MAY_IMPORT[part]


@pytest.mark.parametrize("module", [name for name in PIPELINE if part_of(name) in PURE])
def test_the_pure_core_has_never_heard_of_beam_or_of_the_model(module: str) -> None:
    assert not packages(module) & {"apache_beam", "torch", "transformers", "model"}


@pytest.mark.parametrize("module", PIPELINE)
def test_only_the_encode_and_label_stages_and_the_command_line_meet_the_model(module: str) -> None:
    meets = "model" in packages(module)
    name = module.removeprefix("beam_pipeline.")
    assert not meets or name in MEET_THE_MODEL or part_of(module) not in MAY_IMPORT


@pytest.mark.parametrize("module", MODEL)
def test_the_model_has_never_heard_of_the_pipeline(module: str) -> None:
    assert not packages(module) & {"apache_beam", "beam_pipeline", "pyarrow"}


@pytest.mark.parametrize("module", [*PIPELINE, *MODEL])
def test_what_launches_measures_or_tests_us_is_imported_by_nothing(module: str) -> None:
    assert not packages(module) & {"infra", "benchmarks", "tests", "sklearn", "hypothesis"}


def test_only_one_file_knows_the_names_of_google() -> None:
    knowing = {name for name in (*PIPELINE, *MODEL) if "google" in packages(name)}
    assert knowing == {"beam_pipeline.storage.gcs"}


def test_files_of_this_machine_are_read_without_google() -> None:
    # Beam looks for google's packages by itself, so that a whole run would say nothing.
    loads = "from beam_pipeline.corpus import paths; paths.expand_inputs(['setup.py'])"
    check = (
        "import sys; assert not [name for name in sys.modules if name.startswith('google.cloud')]"
    )
    subprocess.run([sys.executable, "-c", f"{loads}; {check}"], check=True, cwd=ROOT)


def test_only_encoders_and_their_attention_know_the_names_of_transformers() -> None:
    knowing = {name for name in MODEL if "transformers" in packages(name)}
    assert "model.encoder" in knowing
    assert knowing <= {"model.attention", "model.encoder"}
