from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import read_bytes
from beam_pipeline.corpus.speaker_kinds import speaker_kind
from beam_pipeline.corpus.speakers import episodic_id
from beam_pipeline.records import SpeakerKind

_WORDS = ("speaker", "Speaker", "SPEAKER", "spk", "Guest", "Participant", "Sprecher")
_LABELS = st.builds(
    "{0}{1}{2}".format,
    st.sampled_from(_WORDS),
    st.sampled_from(["_", " ", "-", "_0"]),
    st.integers(0, 999),
)
_FORMS = st.sampled_from(["{}: ", "[{}]: ", "[{}] ", "({}) ", "{}|", "{}:\n", "- {}: "])
_SAID = st.sampled_from(["Shall we begin?", "I am ready.", "Then let us go."])


def srt(*texts: str) -> bytes:
    return "\n".join(
        f"{at}\n00:00:{3 * at:02},000 --> 00:00:{3 * at + 1:02},000\n{text}\n"
        for at, text in enumerate(texts, 1)
    ).encode()


def spoken(data: bytes, path: str = "Show/S01E01.srt") -> list[tuple[str | None, str, str]]:
    (episode,) = read_bytes(path, data, ReadOptions("c")).episodes
    rows = episode.utterances.to_pylist()
    return [(row["speaker_name"], row["speaker_kind"], row["text"]) for row in rows]


@given(_FORMS, st.lists(st.tuples(_LABELS, _SAID), min_size=1, max_size=5))
def test_a_diarisers_label_is_a_speaker_in_any_form_and_never_said(
    form: str, turns: list[tuple[str, str]]
) -> None:
    found = spoken(srt(*(form.format(label) + said for label, said in turns)))
    assert found == [(label, "diarised", said) for label, said in turns]


@given(_LABELS)
def test_a_diarised_speaker_is_one_of_an_episode_only(label: str) -> None:
    data = srt(f"{label}: Yes.")
    ids = [
        read_bytes(f"Show/S01E0{number}.srt", data, ReadOptions("c")).episodes[0].utterances
        for number in (1, 2)
    ]
    one, other = (table["speaker_id"].to_pylist() for table in ids)
    assert one == [episodic_id("Show", "Show/s01e01", label)]
    assert one != other


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("0", SpeakerKind.DIARISED),
        ("A", SpeakerKind.DIARISED),
        ("S1", SpeakerKind.DIARISED),
        ("ch_0", SpeakerKind.DIARISED),
        ("Guest-1", SpeakerKind.DIARISED),
        ("SPEAKER_UNK", SpeakerKind.DIARISED),
        ("说话人 1", SpeakerKind.DIARISED),
        ("참석자 1", SpeakerKind.DIARISED),
        ("Guest", SpeakerKind.GENERIC),
        ("Unidentified Speaker", SpeakerKind.UNKNOWN),
        ("Boy A", SpeakerKind.GENERIC),
        ("Villager B", SpeakerKind.GENERIC),
        ("Girls A-B-C", SpeakerKind.GROUP),
        ("学生B", SpeakerKind.GENERIC),
        ("Malcolm X", SpeakerKind.NAMED),
        ("Jeff V.", SpeakerKind.NAMED),
        ("Speaker of the House", SpeakerKind.NAMED),
        ("1045", SpeakerKind.NAMED),
    ],
)
def test_what_diarisers_and_numberings_write_is_no_person_of_all_episodes(
    name: str, kind: SpeakerKind
) -> None:
    assert speaker_kind(name) is kind


def test_numbers_and_letters_of_tables_are_diarised() -> None:
    rows = [{"speaker": name, "text": "Yes."} for name in (0, "1", "B")]
    data = "\n".join(map(json.dumps, rows)).encode()
    assert [kind for _, kind, _ in spoken(data, "a.jsonl")] == ["diarised"] * 3


def test_a_label_on_every_cue_of_a_sentence_begins_no_turn() -> None:
    data = b"""1
00:00:01,000 --> 00:00:02,000
(speaker 0) Then the nets take on

2
00:00:02,100 --> 00:00:03,000
(speaker 0) surprising properties.

3
00:00:03,100 --> 00:00:04,000
(speaker 1) Do they?
"""
    assert spoken(data) == [
        ("speaker 0", "diarised", "Then the nets take on surprising properties."),
        ("speaker 1", "diarised", "Do they?"),
    ]


def test_a_mark_of_a_turn_at_the_end_of_a_cue_holds_for_the_next_one() -> None:
    data = b"""1
00:00:01,000 --> 00:00:02,000
ODA: Shall we begin [SPEAKER_TURN]

2
00:00:02,100 --> 00:00:03,000
I am ready [SPEAKER_TURN] Good.
"""
    assert spoken(data) == [
        ("ODA", "named", "Shall we begin"),
        (None, "unknown", "I am ready"),
        (None, "unknown", "Good."),
    ]


@pytest.mark.parametrize("said", ["Speaker to the crowd: yes.", "A: none of them."])
def test_what_only_resembles_a_diarisers_label_is_speech(said: str) -> None:
    assert spoken(srt(said)) == [(None, "unknown", said)]
