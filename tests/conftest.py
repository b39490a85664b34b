from __future__ import annotations

import os
from pathlib import Path

import pytest

_DEFAULT = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real corpora; tests that need it are skipped where there is none."""
    folder = Path(os.environ.get("EMONET_TEST_DATA", _DEFAULT))
    if not folder.is_dir():
        pytest.skip(f"no real corpora at {folder}; set EMONET_TEST_DATA to their folder")
    return folder
