from __future__ import annotations

import numpy as np
from small_models import transcript

from model.ablation.breakdown import breakdown, utterance_groups

LABELS = ("joy", "sadness")


BEFORE = transcript(["a word"] * 2, episode="e1", place=(1,), names=["ann", "bo"])
SCORED = transcript(
    ["a word"] * 6,
    episode="e2",
    place=(2,),
    names=["ann", "cy", "ann", None, "cy", None],
    dialogues=["d1", "d1", "d1", "d1", "d2", "d2"],
    labels=["joy", "sadness", "joy", "sadness", None, "joy"],
)
GOLD = np.array([0, 1, 0, 1, -1, 0])
GROUPS = utterance_groups([BEFORE], [SCORED], GOLD, LABELS)


def members(way: str) -> dict[str, list[int]]:
    return {name: np.flatnonzero(part).tolist() for name, part in GROUPS[way].items()}


def test_utterances_are_grouped_by_turn_class_speaker_and_history() -> None:
    assert members("turn of the dialogue") == {
        "1": [0, 4],
        "2 to 4": [1, 2, 3, 5],
        "5 to 9": [],
        "10 and later": [],
    }
    assert members("gold label") == {"joy": [0, 2, 5], "sadness": [1, 3]}
    assert members("speaker") == {"ann": [0, 2], "cy": [1, 4], "all others": [3, 5]}
    assert members("the speaker spoke before") == {
        "in this dialogue": [2],
        "in others alone": [0, 4],
        "never": [1, 3, 5],
    }


def test_an_episode_may_have_dialogues_in_both_sets() -> None:
    elsewhere = transcript(["a word"] * 3, episode="e2", place=(2,), names=["bo", "cy", "cy"])
    groups = utterance_groups([elsewhere], [SCORED], GOLD, LABELS)
    history = groups["the speaker spoke before"]
    assert np.flatnonzero(history["in others alone"]).tolist() == [1, 4]
    assert all(len(part) == len(GOLD) for parts in groups.values() for part in parts.values())


def test_each_group_says_what_both_sides_have_right_and_how_sure_the_difference_is() -> None:
    right = np.array([GOLD, GOLD])
    wrong_of_cy = right.copy()
    wrong_of_cy[:, 1] = 0
    table = breakdown(right, wrong_of_cy, GOLD, ["d1"] * 4 + ["d2"] * 2, GROUPS)
    by_group = {(one["by"], one["group"]): one for one in table}
    assert ("turn of the dialogue", "5 to 9") not in by_group
    cy = by_group["speaker", "cy"]
    assert (cy["utterances"], cy["right"], cy["right_other"]) == (1, 100, 0)
    assert cy["difference"] == {"mean": 100, "low": 100, "high": 100}
    assert by_group["speaker", "ann"]["difference"] == {"mean": 0, "low": 0, "high": 0}
    sadness = by_group["gold label", "sadness"]
    assert (sadness["utterances"], sadness["right"], sadness["right_other"]) == (2, 100, 50)
    assert sum(one["utterances"] for one in table if one["by"] == "speaker") == 5
