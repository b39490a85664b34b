"""Cues -> utterances -> dialogues.

A cue is a piece of screen, an utterance is a turn of a speaker: cues are cut where somebody
else begins to speak, and joined where a sentence runs on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

from beam_pipeline.corpus import limits, markup, speakers
from beam_pipeline.corpus.formats.cue_blocks import Cue
from beam_pipeline.corpus.speakers import NOBODY, Speaker
from beam_pipeline.corpus.utterances import Utterance
from beam_pipeline.records import SpeakerSource

JOIN_GAP_MS: Final = 1_000
"""A sentence runs on into the next cue if that comes within this time."""

DIALOGUE_GAP_MS: Final = 5_000
"""A longer silence ends the dialogue."""

MIN_CHEVRONS: Final = 5
"""A file with that many lines in `>>` marks every change of speaker with them."""

_FINAL = frozenset(".?!…。？！")
_CLOSING = "\"'”’»)]"


@dataclasses.dataclass(frozen=True)
class Piece:
    """What one person says within one cue.

    Attributes:
      cue: index of the cue.
      start_ms, end_ms: of the cue.
      mark: `>>`, `-` or `v` (a voice tag, or the name of the whole cue) where the source marks a
        turn, else empty.
      speaker: None without a name.
      text: white space collapsed, with a letter or digit in it.
    """

    cue: int
    start_ms: int
    end_ms: int
    mark: str
    speaker: Speaker | None
    text: str


@dataclasses.dataclass(frozen=True)
class Dialogues:
    """The utterances of a subtitle file, and how many of its cues are in them."""

    utterances: tuple[Utterance, ...]
    used: int


@dataclasses.dataclass
class _Turn:
    """An utterance in the making."""

    dialogue: int
    start_ms: int
    end_ms: int
    speaker: Speaker
    texts: list[str]
    size: int

    def add(self, piece: Piece) -> None:
        self.end_ms = max(self.end_ms, piece.end_ms)
        self.texts.append(piece.text)
        self.size += len(piece.text) + 1

    def finish(self) -> Utterance:
        text = " ".join(self.texts)
        return Utterance(
            f"d{self.dialogue:03d}", self.start_ms, self.end_ms, self.speaker, text, None
        )


def split_dialogues(cues: Sequence[Cue], show: str) -> Dialogues:
    """The utterances of a file's cues, in order of time.

    Args:
      cues: in any order.
      show: the namespace of its speakers.
    """
    ordered = sorted(cues, key=lambda cue: cue.start_ms)
    pieces = [piece for at, cue in enumerate(ordered) for piece in split_cue(at, cue, show)]
    used = len({piece.cue for piece in pieces})
    return Dialogues(tuple(turn.finish() for turn in join_pieces(pieces)), used)


def split_cue(at: int, cue: Cue, show: str) -> Iterator[Piece]:
    """Cuts a cue where its text marks another speaker, and leaves out what has no words."""
    for opening, lines in _openings(cue):
        text = " ".join(" ".join(lines).split())
        if markup.has_words(text):
            source = _source(opening, cue)
            speaker = speakers.identify(show, opening.name, source) if opening.name else None
            yield Piece(at, cue.start_ms, cue.end_ms, opening.mark, speaker, text)


def join_pieces(pieces: Sequence[Piece]) -> Iterator[_Turn]:
    """Joins pieces to turns: no word is lost, none is said twice, and the order stays."""
    chevrons = sum(piece.mark == ">>" for piece in pieces) >= MIN_CHEVRONS
    turn: _Turn | None = None
    silent_from = 0
    for piece in pieces:
        if turn and _may_join(turn, piece):
            turn.add(piece)
        else:
            if turn:
                yield turn
            turn = _next_turn(turn, piece, piece.start_ms - silent_from, chevrons)
        silent_from = max(silent_from, piece.end_ms)
    if turn:
        yield turn


def _next_turn(last: _Turn | None, piece: Piece, silence_ms: int, chevrons: bool) -> _Turn:
    if last is None or silence_ms > DIALOGUE_GAP_MS:
        return _begin(piece, last.dialogue + 1 if last else 1, NOBODY)
    kept = _is_unmarked(piece) and (chevrons or _runs_on(last, piece))
    return _begin(piece, last.dialogue, last.speaker if kept else NOBODY)


def _begin(piece: Piece, dialogue: int, speaker: Speaker) -> _Turn:
    turn = _Turn(dialogue, piece.start_ms, piece.end_ms, piece.speaker or speaker, [], 0)
    turn.add(piece)
    return turn


def _may_join(turn: _Turn, piece: Piece) -> bool:
    # A voice tag stands on every cue, so the same voice again is no new turn.
    same = _is_unmarked(piece) or (piece.mark == "v" and piece.speaker == turn.speaker)
    room = turn.size + len(piece.text) <= limits.MAX_UTTERANCE_CHARS
    return same and room and _runs_on(turn, piece)


def _runs_on(turn: _Turn, piece: Piece) -> bool:
    """Whether a piece comes within a sentence, to judge by time and punctuation."""
    finished = turn.texts[-1].rstrip(_CLOSING)[-1:] in _FINAL
    return not finished and piece.start_ms - turn.end_ms < JOIN_GAP_MS


def _is_unmarked(piece: Piece) -> bool:
    return not piece.mark and piece.speaker is None


def _openings(cue: Cue) -> Iterator[tuple[speakers.Opening, list[str]]]:
    """The turns of a cue, each with its lines; the first may have neither mark nor name."""
    for voice in markup.voices("\n".join(cue.lines)):
        name = voice.name if voice.tagged else cue.name
        mark = "v" if voice.tagged or name else ""
        opening, lines = speakers.Opening(mark, name, ""), list[str]()
        for line in map(speakers.split_label, voice.lines):
            if line.starts_turn and not _is_named_by_voice(opening, lines, line):
                yield opening, lines
                opening, lines = line, []
            lines.append(line.rest)
        yield opening, lines


def _source(opening: speakers.Opening, cue: Cue) -> SpeakerSource:
    if opening.mark != "v":
        return SpeakerSource.LABEL
    return SpeakerSource.FIELD if opening.name == cue.name else SpeakerSource.VOICE_TAG


def _is_named_by_voice(
    opening: speakers.Opening, lines: Sequence[str], line: speakers.Opening
) -> bool:
    """Whether a line's mark says no more than the voice tag right before it."""
    return opening.name is not None and not lines and line.name is None
