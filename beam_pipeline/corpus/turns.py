"""Turns of a transcript -> utterances: a turn is an utterance, a scene is a dialogue."""

from __future__ import annotations

from collections.abc import Iterable

from beam_pipeline.corpus import markup
from beam_pipeline.corpus.dialogues import Dialogues
from beam_pipeline.corpus.formats.turn_builder import Turn
from beam_pipeline.corpus.speaker_labels import Vocabulary, split_label
from beam_pipeline.corpus.speakers import Cast
from beam_pipeline.corpus.utterances import Utterance
from beam_pipeline.records import SpeakerKind, SpeakerSource


def read_turns(turns: Iterable[Turn], cast: Cast) -> Dialogues:
    """The utterances of a transcript, in the order of the file.

    Args:
      turns: as the file has them; one without words, or whose speaker is a sign, gives none.
      cast: of the episode.
    """
    utterances: list[Utterance] = []
    dialogue, scene = 1, False
    for turn in turns:
        scene = scene or turn.scene
        text = _words(turn)
        speaker = cast.identify(turn.name, SpeakerSource.LABEL)
        if not markup.has_words(text) or speaker.kind is SpeakerKind.NO_SPEECH:
            continue
        dialogue += scene and bool(utterances)
        scene = False
        raw = "\n".join(turn.raw)
        utterances.append(
            Utterance(f"d{dialogue:03d}", turn.start_ms, None, speaker, text, raw, None)
        )
    return Dialogues(tuple(utterances), len(utterances))


def _words(turn: Turn) -> str:
    """What is said, without markup, sounds and remarks of how it is said."""
    voices = markup.voices("\n".join(turn.lines))
    spoken = (_spoken(line.text) for voice in voices for line in voice.lines)
    return " ".join(" ".join(spoken).split())


def _spoken(line: str) -> str:
    # a remark that may be a name, `(Softly) Yes`, which a line of a named turn does not need
    label = split_label(line, Vocabulary())
    return label.rest if label.name is None else line
