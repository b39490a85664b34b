"""What a wheel carries is a list kept by hand; nothing that lies in a package is forgotten."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]
LABELS = ("Joyful", "Mad", "Neutral", "Peaceful", "Powerful", "Sad", "Scared")
OURS = ("beam_pipeline", "emonet", "model")


def files() -> list[Path]:
    found = (path for package in OURS for path in (ROOT / package).rglob("*") if path.is_file())
    return [path.relative_to(ROOT) for path in found if "__pycache__" not in path.parts]


def test_every_folder_with_code_is_a_package_of_the_wheel() -> None:
    code = {path.parent for path in files() if path.suffix == ".py"}
    assert sorted(SETUPTOOLS["packages"]) == sorted(".".join(folder.parts) for folder in code)
    assert all((ROOT / folder / "__init__.py").is_file() for folder in code)


def test_every_other_file_of_a_package_is_in_the_wheel() -> None:
    carried = {
        path.relative_to(ROOT)
        for package, patterns in SETUPTOOLS["package-data"].items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    assert carried == {path for path in files() if path.suffix != ".py"}
    assert {Path(package, "py.typed") for package in OURS} <= carried
    assert Path("model/pretrained/SHA256SUMS") in carried


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel in an environment that has our dependencies, and no editable install of us."""
    folder = tmp_path_factory.mktemp("wheel")
    # what an earlier build left in the source would get into the wheel
    source = folder / "source"
    for name in (*OURS, "pyproject.toml", "setup.py", "README.md", "LICENSE"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        source.mkdir(exist_ok=True)
        copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index"]
    build = [*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*build, str(source)], check=True, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", *offline, "--target", str(folder / "site"), wheel], check=True)
    return folder / "site"


def test_the_wheel_labels_in_a_folder_with_modules_of_the_users_own(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    for name in ("model.py", "model/__init__.py", "emonet.py", "torch.py"):
        (tmp_path / name).write_text("raise SystemExit('a module of the user was loaded')")
    program = (
        "import emonet, beam_pipeline, model\n"
        f"assert all(m.__file__.startswith({str(installed)!r}) for m in (emonet, model))\n"
        "print(emonet.label([\"I can't believe you did that!\"])['label'].to_pylist())"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.strip() in {f"['{label}']" for label in LABELS}
    command = [str(installed / "bin" / "emonet"), "--version"]
    ran = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("emonet ")


def test_the_citation_names_the_version_that_is_built() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    for key in ("version", "license"):
        assert citation[key] == PYPROJECT["project"][key]
