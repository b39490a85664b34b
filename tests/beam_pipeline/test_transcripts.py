from __future__ import annotations

from small_models import transcript

from beam_pipeline.transcripts import without_test_episodes
from model.dataset import Transcript


def episode(season: int, number: int, show: str = "Tolsay Ferry") -> Transcript:
    name = f"{show}/s{season:02}e{number:02}"
    return transcript(["Ahoy."], episode=name, place=(show, season, number, name))


def test_beside_the_training_data_nothing_is_learned_that_may_be_of_a_test_set() -> None:
    data, dev = [episode(1, 1), episode(2, 1)], [episode(1, 2), episode(3, 1)]
    same, other = [episode(1, 1), episode(2, 1)], [episode(4, 1), episode(1, 1, "Kite")]
    maybe_test = [episode(1, 2), episode(1, 3), episode(2, 2), episode(3, 1), episode(3, 2)]
    assert without_test_episodes([*same, *maybe_test, *other], data, dev) == [*same, *other]
