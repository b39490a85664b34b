from __future__ import annotations

import pytest
from reading_cases import FOLDER, Case, cases, faults

# Cases that are not read right yet; whoever mends one deletes it here.
NOT_YET: frozenset[str] = frozenset(
    {
        # how captions are shown, and what is no speech
        # places, speakers, times and text
    }
)


def _marked(case: Case) -> object:
    marks = [pytest.mark.xfail(strict=True)] if case.id in NOT_YET else []
    return pytest.param(case, id=case.id, marks=marks)


@pytest.mark.parametrize("case", map(_marked, cases()))
def test_what_people_report_is_read_right(case: Case) -> None:
    assert faults(case) == []


def test_each_folder_is_a_case_and_each_exception_one_of_them() -> None:
    ids = {case.id for case in cases()}
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == ids
    assert ids >= NOT_YET
