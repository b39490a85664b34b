"""Cues -> utterances -> dialogues.

A cue is a piece of screen, an utterance is a turn of a speaker: cues are cut where somebody
else begins to speak, and joined where a sentence runs on. No word is lost on the way, and none
is said twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from beam_pipeline.corpus import limits, markup
from beam_pipeline.corpus.formats.cue_blocks import Cue
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.speaker_labels import SpeakerLabel, Vocabulary, learn, split_label
from beam_pipeline.corpus.speakers import NOBODY, Cast, Speaker
from beam_pipeline.corpus.utterances import Utterance
from beam_pipeline.records import SpeakerKind, SpeakerSource

MIN_CHEVRONS: Final = 5
"""A file with that many lines in `>>` marks every change of speaker with them."""

_FINAL = frozenset(".?!…。？！")
_CLOSING = "\"'”’»)]"
_SOURCES = {"v": SpeakerSource.VOICE_TAG, "f": SpeakerSource.FIELD}


@dataclasses.dataclass(frozen=True)
class Piece:
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
    raws: list[str]
    size: int

    def add(self, piece: Piece) -> None:
        self.end_ms = max(self.end_ms, piece.end_ms)
        self.texts.append(piece.text)
        self.raws.append(piece.raw)
        self.size += len(piece.text) + 1

    def finish(self) -> Utterance:
        dialogue, text, raw = f"d{self.dialogue:03d}", " ".join(self.texts), "\n".join(self.raws)
        return Utterance(dialogue, self.start_ms, self.end_ms, self.speaker, text, raw, None)


@dataclasses.dataclass
class _Part:
    """The lines of a cue that follow one speaker label."""

    label: SpeakerLabel
    scene: bool = False
    texts: list[str] = dataclasses.field(default_factory=list)
    raws: list[str] = dataclasses.field(default_factory=list)


def split_dialogues(cues: Sequence[Cue], cast: Cast, options: ReadOptions) -> Dialogues:
    """The utterances of a file's cues, in order of time.

    Args:
      cues: in any order.
      cast: of the episode.
      options: of the user.
    """
    ordered = sorted(cues, key=lambda cue: cue.start_ms)
    spoken = [tuple(markup.voices("\n".join(cue.lines))) for cue in ordered]
    vocabulary = learn(line.text for voices in spoken for voice in voices for line in voice.lines)
    pieces: list[Piece] = []
    scene = turned = False
    for at, (cue, voices) in enumerate(zip(ordered, spoken, strict=True)):
        for piece in _pieces(at, cue, cast, _parts(cue, voices, vocabulary)):
            scene = scene or piece.scene
            if markup.has_words(piece.text) and not _is_no_speech(piece):
                mark = ">>" if turned and not piece.mark else piece.mark
                pieces.append(dataclasses.replace(piece, scene=scene, mark=mark))
                scene = turned = False
        turned = turned or _ends_turned(voices)
    used = len({piece.cue for piece in pieces})
    return Dialogues(tuple(turn.finish() for turn in join_pieces(pieces, options)), used)


def _ends_turned(voices: Sequence[markup.Voice]) -> bool:
    """Whether a cue ends in a mark of a new turn, behind which the next cue stands."""
    return bool(voices) and voices[-1].lines[-1].text == ">>"


def _pieces(at: int, cue: Cue, cast: Cast, parts: Iterator[_Part]) -> Iterator[Piece]:
    """The pieces of a cue.

    What has no words stays in the text as it is in the file, with the words that follow; a cue
    without any is one piece without any.
    """
    silent: list[str] = []
    scene = False
    for part, is_last in _with_last(parts):
        text = " ".join(" ".join(part.texts).split())
        silent += part.raws
        scene = scene or part.scene
        if not markup.has_words(text) and not is_last:
            continue
        label = part.label
        source = _SOURCES.get(label.mark, SpeakerSource.LABEL)
        speaker = cast.identify(label.name, source) if label.name else None
        raw = "\n".join(filter(None, silent))
        yield Piece(at, cue.start_ms, cue.end_ms, label.mark, scene, speaker, text, raw)
        silent, scene = [], False


def join_pieces(pieces: Sequence[Piece], options: ReadOptions) -> Iterator[_Turn]:
    """Joins pieces to turns: no word is lost, none is said twice, and the order stays."""
    chevrons = sum(piece.mark == ">>" for piece in pieces) >= MIN_CHEVRONS
    turn: _Turn | None = None
    silent_from = 0
    for piece in pieces:
        if turn and _may_join(turn, piece, options):
            turn.add(piece)
        else:
            if turn:
                yield turn
            parted = piece.scene or piece.start_ms - silent_from > options.dialogue_gap_ms
            turn = _next_turn(turn, piece, parted, chevrons, options)
        silent_from = max(silent_from, piece.end_ms)
    if turn:
        yield turn


def _next_turn(
    last: _Turn | None, piece: Piece, parted: bool, chevrons: bool, options: ReadOptions
) -> _Turn:
    if last is None or parted:
        return _begin(piece, last.dialogue + 1 if last else 1, NOBODY)
    kept = _is_unmarked(piece) and (chevrons or _runs_on(last, piece, options))
    return _begin(piece, last.dialogue, last.speaker if kept else NOBODY)


def _begin(piece: Piece, dialogue: int, speaker: Speaker) -> _Turn:
    turn = _Turn(dialogue, piece.start_ms, piece.end_ms, piece.speaker or speaker, [], [], 0)
    turn.add(piece)
    return turn


def _may_join(turn: _Turn, piece: Piece, options: ReadOptions) -> bool:
    # A voice tag, field or diariser's label stands on every cue: the same again is no new turn.
    everywhere = piece.mark in _SOURCES or (
        piece.speaker is not None and piece.speaker.kind is SpeakerKind.DIARISED and not piece.mark
    )
    same = _is_unmarked(piece) or (everywhere and piece.speaker == turn.speaker)
    room = turn.size + len(piece.text) <= limits.MAX_UTTERANCE_CHARS
    return same and room and not piece.scene and _runs_on(turn, piece, options)


def _runs_on(turn: _Turn, piece: Piece, options: ReadOptions) -> bool:
    """Whether a piece comes within a sentence, to judge by time and punctuation."""
    finished = turn.texts[-1].rstrip(_CLOSING)[-1:] in _FINAL
    return not finished and piece.start_ms - turn.end_ms < options.join_gap_ms


def _is_unmarked(piece: Piece) -> bool:
    return not piece.mark and piece.speaker is None


def _is_no_speech(piece: Piece) -> bool:
    return piece.speaker is not None and piece.speaker.kind is SpeakerKind.NO_SPEECH


def _parts(cue: Cue, voices: Iterable[markup.Voice], vocabulary: Vocabulary) -> Iterator[_Part]:
    """Cuts a cue where it marks another speaker; the first part may have neither mark nor name."""
    for voice in voices:
        part = _Part(_label_before(cue, voice))
        for line in voice.lines:
            label = split_label(line.text, vocabulary)
            if line.scene or (label.starts_turn and not _is_named_already(part, label)):
                yield part
                part = _Part(label, line.scene)
            part.texts.append(label.rest)
            part.raws.append(line.raw)
        yield part


def _label_before(cue: Cue, voice: markup.Voice) -> SpeakerLabel:
    """What is known before the lines: by the voice tag, else by a field of the format."""
    if voice.tagged or not cue.name:
        return SpeakerLabel("v" if voice.tagged else "", voice.name, "")
    return SpeakerLabel("f", cue.name, "")


def _is_named_already(part: _Part, label: SpeakerLabel) -> bool:
    """Whether a line's mark says no more than the voice tag or field right before it."""
    return part.label.name is not None and not part.texts and label.name is None


def _with_last(parts: Iterator[_Part]) -> Iterator[tuple[_Part, bool]]:
    """The parts up to the last one with words, which takes the lines of those after it."""
    known = [*parts]
    worded = [at for at, part in enumerate(known) if markup.has_words(" ".join(part.texts))]
    end = worded[-1] if worded else len(known) - 1
    tail = [raw for part in known[end + 1 :] for raw in part.raws]
    known[end].raws += tail
    yield from ((part, at == end) for at, part in enumerate(known[: end + 1]))
