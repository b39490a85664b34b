from __future__ import annotations

import pytest

from beam_pipeline.corpus.formats.ass import read_ass

HEAD = "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
SPOKEN = ("Default", "", "", "They say this.", 2000)


def read(*events: tuple[str, str, str, str, int]) -> tuple[list[str], dict[str, int]]:
    """The texts of the cues that were read, and the counts of those that were dropped.

    Args:
      events: style, name, effect, text, and length in ms.
    """
    lines = []
    for at, (style, name, effect, text, length) in enumerate(events):
        start, end = (
            f"0:{at // 60:02d}:{at % 60:02d}.{ms // 10 % 100:02d}" for ms in (0, min(length, 990))
        )
        lines.append(f"Dialogue: 0,{start},{end},{style},{name},0,0,0,{effect},{text}\n")
    parsed = read_ass(HEAD + "".join(lines))
    assert parsed.refused == ()
    dropped = dict(parsed.dropped)
    assert len(parsed.cues) + sum(dropped.values()) == len(events)
    return ["\n".join(cue.lines) for cue in parsed.cues], dropped


@pytest.mark.parametrize(
    "style",
    ["Signs", "sign_01", "SignsTop", "TS2", "Title", "Staff credits", "TL Note", "Ep Title"],
)
def test_styles_of_signs_are_no_speech(style: str) -> None:
    assert read(SPOKEN, (style, "", "", "Ferry", 990)) == (["They say this."], {"sign": 1})


@pytest.mark.parametrize(
    "style",
    ["OP", "ED2", "OP-Romaji", "Ending_English", "Insert Song", "Kara-top", "ED"],
)
def test_styles_of_songs_are_no_speech(style: str) -> None:
    assert read(SPOKEN, (style, "Ann", "", "la la", 990)) == (["They say this."], {"song": 1})


@pytest.mark.parametrize(
    "style",
    ["Default", "Main Italic", "Oda", "Ed", "Thoughts", "Top", "Redsign", "Design"],
)
def test_other_styles_are_speech(style: str) -> None:
    assert read(SPOKEN, (style, "", "", "Good.", 990)) == (["They say this.", "Good."], {})


def test_karaoke_and_effects_tell_what_nobody_says() -> None:
    assert read(
        SPOKEN,
        ("Default", "", "", "{\\k20}la {\\kf30}la", 990),
        ("Default", "", "fx", "{\\pos(1,2)}la", 990),
        ("Default", "", "Banner;20", "News", 990),
        ("Default", "", "sign", "Ferry Office", 990),
        ("Default", "", "done", "They say this too.", 990),
    ) == (["They say this.", "They say this too."], {"sign": 2, "song": 2})


def test_a_style_of_frames_names_or_places_is_for_signs() -> None:
    speech = [("Default", "Ann", "", f"I say {at}.", 900) for at in range(9)]
    frames = [("Cake", "", "", "Happy", 40)] * 3
    names = [("Phone", "Text", "", "No messages", 900), ("Phone", "", "", "Checking", 900)]
    places = [("School", "", "", "{\\pos(1,2)}Entrance", 900)] * 2
    moved = [("Default", "Bo", "", "{\\pos(1,2)}I say so.", 900)]
    texts, dropped = read(*speech, *frames, *names, *places, *moved)
    assert len(texts) == 10
    assert dropped == {"sign": 7}


def test_where_every_line_has_a_place_a_place_tells_nothing() -> None:
    lines = [("Default", "", "", f"{{\\pos(1,2)}}I say {at}.", 900) for at in range(9)]
    assert len(read(*lines, ("Top", "", "", "Yes.", 900))[0]) == 10


def test_a_flickering_line_at_a_place_is_a_sign_in_any_style() -> None:
    assert read(SPOKEN, SPOKEN, ("Default", "", "", "{\\move(1,2,3,4)}Cashier", 40)) == (
        ["They say this."] * 2,
        {"sign": 1},
    )
