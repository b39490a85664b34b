"""Pieces of cues -> turns: joined where a sentence runs on, parted where somebody else speaks.

No word is lost on the way, none is said twice, and the order stays.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.repeats import SAME_MS
from beam_pipeline.corpus.speakers import NOBODY, Speaker
from beam_pipeline.corpus.utterances import Utterance
from beam_pipeline.records import SpeakerKind, SpeakerSource

MIN_CHEVRONS: Final = 5
"""A file with that many lines in `>>` marks every change of speaker with them."""

MAX_OVERLAPS: Final = 0.5
"""If more than this share of a file's cues begin before the one before ends, that is how the file
shows them, and no sign that two speak at the same time."""

_FINAL = frozenset(".?!…。？！｡．‥⋯‽⁇⁈⁉‼؟۔।॥։።፧፨။។᠃\u037e")
_CLOSING = "\"'”’“»›)]」』）】》〉"
_UNPUNCTUATED = re.compile("[\u0e00-\u0eff\u1780-\u17ff]")
"""Thai, Lao and Khmer, in which nothing marks the end of a sentence: it ends with its cue."""

_OFTEN_UNPUNCTUATED = re.compile("[\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]")
"""Chinese, Japanese and Korean, whose subtitles have no full stops, unlike their transcripts."""

MIN_PUNCTUATED: Final = 0.5
"""If that share of the cues in these scripts ends in a mark, those that do not run on."""

SOURCES: Final = {"v": SpeakerSource.VOICE_TAG, "f": SpeakerSource.FIELD}
"""Where a name was found, by the marks of turns that no line has."""


class Piece(NamedTuple):
    """What one person says within one cue.

    Attributes:
      cue: index of the cue.
      start_ms, end_ms: of the cue.
      mark: `>>`, `-`, `v` (a voice tag) or `f` (a field of the format) where the source marks a
        turn, else empty.
      scene: whether a scene begins with it.
      speaker: None without a name.
      text: white space collapsed, with a letter or digit in it.
      raw: the lines it stands in, as they are in the file.
    """

    cue: int
    start_ms: int
    end_ms: int
    mark: str
    scene: bool
    speaker: Speaker | None
    text: str
    raw: str


@dataclasses.dataclass
class _Turn:
    """An utterance in the making."""

    dialogue: int
    start_ms: int
    end_ms: int
    speaker: Speaker
    texts: list[str]
    raws: list[str]
    size: int
    last: Piece

    def add(self, piece: Piece) -> None:
        self.last = piece
        self.end_ms = max(self.end_ms, piece.end_ms)
        self.texts.append(piece.text)
        self.raws.append(piece.raw)
        self.size += len(piece.text) + 1

    def finish(self) -> Utterance:
        dialogue, text, raw = f"d{self.dialogue:03d}", " ".join(self.texts), "\n".join(self.raws)
        return Utterance(dialogue, self.start_ms, self.end_ms, self.speaker, text, raw, None)


@dataclasses.dataclass(frozen=True)
class _Habits:
    """What holds for all turns of a file.

    Attributes:
      chevrons: whether every change of speaker is marked with `>>`.
      staggered: whether cues commonly begin before the one before ends.
      unpunctuated: the last letters of cues that end a sentence without a mark.
      join_gap_ms, dialogue_gap_ms: as in `ReadOptions`.
    """

    chevrons: bool
    staggered: bool
    unpunctuated: tuple[re.Pattern[str], ...]
    join_gap_ms: int
    dialogue_gap_ms: int


def join_pieces(pieces: Sequence[Piece], options: ReadOptions) -> Iterator[_Turn]:
    """Joins the pieces of a file, in order of time, to turns."""
    habits = _habits(pieces, options)
    turn: _Turn | None = None
    silent_from = 0
    for piece in pieces:
        if turn and _may_join(turn, piece, habits):
            turn.add(piece)
        else:
            if turn:
                yield turn
            parted = piece.scene or piece.start_ms - silent_from > habits.dialogue_gap_ms
            turn = _next_turn(turn, piece, parted, habits)
        silent_from = max(silent_from, piece.end_ms)
    if turn:
        yield turn


def _habits(pieces: Sequence[Piece], options: ReadOptions) -> _Habits:
    pairs = [pair for pair in itertools.pairwise(pieces) if pair[0].cue < pair[1].cue]
    overlaps = sum(one.start_ms < before.end_ms - SAME_MS for before, one in pairs)
    return _Habits(
        chevrons=sum(piece.mark == ">>" for piece in pieces) >= MIN_CHEVRONS,
        staggered=overlaps > max(MAX_OVERLAPS * len(pairs), 1),
        unpunctuated=_unpunctuated(pieces),
        join_gap_ms=options.join_gap_ms,
        dialogue_gap_ms=options.dialogue_gap_ms,
    )


def _unpunctuated(pieces: Sequence[Piece]) -> tuple[re.Pattern[str], ...]:
    ends = [piece.text.rstrip(_CLOSING)[-1:] for piece in pieces if not piece.text.isascii()]
    without = sum(_OFTEN_UNPUNCTUATED.match(end) is not None for end in ends)
    marked = sum(end in _FINAL for end in ends)
    if marked < MIN_PUNCTUATED * (marked + without):
        return _UNPUNCTUATED, _OFTEN_UNPUNCTUATED
    return (_UNPUNCTUATED,)


def _next_turn(last: _Turn | None, piece: Piece, parted: bool, habits: _Habits) -> _Turn:
    if last is None or parted:
        return _begin(piece, last.dialogue + 1 if last else 1, NOBODY)
    kept = _is_unmarked(piece) and (habits.chevrons or _runs_on(last, piece, habits))
    return _begin(piece, last.dialogue, last.speaker if kept else NOBODY)


def _begin(piece: Piece, dialogue: int, speaker: Speaker) -> _Turn:
    turn = _Turn(dialogue, piece.start_ms, piece.end_ms, piece.speaker or speaker, [], [], 0, piece)
    turn.add(piece)
    return turn


def _may_join(turn: _Turn, piece: Piece, habits: _Habits) -> bool:
    # A voice tag, field or diariser's label stands on every cue: the same again is no new turn.
    everywhere = piece.mark in SOURCES or (
        piece.speaker is not None and piece.speaker.kind is SpeakerKind.DIARISED and not piece.mark
    )
    same = _is_unmarked(piece) or (everywhere and piece.speaker == turn.speaker)
    room = turn.size + len(piece.text) <= limits.MAX_UTTERANCE_CHARS
    return same and room and not piece.scene and _runs_on(turn, piece, habits)


def _runs_on(turn: _Turn, piece: Piece, habits: _Habits) -> bool:
    """Whether a piece comes within a sentence, to judge by time and punctuation."""
    last = turn.texts[-1].rstrip(_CLOSING)[-1:]
    finished = last in _FINAL or any(letters.match(last) for letters in habits.unpunctuated)
    if finished or piece.start_ms - turn.end_ms >= habits.join_gap_ms:
        return False
    return not _is_beside(turn.last, piece, habits)


def _is_beside(before: Piece, piece: Piece, habits: _Habits) -> bool:
    """Whether a piece is shown at the same time as the one before, and not after it."""
    together = min(before.end_ms, piece.end_ms) - piece.start_ms
    if piece.cue == before.cue or together <= 0:
        return False
    if piece.start_ms - before.start_ms <= SAME_MS:
        return True
    shorter = min(before.end_ms - before.start_ms, piece.end_ms - piece.start_ms)
    return together > SAME_MS and 2 * together >= shorter and not habits.staggered


def _is_unmarked(piece: Piece) -> bool:
    return not piece.mark and piece.speaker is None
