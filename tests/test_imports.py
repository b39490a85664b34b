"""Imports point one way: `emonet -> pipeline -> stages -> corpus, memory, output, records`."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("emonet", "beam_pipeline", "model")
    for path in sorted((ROOT / package).rglob("*.py"))
}

PURE = {"corpus", "memory", "output", "records", "storage", "wire"}
JOB = {
    "records": set(),
    "storage": {"records"},
    "corpus": {"records", "storage"},
    "memory": {"records"},
    "wire": {"records"},
    "output": {"memory", "records", "storage", "wire"},
    "spill": {"records", "wire"},
    "look_through": {"corpus", "output", "records", "spill"},
    "transcripts": {"corpus", "records"},
    "labelling": {"corpus", "memory", "records", "transcripts"},
    "stages": {"labelling", "spill", *PURE},
    "pipeline": {"look_through", "stages", *PURE},
    "slices": {"look_through", "pipeline", "spill", *PURE},
    "engines": {"corpus", "records"},
    "nights": {"engines", "pipeline", "slices", "stages", *PURE},
    "rebuild": PURE,
}
"""What of `beam_pipeline` each of its parts may import."""

MODEL = {
    "errors": set(),
    "dataset": {"errors"},
    "encoders": {"errors"},
    "network": {"dataset", "encoders", "errors"},
    "checkpoint": {"encoders", "errors", "network"},
    "evaluation": {"dataset", "errors", "network"},
    "training": {"checkpoint", "dataset", "encoders", "errors", "evaluation", "network"},
    "ablation": {
        "checkpoint", "dataset", "encoders", "errors", "evaluation", "network", "training",
    },
    "baselines": {"dataset", "encoders", "errors", "evaluation", "network", "training"},
}  # fmt: skip
"""What of `model` each of its rooms may import."""

LAW = {"beam_pipeline": JOB, "model": MODEL}

MEET_THE_MODEL = {
    "transcripts": {"dataset"},
    "labelling": {"dataset", "evaluation", "network"},
    "stages": {"checkpoint", "network"},
    "nights": {"checkpoint", "network"},
    "rebuild": {"network"},
}
"""What of `model` the parts of `beam_pipeline` may import; those that are not named, nothing."""

BEAM = {"engines", "nights", "pipeline", "slices", "stages"}
"""The parts of `beam_pipeline` that may import Beam."""


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


def parts_imported(module: str, package: str) -> set[str]:
    """The parts of a package that a module imports: `corpus` of `beam_pipeline.corpus.speakers`."""
    return {
        name.split(".")[1]
        for name in imports(module)
        if name in MODULES and name.startswith(f"{package}.")
    }


def part_of(module: str) -> str:
    return f"{module}.".split(".")[1]


INSIDE = [name for name in MODULES if not name.startswith("emonet") and part_of(name)]
PIPELINE = [name for name in INSIDE if name.startswith("beam_pipeline.")]
ROOMS = [name for name in INSIDE if name.startswith("model.")]


def test_the_law_names_every_part_and_no_other() -> None:
    for package, law in LAW.items():
        parts = {part_of(name) for name in INSIDE if name.startswith(f"{package}.")}
        assert parts == law.keys()
        assert all(may <= law.keys() for may in law.values())
    assert MEET_THE_MODEL.keys() | BEAM <= JOB.keys()


@pytest.mark.parametrize("law", LAW.values(), ids=LAW)
def test_the_law_has_no_circle(law: dict[str, set[str]]) -> None:
    left = {part: set(may) - {part} for part, may in law.items()}
    while left:
        free = {part for part, may in left.items() if not may}
        assert free, f"a circle among {sorted(left)}"
        left = {part: may - free for part, may in left.items() if part not in free}


@pytest.mark.parametrize("module", INSIDE)
def test_imports_point_one_way(module: str) -> None:
    package, part = module.split(".")[:2]
    assert parts_imported(module, package) - {part} <= LAW[package][part]


@pytest.mark.parametrize("module", PIPELINE)
def test_only_what_labels_meets_the_model(module: str) -> None:
    assert parts_imported(module, "model") <= MEET_THE_MODEL.get(part_of(module), set())


@pytest.mark.parametrize("module", [name for name in MODULES if part_of(name) not in BEAM])
def test_only_the_job_and_its_engines_know_beam(module: str) -> None:
    allowed = {"emonet.cli.options"}  # Beam's flags are parsed where ours are
    assert "apache_beam" not in packages(module) or module in allowed


@pytest.mark.parametrize("module", [name for name in PIPELINE if part_of(name) in PURE])
def test_the_pure_core_has_never_heard_of_torch(module: str) -> None:
    assert not packages(module) & {"torch", "transformers"}


@pytest.mark.parametrize("module", ROOMS)
def test_the_model_has_never_heard_of_the_pipeline(module: str) -> None:
    assert not packages(module) & {"apache_beam", "beam_pipeline", "emonet", "pyarrow"}


@pytest.mark.parametrize("module", INSIDE)
def test_the_face_is_imported_by_nothing_behind_it(module: str) -> None:
    assert "emonet" not in packages(module)


@pytest.mark.parametrize("module", MODULES)
def test_what_launches_measures_or_tests_us_is_imported_by_nothing(module: str) -> None:
    assert not packages(module) & {"infra", "benchmarks", "tests", "sklearn", "hypothesis"}


def test_only_one_file_knows_the_names_of_google() -> None:
    knowing = {name for name in MODULES if "google" in packages(name)}
    assert knowing == {"beam_pipeline.storage.gcs"}


def test_files_of_this_machine_are_read_without_google() -> None:
    # Beam looks for google's packages by itself, so that a whole run would say nothing.
    loads = "from beam_pipeline.corpus import paths; paths.expand_inputs(['setup.py'])"
    check = (
        "import sys; assert not [name for name in sys.modules if name.startswith('google.cloud')]"
    )
    subprocess.run([sys.executable, "-c", f"{loads}; {check}"], check=True, cwd=ROOT)


def test_only_encoders_know_transformers() -> None:
    knowing = {name for name in MODULES if "transformers" in packages(name)}
    assert knowing == {"model.network.encoder"}


def test_a_model_is_loaded_without_the_models_of_transformers() -> None:
    # which bring torch's compiler with them: seconds before the first word of a command
    loads = "from model.checkpoint import PRETRAINED, load_model, open_checkpoint; "
    loads += "load_model(open_checkpoint(PRETRAINED)).for_inference()"
    slow = "{'torch._dynamo', 'transformers.modeling_utils'}"
    check = f"import sys; assert not {slow} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", f"{loads}; {check}"], check=True, cwd=ROOT)
