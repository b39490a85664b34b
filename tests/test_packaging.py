"""What a wheel carries is a list kept by hand; nothing that lies in a package is forgotten."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
OURS = ("beam_pipeline", "model")


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
