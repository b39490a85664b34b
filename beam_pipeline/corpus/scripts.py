"""Subtitles in two languages at once, one under the other: told apart by their scripts.

Fan subtitles show Chinese and English, Japanese and Chinese, Russian and English in each cue. Read
as one they are neither, so the lines of one language are read. Two languages in one script, as
English and Spanish, cannot be told apart in this way and stay as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from beam_pipeline.corpus.languages import primary_language
from beam_pipeline.corpus.markup import Line, Voice
from beam_pipeline.corpus.repeats import SAME_MS

MIN_SHARE: Final = 0.5
"""A file is in two languages if that share of its cues shows both."""

MIN_CUES: Final = 2
"""And at least so many: one alone may be two persons, each in a language of theirs."""

_RANGES = {
    "Latin": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Cyrillic": "\u0400-\u052f",
    "Hebrew": "\u0590-\u05ff",
    "Arabic": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff",
    "Devanagari": "\u0900-\u097f",
    "Thai": "\u0e00-\u0e7f",
    "Hangul": "\u1100-\u11ff\uac00-\ud7af",
    "Kana": "\u3041-\u30ff",
    "Han": "\u3400-\u9fff\uf900-\ufaff",
}
_OF_SCRIPT = {name: re.compile(f"[{letters}]") for name, letters in _RANGES.items()}
_BEYOND_LATIN = re.compile(f"[{''.join([*_RANGES.values()][1:])}]")
_SCRIPTS_OF_LANGUAGE = {
    **dict.fromkeys(("be", "bg", "kk", "mk", "mn", "ru", "sr", "uk"), ("Cyrillic",)),
    **dict.fromkeys(("ar", "fa", "ur"), ("Arabic",)),
    **dict.fromkeys(("hi", "mr", "ne"), ("Devanagari",)),
    "el": ("Greek",),
    "he": ("Hebrew",),
    "ja": ("Kana", "Han"),
    "ko": ("Hangul",),
    "th": ("Thai",),
    "zh": ("Han",),
}
"""By ISO 639-1 code, where it is not Latin: the one that tells the language first."""


def is_in_script(language: str, script: str) -> bool:
    """Whether a language is written in a script.

    Args:
      language: BCP 47 tag.
      script: as `kept_script` gives it.
    """
    return script in _SCRIPTS_OF_LANGUAGE.get(primary_language(language), ("Latin",))


def kept_script(
    spoken: Sequence[Sequence[Voice]],
    times: Sequence[tuple[int, int]],
    languages: Sequence[str],
) -> str | None:
    """The script of the lines that are read, where a file shows two languages at once.

    Args:
      spoken: the voices of each cue, in order of time.
      times: of the cues in ms, start and end.
      languages: BCP 47 tags of those that are wanted, the most wanted first; where the file has
        none of them, it is Latin if it can be, else the most frequent one.

    Returns:
      None for a file in one language.
    """
    beyond = (line.text for voices in spoken for line in _lines(voices) if not line.text.isascii())
    if not any(map(_BEYOND_LATIN.search, beyond)):
        return None
    scripts = [{script_of(line.text) for line in _lines(voices)} - {None} for voices in spoken]
    moments: dict[int, set[str | None]] = {}
    at = until = -SAME_MS - 1
    for (start_ms, end_ms), shown in zip(times, scripts, strict=True):
        if start_ms - at > SAME_MS or start_ms >= until:
            at = start_ms
        until = end_ms
        moments.setdefault(at, set()).update(shown)
    shown_at_once = [shown for shown in moments.values() if shown]
    both = [shown for shown in shown_at_once if len(shown) > 1]
    if len(both) < max(MIN_SHARE * len(shown_at_once), MIN_CUES):
        return None
    counts = Counter(script for shown in both for script in shown if script)
    wanted = [script for tag in languages for script in counts if is_in_script(tag, script)]
    return next(iter([*wanted, *({"Latin"} & counts.keys())]), counts.most_common(1)[0][0])


def in_script(voices: Sequence[Voice], script: str) -> tuple[Voice, ...]:
    """The voices of a cue without the words of its lines in other scripts."""
    return tuple(
        voice._replace(
            lines=tuple(
                line if script_of(line.text) in (None, script) else line._replace(text="")
                for line in voice.lines
            )
        )
        for voice in voices
    )


def script_of(text: str) -> str | None:
    """The script that most letters of a text are in; None without any.

    Where there are kana, ideographs are Japanese as well.
    """
    if text.isascii():
        return "Latin" if any(map(str.isalpha, text)) else None
    counts = {name: len(letters.findall(text)) for name, letters in _OF_SCRIPT.items()}
    counts["Kana"] += counts["Han"] if counts["Kana"] else 0
    most = max(counts, key=counts.__getitem__)
    return most if counts[most] else None


def _lines(voices: Sequence[Voice]) -> Iterator[Line]:
    return (line for voice in voices for line in voice.lines)
