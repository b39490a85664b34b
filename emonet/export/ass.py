"""ASS: a style a label, in the label's colour; who speaks is in the field Name."""

from __future__ import annotations

from typing import Any

from pysubs2 import Color, SSAEvent, SSAFile, SSAStyle

from emonet.emotions import Emotions
from emonet.export.subtitles import LEFT_OUT, export_episodes, one_line, text_of
from emonet.export.target import Export, Target
from emonet.palette import colours

_BRACES = str.maketrans("{}", "\N{FULLWIDTH LEFT CURLY BRACKET}\N{FULLWIDTH RIGHT CURLY BRACKET}")
"""Braces enclose tags, and not every player knows an escape of them."""

_FIELD = str.maketrans(",", ";")
"""A comma ends a field."""


def export(emotions: Emotions) -> Export:
    """A file an episode."""
    styles = {
        label: SSAStyle(primarycolor=_colour(colour), outlinecolor=Color(0, 0, 0), outline=2)
        for label, colour in colours(emotions.labels).items()
    }

    def subtitles(rows: list[dict[str, Any]]) -> str:
        file = SSAFile()
        file.styles = {_field(label): style for label, style in styles.items()}
        file.extend(_event(row) for row in rows)
        return text_of(file, "ass", {})

    return export_episodes(emotions, "ass", subtitles)


def _event(row: dict[str, Any]) -> SSAEvent:
    return SSAEvent(
        row["start_ms"],
        row["end_ms"],
        one_line(row["text"]).translate(_BRACES),
        style=_field(row["label"]),
        name=_field(row["speaker_name"] or ""),
    )


def _field(text: str) -> str:
    return one_line(text).translate(_FIELD)


def _colour(hexadecimal: str) -> Color:
    red, green, blue = bytes.fromhex(hexadecimal.removeprefix("#"))
    return Color(red, green, blue)


TARGET = Target(is_folder=True, export=export, left_out=LEFT_OUT)
