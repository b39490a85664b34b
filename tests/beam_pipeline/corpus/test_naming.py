"""Transcripts beside subtitles: whose words they are, and what goes wrong without harm."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipeline.corpus.alignment import MAX_UNANCHORED, align, words_of
from beam_pipeline.corpus.cutting import Hint, cut, parts_of
from beam_pipeline.corpus.naming import Named, match_tokens, name_by_transcript, time_by_subtitles
from beam_pipeline.corpus.speakers import NOBODY, Cast, Speaker
from beam_pipeline.corpus.utterances import Utterance
from beam_pipeline.records import SpeakerKind, SpeakerSource

CAST = Cast("Tolsay Ferry", "Tolsay Ferry/s01e01", {})

SCRIPT = [
    ("Odile", "The kettle is on and the harbour is frozen over again."),
    ("Bruno", "Then nobody sails today, and I can finally mend that winch."),
    ("Odile", "You said so last winter, and in spring it still screamed."),
    ("Bruno", "It sang. There is a difference."),
    ("Wendel", "Whoever sings, the mail boat wants its ropes before noon."),
    ("Odile", "No."),
    ("Wendel", "Tell that to forty sacks of letters from the mainland."),
]

texts = st.lists(st.sampled_from([*"abcdefgh"]), max_size=40)


def transcript_of(lines: Sequence[tuple[str, str]], scenes: Sequence[int] = ()) -> list[Utterance]:
    dialogues = scenes or [1] * len(lines)
    return [
        said(text, speaker=CAST.identify(name, SpeakerSource.COLUMN), dialogue=f"scene {dialogue}")
        for (name, text), dialogue in zip(lines, dialogues, strict=True)
    ]


def said(
    text: str,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    speaker: Speaker = NOBODY,
    dialogue: str = "d001",
) -> Utterance:
    return Utterance(dialogue, start_ms, end_ms, speaker, text, text, None)


def named(subtitles: Sequence[Utterance], transcript: Sequence[Utterance]) -> Named:
    return name_by_transcript(subtitles, transcript, match_tokens(subtitles, transcript), CAST)


def names(result: Named) -> list[tuple[str | None, str]]:
    return [(one.speaker.name, one.text) for one in result.utterances]


@given(texts, texts)
def test_pairs_never_cross_and_join_each_word_once(one: list[str], two: list[str]) -> None:
    pairs = align(one, two)
    assert all(a.word < b.word and a.other < b.other for a, b in itertools.pairwise(pairs))
    assert all((one[pair.word] == two[pair.other]) >= pair.equal for pair in pairs)


@settings(max_examples=20)
@given(st.integers(0, 99))
def test_a_long_text_finds_itself_with_a_third_of_it_lost(seed: int) -> None:
    chance = random.Random(seed)
    text = [f"w{chance.randrange(500)}" for _ in range(2 * MAX_UNANCHORED)]
    start = chance.randrange(len(text) // 3)
    kept = text[:start] + text[start + len(text) // 3 :]
    equal = [pair for pair in align(kept, text) if pair.equal]
    shift = len(text) // 3
    right = sum(p.other == p.word + (shift if p.word >= start else 0) for p in equal)
    assert right >= 0.99 * len(kept)


@settings(max_examples=20)
@given(st.integers(0, 99))
def test_a_random_transcript_names_nobody(seed: int) -> None:
    chance = random.Random(seed)
    vocabulary = [f"w{int(chance.paretovariate(1.0))}" for _ in range(3000)]

    def text() -> list[str]:
        return [chance.choice(vocabulary) for _ in range(2000)]

    assert align(text(), text()) == []


def test_every_utterance_takes_the_speaker_of_its_words() -> None:
    subtitles = [said(text) for _, text in SCRIPT]
    result = named(subtitles, transcript_of(SCRIPT))
    assert names(result) == SCRIPT
    speaker = result.utterances[0].speaker
    assert (speaker.source, speaker.confidence) == (SpeakerSource.TRANSCRIPT, 1.0)
    assert speaker.id == CAST.identify("Odile", SpeakerSource.LABEL).id


def test_an_utterance_is_cut_where_the_transcript_changes_speaker() -> None:
    both = said(f"{SCRIPT[3][1]} {SCRIPT[4][1]}", start_ms=10_000, end_ms=19_000)
    rest = [said(text) for _, text in SCRIPT[:3]]
    result = named([*rest, both], transcript_of(SCRIPT))
    assert names(result)[3:] == SCRIPT[3:5]
    first, second = result.utterances[3:]
    assert first.start_ms == 10_000
    assert second.end_ms == 19_000
    assert first.end_ms == second.start_ms
    assert 12_000 < (first.end_ms or 0) < 15_000


def test_a_misheard_word_costs_confidence_and_no_name() -> None:
    heard = [said(text) for _, text in SCRIPT]
    heard[0] = said("The cattle is on and the harbour is frozen over again.")
    first = named(heard, transcript_of(SCRIPT)).utterances[0]
    assert first.speaker.name == "Odile"
    assert first.speaker.confidence == pytest.approx(10 / 11)


def test_what_the_transcript_does_not_have_stays_unnamed() -> None:
    subtitles = [said(text) for _, text in SCRIPT]
    subtitles[5] = said("Absolutely out of the question!")
    assert names(named(subtitles, transcript_of(SCRIPT)))[5] == (
        None, "Absolutely out of the question!"
    )  # fmt: skip


def test_what_the_file_says_itself_wins_and_is_counted() -> None:
    subtitles = [said(text) for _, text in SCRIPT]
    own = CAST.identify("ODILE B.", SpeakerSource.LABEL)
    subtitles[0] = said(SCRIPT[0][1], speaker=own)
    result = named(subtitles, transcript_of(SCRIPT))
    assert result.utterances[0].speaker == own
    assert result.pairs == {("ODILE B.", "Odile"): 1}


def test_a_scene_end_of_the_transcript_ends_a_dialogue_unless_one_ends_there_already() -> None:
    subtitles = [said(text) for _, text in SCRIPT[:4]]
    subtitles += [said(text, dialogue="d002") for _, text in SCRIPT[4:]]
    result = named(subtitles, transcript_of(SCRIPT, scenes=[1, 1, 2, 2, 3, 3, 3]))
    dialogues = [one.dialogue_id for one in result.utterances]
    assert dialogues == ["d001", "d001", "d001.2", "d001.2", "d002", "d002", "d002"]


@given(st.lists(st.sampled_from(SCRIPT), max_size=12), st.lists(st.integers(0, 60), max_size=5))
def test_no_word_is_lost_or_said_twice_whatever_the_transcript(
    lines: list[tuple[str, str]], joins: list[int]
) -> None:
    whole = " ".join(text for _, text in SCRIPT).split()
    cuts = sorted({min(at, len(whole)) for at in joins} | {0, len(whole)})
    spoken = [" ".join(whole[a:b]) for a, b in itertools.pairwise(cuts)]
    result = named([said(text) for text in spoken], transcript_of(lines))
    for column in ("text", "text_raw"):
        written = " ".join(getattr(one, column) for one in result.utterances)
        assert written.split() == whole


def test_a_part_keeps_the_markup_of_its_lines() -> None:
    raw = "<i>- No.</i>\n- <b>Yes,</b> and now."
    first, second = cut(said("No. Yes, and now.")._replace(text_raw=raw), [0, 1])
    assert (first.text_raw, second.text_raw) == ("<i>- No.</i>", "- <b>Yes,</b> and now.")


def test_whole_sentences_that_nothing_tells_of_are_nobodys() -> None:
    tokens = ["What?", "I", "never", "said", "that.", "Honestly."]
    hints = [Hint(at, "Inga", sure=True) for at in range(1, 5)]
    parts = [(part.who, part.start, part.end) for part in parts_of(tokens, hints, 0.5)]
    assert parts == [(None, 0, 1), ("Inga", 1, 5), (None, 5, 6)]


def test_a_transcript_takes_its_times_from_subtitles() -> None:
    subtitles = [
        said(text, start_ms=1000 * at, end_ms=1000 * at + 900)
        for at, (_, text) in enumerate(SCRIPT)
    ]
    transcript = transcript_of([("Inga", "Something that was cut from the film."), *SCRIPT])
    timed = time_by_subtitles(transcript, subtitles, match_tokens(transcript, subtitles))
    assert [one.text for one in timed] == [one.text for one in transcript]
    assert (timed[0].start_ms, timed[1].start_ms, timed[7].start_ms) == (None, 0, 6000)
    assert timed[3].end_ms == pytest.approx(2900, abs=30)


def test_names_of_groups_and_unnamed_roles_keep_their_kind() -> None:
    lines = [("CROWD", SCRIPT[0][1]), ("Man 1", SCRIPT[1][1]), *SCRIPT[2:]]
    result = named([said(text) for _, text in lines], transcript_of(lines))
    kinds = [one.speaker.kind for one in result.utterances[:2]]
    assert kinds == [SpeakerKind.GROUP, SpeakerKind.GENERIC]
    assert result.utterances[0].speaker.id is None


def test_words_are_compared_without_the_way_they_are_written() -> None:
    assert words_of("Don’t — I’m O.K.!") == words_of("don't, I'M o k")
