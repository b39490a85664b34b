"""Colours of labels, one source for the page, the terminal, subtitles and plots.

The palette is that of Okabe and Ito 2008 (https://jfly.uni-koeln.de/color/), which tells apart
under any colour blindness. Nobody has to know a label by its colour: its name stands by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
YELLOW: Final = "#F0E442"
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
GREY: Final = "#767676"
"""Not of the palette, which has black: readable on white and on black."""

_FAMILIES: Final = {
    GREY: ("neutral",),
    ORANGE: ("joy", "joyful", "happy", "happiness", "amusement"),
    VERMILION: ("mad", "anger", "angry"),
    BLUE: ("sad", "sadness"),
    SKY: ("scared", "fear"),
    GREEN: ("peaceful", "disgust", "love"),
    PURPLE: ("powerful", "surprise", "excitement"),
}
"""The colour of the labels that common data sets have. Two labels of one set share no colour."""

_COLOURS: Final = (ORANGE, VERMILION, BLUE, SKY, GREEN, PURPLE, YELLOW, GREY)


def colours(labels: Sequence[str]) -> Mapping[str, str]:
    """The colour of each label, `#RRGGBB`.

    A label that no family has gets the first colour that is free; from the ninth label on, colours
    come again.
    """
    chosen: dict[str, str] = {}
    for label in labels:
        colour = _family_colour(label)
        if colour and colour not in chosen.values():
            chosen[label] = colour
    for label in labels:
        if label not in chosen:
            free = [one for one in _COLOURS if one not in chosen.values()]
            chosen[label] = free[0] if free else _COLOURS[len(chosen) % len(_COLOURS)]
    return {label: chosen[label] for label in labels}


def _family_colour(label: str) -> str | None:
    return next((one for one, names in _FAMILIES.items() if label.lower() in names), None)
