from __future__ import annotations

import pytest
from reading_cases import FOLDER, Case, cases, faults


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_what_people_report_is_read_right(case: Case) -> None:
    assert faults(case) == []


def test_each_folder_is_a_case() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == {one.id for one in cases()}
