"""Diarisation beside subtitles: what is read of it, and whose voice is whose."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from beam_pipeline.corpus.diarisation import read_diarisation
from beam_pipeline.corpus.naming import match_tokens, name_by_transcript
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent
from beam_pipeline.corpus.speakers import NOBODY, Cast
from beam_pipeline.corpus.utterances import Utterance, utterances_of
from beam_pipeline.corpus.voices import hear_voices, name_voices
from beam_pipeline.records import Reason, SpeakerKind, SpeakerSource

EPISODE = "Tolsay Ferry/s01e01"
CAST = Cast("Tolsay Ferry", EPISODE, {})
RTTM = "SPEAKER x 1 0.000 2.500 <NA> <NA> A <NA> <NA>\nSPEAKER x 1 2.5 1 <NA> <NA> B <NA> <NA>\n"


def read(text: str, suffix: str = "rttm", **options: Any) -> FileContent:
    (content,) = read_diarisation(
        f"Tolsay.Ferry.S01E01.{suffix}", text.encode(), ReadOptions("c", **options)
    )
    return content


def turns(content: FileContent) -> list[Utterance]:
    return utterances_of(content.episodes[0].utterances)


def told(content: FileContent) -> list[tuple[int | None, int | None, str | None]]:
    return [(turn.start_ms, turn.end_ms, turn.speaker.name) for turn in turns(content)]


def said(text: str, start_ms: int, end_ms: int) -> Utterance:
    return Utterance("d001", start_ms, end_ms, NOBODY, text, text, None)


def names(utterances: Sequence[Utterance]) -> list[str | None]:
    return [one.speaker.name for one in utterances]


JSON: Mapping[str, Any] = {
    "whisperx": {
        "segments": [
            {"start": 0.0, "end": 2.5, "text": "Hoist it.", "speaker": "A"},
            {"start": 2.5, "end": 3.5, "text": "No.", "speaker": "B"},
        ]
    },
    "pyannote": {"diarization": [{"start": 0.0, "end": 2.5, "speaker": "A"},
                                 {"start": 2.5, "end": 3.5, "speaker": "B"}]},
    "service": {"output": {"diarization": [{"start": 0, "end": 2.5, "speaker": "A"},
                                           {"start": 2.5, "end": 3.5, "speaker": "B"}]}},
    "annotation": {"content": [{"segment": {"start": 0, "end": 2.5}, "track": 1, "label": "A"},
                               {"segment": {"start": 2.5, "end": 3.5}, "track": 2, "label": "B"}]},
    "list": [{"start": 0, "end": 2.5, "speaker": "A"}, {"start": 2.5, "end": 3.5, "speaker": "B"}],
}  # fmt: skip


@pytest.mark.parametrize("name", JSON)
def test_json_of_diarisers_tells_the_same_as_rttm(name: str) -> None:
    expected = [(0, 2500, "A"), (2500, 3500, "B")]
    assert told(read(json.dumps(JSON[name]), "json")) == told(read(RTTM)) == expected


def test_a_turn_belongs_to_the_episode_of_its_files_name_and_to_no_person() -> None:
    content = read(RTTM)
    assert content.episodes[0].episode_id == EPISODE
    assert {turn.speaker.kind for turn in turns(content)} == {SpeakerKind.DIARISED}
    assert content.source.format == "rttm"


def test_a_bad_line_is_refused_by_itself_without_its_text() -> None:
    content = read(RTTM + "SPEAKER x 1 soon 1 <NA> <NA> Bruno <NA> <NA>\n;; a note\n")
    assert (content.source.found, content.source.used, content.source.rejected) == (3, 2, 1)
    (refusal,) = content.rejected
    assert (refusal.position, refusal.reason) == ("line 3", Reason.MALFORMED_CUE)
    assert "Bruno" not in refusal.detail


@pytest.mark.parametrize(
    "text", ["", "1\n00:00:01,000 --> 00:00:02,000\nHello\n", "{}", "[1]", "{"]
)
def test_what_is_no_diarisation_is_refused(text: str) -> None:
    content = read(text)
    assert content.source.rejected == 1
    assert content.source.used == 0


def test_an_utterance_has_the_voice_that_is_heard_in_most_of_its_time() -> None:
    subtitles = [said("Hoist it.", 0, 2400), said("No.", 2300, 3500), said("Who?", 9000, 9500)]
    heard = hear_voices(subtitles, turns(read(RTTM)), CAST)
    assert names(heard) == ["A", "B", None]
    assert heard[0].speaker.source is SpeakerSource.DIARISATION
    assert heard[1].speaker.confidence == pytest.approx(1000 / 1200)
    assert heard[0].speaker.id != heard[1].speaker.id


def test_a_voice_has_the_name_that_the_users_table_gives_it_in_this_episode() -> None:
    aliases = (("Tolsay Ferry", EPISODE, "A", "Odile"),)
    cast = Cast("Tolsay Ferry", EPISODE, ReadOptions("c", aliases=aliases).names)
    (heard,) = hear_voices([said("Hoist it.", 0, 2400)], turns(read(RTTM)), cast)
    assert heard.speaker.kind is SpeakerKind.NAMED
    assert heard.speaker.id == CAST.identify("Odile", SpeakerSource.LABEL).id


def test_an_utterance_is_cut_where_a_diarisers_words_change_speaker() -> None:
    spoken = "Hoist the yellow flag before the harbour master wakes. He never sleeps on a Sunday."
    words = [
        {"word": word, "start": at / 2, "end": at / 2 + 0.4, "speaker": "A" if at < 9 else "B"}
        for at, word in enumerate(spoken.split())
    ]
    diarisation = {"segments": [{"start": 0, "end": 8, "text": spoken, "words": words}]}
    heard = hear_voices([said(spoken, 0, 8000)], turns(read(json.dumps(diarisation))), CAST)
    assert [(one.speaker.name, one.text.split()[0]) for one in heard] == [
        ("A", "Hoist"),
        ("B", "He"),
    ]


def test_a_voice_takes_the_name_that_a_transcript_gives_it_again_and_again() -> None:
    lines = [
        "The lanterns on the pier were lit by somebody without matches.",
        "Three crates of oranges came ashore with nobody's name on them.",
        "Ask the lighthouse keeper why her stairs are wet every morning.",
        "I would rather swim to the mainland with an anchor in my arms.",
    ]
    subtitles = [said(text, 1000 * at, 1000 * at + 900) for at, text in enumerate(lines)]
    subtitles.append(said("Hm?", 4000, 4900))
    rttm = "SPEAKER x 1 0 5 <NA> <NA> A <NA> <NA>\n"
    inga = CAST.identify("Inga", SpeakerSource.COLUMN)
    transcript = [Utterance("s", None, None, inga, text, text, None) for text in lines]
    heard = hear_voices(subtitles, turns(read(rttm)), CAST)
    named = name_by_transcript(heard, transcript, match_tokens(heard, transcript), CAST)
    all_named = [*name_voices(named.utterances, named.pairs, CAST)]
    assert names(all_named) == ["Inga"] * 5
    assert all_named[4].speaker.source is SpeakerSource.DIARISATION
    assert all_named[4].speaker.id == inga.id
    few = [*name_voices(named.utterances, {("A", "Inga"): 3, ("A", "Odile"): 2}, CAST)]
    assert names(few) == ["Inga"] * 4 + ["A"]
