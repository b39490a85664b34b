"""Cues -> cues without what is only shown again.

Captions that roll up show each line two or three times: what is new below, what came before above.
Layers, highlighted words and recoded captions show a line anew as well. Law of this module: a line
that stays on the screen is said once, one that comes again is said again.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Final

from beam_pipeline.corpus import markup
from beam_pipeline.corpus.formats.cue_blocks import Cue

SAME_MS: Final = 50
"""Times that are at most this far apart are one."""

TWO_FRAMES_MS: Final = range(66, 85)
"""The gap that converters leave between subtitles that follow at once, of 30 to 24 frames."""

MIN_HELD_MS: Final = 8_000
"""Converters cut what is shown for longer, which is longer than anything is said."""

MAX_PAUSE_MS: Final = 2_000
"""A screen that was empty for longer has nothing left that could roll up."""

MIN_STEPS: Final = 2
MIN_SHARE: Final = 0.2
"""Captions roll up if that many cues of a file go on from the cue before, and this share of all; a
converter has cut cues in two if it has done so that many times. In 38 broadcast files that do not
roll up, at most one cue of a hundred goes on: its first line is said again."""

MIN_RUN: Final = 3
"""So do as many in a row, whatever the rest of the file does."""

MIN_WORDS: Final = 2
MIN_WORD_SHARE: Final = 0.5
"""The same where the lines of a cue are joined to one: cues begin with that many words of the cue
before, and this share of all does."""

_WORD_TIME = re.compile(r"<\d[\d:.]*>")
_VOICE = re.compile(r"<v[.\s][^<>]*>")


@dataclasses.dataclass(slots=True)
class _Line:
    """What is shown as one: a line, or a word where the lines of a cue are joined.

    Attributes:
      words: what it says.
      raw: as it stands in the file.
      owner: the cue that showed it first.
    """

    words: str
    raw: str
    owner: _Shown


@dataclasses.dataclass(slots=True)
class _Shown:
    """A cue, what it says, what is on the screen with it, and what of that is new."""

    cue: Cue
    end_ms: int
    words: tuple[str, ...] = ()
    screen: list[_Line] = dataclasses.field(default_factory=list)
    new: list[_Line] = dataclasses.field(default_factory=list)

    @property
    def is_brief(self) -> bool:
        """Whether nobody can have said anything in its time."""
        return self.cue.end_ms - self.cue.start_ms <= SAME_MS


@dataclasses.dataclass(frozen=True)
class _Step:
    """How a cue goes on from the one before.

    Attributes:
      carried: how many of its lines were on the screen before; 0 if it does not go on.
      is_evidence: whether captions that do not roll up rarely have such a step.
      is_held: whether the cue may be a part of the one before, which a converter cut.
    """

    carried: int
    is_evidence: bool
    is_held: bool = False


_ANEW = _Step(0, is_evidence=False)


def without_repeats(cues: Sequence[Cue]) -> tuple[tuple[Cue, ...], int]:
    """The cues in order of time, each with what it shows for the first time.

    Args:
      cues: in any order.

    Returns:
      The cues without those that show nothing new, and the number of those. A cue without words
      stays.
    """
    shown = _once(map(_begin, sorted(cues, key=lambda cue: cue.start_ms)))
    steps = [_step(*pair) for pair in itertools.pairwise(shown)]
    rolls = _rolling(shown, steps)
    if not any(rolls):
        _roll_words(shown)
    cuts_held = sum(step.is_held for step in steps) >= MIN_STEPS
    for pair, step, is_rolling in zip(itertools.pairwise(shown), steps, rolls, strict=True):
        is_cut = (step.is_held and cuts_held) or pair[0].cue.segment < pair[1].cue.segment
        if step.carried and (is_rolling or is_cut):
            _go_on(*pair, step.carried)
    kept = tuple(_finish(one) for one in shown if one.new or not one.screen)
    return kept, len(cues) - len(kept)


def _begin(cue: Cue) -> _Shown:
    shown = _Shown(cue, cue.end_ms)
    lines = [(_words(raw), raw) for raw in cue.lines]
    shown.screen = shown.new = [_Line(words, raw, shown) for words, raw in lines if words]
    shown.words = tuple(line.words for line in shown.screen)
    return shown


def _words(raw: str) -> str:
    """What a line says, whatever its markup, and in whose voice."""
    if "<" not in raw and "{" not in raw and "&" not in raw:
        return " ".join(raw.split())
    return " ".join([*_VOICE.findall(raw), *markup.plain(raw).split()])


def _finish(shown: _Shown) -> Cue:
    """The cue with its new lines alone."""
    is_whole = shown.new is shown.screen
    if is_whole and shown.end_ms == shown.cue.end_ms:
        return shown.cue
    lines = shown.cue.lines if is_whole else tuple(line.raw for line in shown.new)
    return dataclasses.replace(shown.cue, end_ms=shown.end_ms, lines=lines)


def _once(cues: Iterable[_Shown]) -> list[_Shown]:
    """The cues without those that say the same at the same time, as layers do."""
    kept: list[_Shown] = []
    latest: dict[tuple[str, ...], _Shown] = {}
    for one in cues:
        known = latest.get(one.words) if one.words else None
        if known and _is_shown_with(known, one.cue):
            known.end_ms = max(known.end_ms, one.cue.end_ms)
            known.cue = dataclasses.replace(known.cue, name=known.cue.name or one.cue.name)
        else:
            latest[one.words] = one
            kept.append(one)
    return kept


def _is_shown_with(known: _Shown, cue: Cue) -> bool:
    together = cue.start_ms - known.cue.start_ms <= SAME_MS or cue.end_ms <= known.end_ms
    at_once = together and cue.start_ms <= max(known.cue.start_ms, known.end_ms - 1)
    return at_once and (cue.name or known.cue.name) == (known.cue.name or cue.name)


def _step(before: _Shown, one: _Shown) -> _Step:
    """How the lines of a cue go on from those of the cue before."""
    pause = one.cue.start_ms - before.end_ms
    was, now = before.words, one.words
    # whatever rolls up shows the last line again, be it with more words
    if pause > MAX_PAUSE_MS or not was or not any(line.startswith(was[-1]) for line in now):
        return _ANEW
    if was == now and _is_held(before, pause):
        return _Step(len(now), is_evidence=False, is_held=True)
    stays = pause <= SAME_MS and was[-len(now) :] == now
    if stays and one.is_brief and not before.is_brief:
        return _Step(len(now), is_evidence=True)
    if stays and before.cue.segment < one.cue.segment:
        return _Step(len(now), is_evidence=False)
    for carried in range(min(len(was), len(now) - 1), 0, -1):
        if was[-carried:] == now[:carried]:
            # what is chanted comes again and again, and rolls nothing up
            return _Step(carried, is_evidence=now != was and len({*now}) > 1)
    if stays:
        is_restyled = [line.raw for line in before.screen[-len(now) :]] != [
            line.raw for line in one.screen
        ]
        return _Step(len(now), is_restyled) if is_restyled or len(was) > 1 else _ANEW
    return _growth(was, now)


def _is_held(before: _Shown, pause: int) -> bool:
    """Whether a cue that is like the one before is a part of it, which was on for too long."""
    shown_ms = before.cue.end_ms - before.cue.start_ms
    return pause in TWO_FRAMES_MS and shown_ms >= MIN_HELD_MS


def _growth(was: Sequence[str], now: Sequence[str]) -> _Step:
    """The step of a line that is written bit by bit, below those that stay."""
    for carried in range(min(len(was), len(now)), 0, -1):
        last = now[carried - 1]
        if was[-carried:-1] == now[: carried - 1] and last.startswith(was[-1]) and last != was[-1]:
            return _Step(carried, is_evidence=True)
    return _ANEW


def _rolling(shown: Sequence[_Shown], steps: Sequence[_Step]) -> list[bool]:
    """Whether captions roll up, for each step."""
    evidence = [step.is_evidence for step in steps]
    timed = any("<" in line and _WORD_TIME.search(line) for one in shown for line in one.cue.lines)
    if timed or MIN_STEPS <= sum(evidence) >= MIN_SHARE * len(steps):
        return [True] * len(steps)
    rolls: list[bool] = []
    for goes_on, run in itertools.groupby(step.carried > 0 for step in steps):
        length = len([*run])
        enough = sum(evidence[len(rolls) : len(rolls) + length]) >= MIN_RUN
        rolls += [goes_on and enough] * length
    return rolls


def _go_on(before: _Shown, one: _Shown, carried: int) -> None:
    """Takes what was on the screen before out of what is new."""
    stayed, shown_again = before.screen[-carried:], one.screen[:carried]
    last, now = stayed[-1], shown_again[-1]
    if last.words != now.words:
        last.words, last.raw = now.words, now.raw
        last.owner.new = [*last.owner.new]
    if last.raw is now.raw or carried == len(one.screen):
        last.owner.end_ms = max(last.owner.end_ms, one.cue.end_ms)
    one.new = one.screen[carried:]
    one.screen = stayed + one.new


def _roll_words(shown: Sequence[_Shown]) -> None:
    """Does the same by words, if that is how the captions roll up."""
    texts = [" ".join(one.words).split() for one in shown]
    both = zip(itertools.pairwise(shown), itertools.pairwise(texts), strict=True)
    carried = [_carried_words(*cues, *words) for cues, words in both]
    pairs = zip(carried, texts[1:], strict=True)
    rolls = sum(MIN_WORDS <= count < len(text) and len({*text}) > 1 for count, text in pairs)
    if not MIN_STEPS <= rolls >= MIN_WORD_SHARE * len(carried):
        return
    for one, text, count in zip(shown[1:], texts[1:], carried, strict=True):
        if count:
            rest = " ".join(text[count:])
            one.new = [_Line(rest, rest, one)] if rest else []


def _carried_words(before: _Shown, one: _Shown, was: list[str], now: list[str]) -> int:
    """How many words of a cue end the cue before."""
    pause = one.cue.start_ms - before.end_ms
    if pause > MAX_PAUSE_MS or not now or now[0] not in was or (was == now and not one.is_brief):
        return 0
    longest = len(now) - (pause > SAME_MS)
    for carried in range(min(len(was), longest), 0, -1):
        if was[-carried:] == now[:carried]:
            return carried
    return 0
