"""Cues -> utterances -> dialogues.

A cue is a piece of screen, an utterance is a turn of a speaker: cues are cut here where somebody
else begins to speak, and their pieces joined where a sentence runs on. No word is lost on the way,
and none is said twice.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from beam_pipeline.corpus import markup, scripts, sounds
from beam_pipeline.corpus.credits import goes_on, without_credits
from beam_pipeline.corpus.formats.cue_blocks import Cue
from beam_pipeline.corpus.formats.cue_builder import Silent
from beam_pipeline.corpus.joining import SOURCES, Piece, join_pieces
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.speaker_labels import SpeakerLabel, Vocabulary, learn, split_label
from beam_pipeline.corpus.speakers import Cast
from beam_pipeline.corpus.utterances import Utterance
from beam_pipeline.records import SpeakerKind, SpeakerSource


@dataclasses.dataclass(frozen=True)
class Dialogues:
    """What is said in a subtitle file.

    Attributes:
      utterances: in order of time.
      used: how many of the cues are in them.
      silent: pairs of a kind and the number of those cues in which nobody speaks for it.
      script: that of the lines that were read, where the cues are in two languages at once.
    """

    utterances: tuple[Utterance, ...]
    used: int
    silent: tuple[tuple[str, int], ...] = ()
    script: str | None = None


@dataclasses.dataclass
class _Part:
    """The lines of a cue that follow one speaker label."""

    label: SpeakerLabel
    scene: bool = False
    texts: list[str] = dataclasses.field(default_factory=list)
    raws: list[str] = dataclasses.field(default_factory=list)


def split_dialogues(
    cues: Sequence[Cue], cast: Cast, options: ReadOptions, language: str | None = None
) -> Dialogues:
    """The utterances of a file's cues, in order of time.

    Args:
      cues: in any order.
      cast: of the episode.
      options: of the user.
      language: BCP 47 tag, where the file or its name says one.
    """
    ordered = sorted(cues, key=lambda cue: cue.start_ms)
    spoken = [tuple(markup.voices("\n".join(cue.lines))) for cue in ordered]
    sung = frozenset(_sung_over(ordered))
    credited = frozenset(_credited(ordered))
    for at in sung | credited:
        spoken[at] = markup.hushed(spoken[at])
    languages = filter(None, (*(options.languages or ()), language))
    times = [(cue.start_ms, cue.end_ms) for cue in ordered]
    script = scripts.kept_script(spoken, times, [*languages])
    foreign: frozenset[int] = frozenset()
    if script:
        in_script = [scripts.in_script(voices, script) for voices in spoken]
        pairs = zip(spoken, in_script, strict=True)
        foreign = frozenset(at for at, (one, kept) in enumerate(pairs) if one != kept)
        spoken = in_script
    vocabulary = learn(line.text for voices in spoken for voice in voices for line in voice.lines)
    pieces: list[Piece] = []
    scene = turned = False
    for at, (cue, voices) in enumerate(zip(ordered, spoken, strict=True)):
        for piece in _pieces(at, cue, cast, _parts(cue, voices, vocabulary)):
            scene = scene or piece.scene
            if markup.has_words(piece.text) and not _is_no_speech(piece):
                if scene or turned:
                    mark = ">>" if turned and not piece.mark else piece.mark
                    piece = piece._replace(scene=scene, mark=mark)
                pieces.append(piece)
                scene = turned = False
        turned = turned or _ends_turned(voices)
    used = {piece.cue for piece in pieces}
    silent = Counter(
        _silence(cue, at in sung, at in credited, at in foreign)
        for at, cue in enumerate(ordered)
        if at not in used
    )
    return Dialogues(
        utterances=tuple(turn.finish() for turn in join_pieces(pieces, options)),
        used=len(used),
        silent=tuple(sorted((str(kind), count) for kind, count in silent.items() if kind)),
        script=script,
    )


def _sung_over(cues: Sequence[Cue]) -> Iterator[int]:
    """Which cues are within a song that goes over several."""
    if not sounds.has_notes("\n".join(line for cue in cues for line in cue.lines)):
        return iter(())
    texts = [markup.plain("\n".join(cue.lines)) for cue in cues]
    return sounds.sung_over(texts, [(cue.start_ms, cue.end_ms) for cue in cues])


def _credited(cues: Sequence[Cue]) -> Iterator[int]:
    """Which cues have the names that the credit in the cue before them wants."""
    for at, (before, cue) in enumerate(itertools.pairwise(cues), 1):
        if before.lines and before.lines[-1].rstrip("</>ib: -")[-4:].lower().endswith(
            ("by", "from")
        ):
            texts = (markup.plain("\n".join(one.lines)).strip() for one in (before, cue))
            if goes_on(*texts):
                yield at


def _silence(cue: Cue, sung: bool, credited: bool, foreign: bool) -> Silent | None:
    """Why nobody speaks in a cue: as it is a credit, or sung; None for anything else."""
    if foreign:
        return Silent.OTHER_LANGUAGE
    text = markup.plain("\n".join(cue.lines))
    if not markup.has_words(text):
        return None
    if credited or not markup.has_words(without_credits(text)):
        return Silent.CREDIT
    return Silent.SONG if sung or sounds.has_notes(text) else None


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
        source = SOURCES.get(label.mark, SpeakerSource.LABEL)
        speaker = cast.identify(label.name, source) if label.name else None
        raw = "\n".join(filter(None, silent))
        yield Piece(at, cue.start_ms, cue.end_ms, label.mark, scene, speaker, text, raw)
        silent, scene = [], False


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
    if len(known) == 1:  # as nearly all cues have
        yield known[0], True
        return
    worded = [at for at, part in enumerate(known) if markup.has_words(" ".join(part.texts))]
    end = worded[-1] if worded else len(known) - 1
    tail = [raw for part in known[end + 1 :] for raw in part.raws]
    known[end].raws += tail
    yield from ((part, at == end) for at, part in enumerate(known[: end + 1]))
