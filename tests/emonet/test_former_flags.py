from __future__ import annotations

import pytest

from emonet.__main__ import main
from emonet.cli.former_flags import OF_ABLATE, OF_TRAIN


@pytest.mark.parametrize(
    ("command", "flag", "told"),
    [
        *(("train", flag, told) for flag, told in OF_TRAIN.items()),
        *(("ablate", flag, told) for flag, told in OF_ABLATE.items()),
    ],
)
def test_a_former_flag_is_refused_with_what_to_give_instead(
    command: str, flag: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "trn.json", "--dev", "dev.json", "--output", "out", flag, "4"])
    assert stopped.value.code == 2
    assert f"{flag}: {told}" in capsys.readouterr().err
