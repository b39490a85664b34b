from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.credits import without_credits
from beam_pipeline.corpus.dialogues import Dialogues, split_dialogues
from beam_pipeline.corpus.formats.cue_blocks import Cue
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.speakers import Cast, speaker_id
from beam_pipeline.records import SpeakerKind, SpeakerSource

OPTIONS = ReadOptions("c")


def dialogues(*cues: tuple[int, int, str]) -> Dialogues:
    rows = [
        Cue(at, start, end, tuple(text.split("\n"))) for at, (start, end, text) in enumerate(cues)
    ]
    return split_dialogues(rows, Cast("Show", "Show/s01e01", {}), OPTIONS)


def turns(*cues: tuple[int, int, str]) -> list[tuple[str | None, str]]:
    return [(result.speaker.name, result.text) for result in dialogues(*cues).utterances]


def in_a_row(*texts: str) -> list[tuple[str | None, str]]:
    return turns(*((at * 1000, at * 1000 + 900, text) for at, text in enumerate(texts)))


def test_a_sentence_runs_on_into_the_next_cue_and_keeps_its_speaker() -> None:
    (result,) = dialogues((0, 1000, "ANN: You are"), (1100, 2000, "<i>my</i> friend.")).utterances
    assert (result.start_ms, result.end_ms, result.text) == (0, 2000, "You are my friend.")
    assert result.speaker.id == speaker_id("Show", "Ann")
    assert result.speaker.source is SpeakerSource.LABEL


def test_a_finished_sentence_ends_what_a_label_says() -> None:
    assert in_a_row("ANN: Hello.", "Who is it?") == [("ANN", "Hello."), (None, "Who is it?")]
    assert in_a_row('ANN: "Hello."', "Who is it?")[1][0] is None


def test_a_pause_ends_an_unfinished_sentence() -> None:
    assert turns((0, 1000, "ANN: But"), (2000, 3000, "never")) == [("ANN", "But"), (None, "never")]


def test_marks_begin_turns_within_and_across_cues() -> None:
    assert in_a_row("- Yes\n- BO: No", "- Maybe") == [(None, "Yes"), ("BO", "No"), (None, "Maybe")]


def test_a_label_alone_on_its_line_names_the_lines_below() -> None:
    assert in_a_row("JEFF PROBST:\nCome in,\nguys.") == [("JEFF PROBST", "Come in, guys.")]


def test_in_a_file_of_chevrons_a_speaker_goes_on_until_the_next_mark() -> None:
    marked = [">> ANN: One.", ">> BO: Two.", ">> ANN: Three.", ">> Four.", ">> BO: Five."]
    assert in_a_row(*marked, "Six.", "Seven.")[-2:] == [("BO", "Six."), ("BO", "Seven.")]
    assert in_a_row(*marked[:2], "Six.")[-1] == (None, "Six.")
    far = [(at * 1000, at * 1000 + 900, text) for at, text in enumerate(marked)]
    assert turns(*far, (20_000, 21_000, "Six."))[-1] == (None, "Six.")


def test_chevrons_within_a_line_begin_a_turn() -> None:
    assert in_a_row("&gt;&gt; ANN: Yes. >> BO: No.") == [("ANN", "Yes."), ("BO", "No.")]


def test_voice_tags_name_speakers() -> None:
    result = dialogues(
        (0, 1000, "<v.loud.first Mary Ann>Hey!</v> <v Bo>Hi"), (1000, 2000, "<v Bo>you")
    )
    assert [(x.speaker.name, x.text) for x in result.utterances] == [
        ("Mary Ann", "Hey!"),
        ("Bo", "Hi you"),
    ]
    assert result.utterances[0].speaker.source is SpeakerSource.VOICE_TAG
    assert result.used == 2


def test_what_follows_a_closed_voice_is_not_theirs() -> None:
    assert in_a_row("<v Joe>Hee!</v> Ha!") == [("Joe", "Hee!"), (None, "Ha!")]
    assert in_a_row("<v Joe>- Hee!") == [("Joe", "Hee!")]


def test_markup_and_entities_leave_the_words() -> None:
    assert in_a_row(
        "{\\an8}<c.x>Tom &amp; <b>Bo</b></c> <00:01.000>eat&nbsp;&lt;3 pies\u200e."
    ) == [(None, "Tom & Bo eat <3 pies.")]
    assert in_a_row("1 < 2 and AT&T &unknown; <c open") == [
        (None, "1 < 2 and AT&T &unknown; <c open")
    ]


def test_sounds_music_and_lyrics_are_no_speech() -> None:
    result = dialogues(
        (0, 900, "[door slams]"),
        (1000, 1900, "♪ ♪"),
        (2000, 2900, "(wind\nhowling)"),
        (3000, 3900, "♪ Bye-bye, blues ♪"),
        (4000, 4900, ">> ANN (<i> laughs</i> ): Oh."),
        (5000, 5900, "..."),
        (6000, 6900, ""),
    )
    assert [(x.speaker.name, x.text) for x in result.utterances] == [
        ("ANN", "Oh."),
    ]
    assert result.used == 1


def test_a_long_silence_begins_a_dialogue() -> None:
    result = dialogues((0, 1000, "One."), (6000, 7000, "Two."), (12_001, 13_000, "Three."))
    assert [x.dialogue_id for x in result.utterances] == ["d001", "d001", "d002"]


def test_several_and_strangers_have_a_name_and_no_id() -> None:
    result = dialogues((0, 900, "ALL: Yes!"), (1000, 1900, "WOMAN: No!")).utterances
    assert [x.speaker.kind for x in result] == [SpeakerKind.SEVERAL, SpeakerKind.UNKNOWN]
    assert all(x.speaker.id is None and x.speaker.name for x in result)


def test_captions_without_punctuation_are_cut_to_a_bounded_length() -> None:
    cues = [(at * 1000, at * 1000 + 1000, "and so on") for at in range(500)]
    result = turns((0, 0, "ANN: so"), *cues)
    assert all(len(text) <= limits.MAX_UTTERANCE_CHARS for _, text in result)
    assert {name for name, _ in result} == {"ANN"}


def test_cues_are_taken_in_order_of_time() -> None:
    assert turns((5000, 6000, "Two."), (0, 1000, "One.")) == [(None, "One."), (None, "Two.")]


def raws(*cues: tuple[int, int, str]) -> list[str]:
    return [result.text_raw for result in dialogues(*cues).utterances]


def test_what_is_taken_out_stays_in_the_raw_text() -> None:
    assert raws(
        (0, 900, "(bird\ncawing)\n>> ANN (laughs): <i>You</i> are"), (950, 1900, "♪ ♪\nmad.")
    ) == ["(bird\ncawing)\n>> ANN (laughs): <i>You</i> are\n♪ ♪\nmad."]
    assert raws((0, 900, "No. &gt;&gt; BO: Oh.\n(sighs)")) == ["No. ", "&gt;&gt; BO: Oh.\n(sighs)"]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("♪ Bye-bye, blues ♪\nWho sings?", "Who sings?"),
        ("♪ Bye-bye,\nblues ♪", None),
        ("Bye-bye, blues ♪", None),
        ("Sit down. ♪ la la ♪", "Sit down."),
        ("Sit down. ♪", "Sit down."),
        ("# Bye-bye, blues #", None),
        ("We are #1", "We are #1"),
        ("♪ ♪\n>> ANN: Sing!", "Sing!"),
        ("♪ Bye\n>> ANN: Sing! ♪", "Sing!"),
        ("Captioning sponsored by CBS\nand SURVIVOR PRODUCTIONS", None),
        ("Good night.\nCaptioned by\nthe makers", "Good night."),
        ("Synced and corrected by somebody", None),
        ("Corrected, he sat by the sea.", "Corrected, he sat by the sea."),
    ],
)
def test_lyrics_and_credits_are_no_speech(text: str, spoken: str | None) -> None:
    assert [text for _, text in turns((0, 900, text))] == ([spoken] if spoken else [])


@pytest.mark.parametrize("mark", ["* * *", "---", "[Scene: the pier]", "(COMMERCIAL BREAK)"])
def test_a_mark_of_a_scene_begins_a_dialogue(mark: str) -> None:
    within = dialogues((0, 900, f"Bye.\n{mark}\nHello."))
    between = dialogues((0, 900, "Bye"), (900, 950, mark), (950, 2000, "Hello."))
    for result in (within, between):
        assert [x.dialogue_id for x in result.utterances] == ["d001", "d002"]
    story = dialogues((0, 900, "Bye."), (900, 1900, ">>> Hello."))
    assert [x.dialogue_id for x in story.utterances] == ["d001", "d002"]


def test_what_is_shown_at_the_same_time_is_not_one_sentence() -> None:
    at_once = [(0, 2000, "ANN: Wait for me"), (0, 2000, "We are here"), (2000, 3000, "now")]
    assert turns(*at_once) == [("ANN", "Wait for me"), (None, "We are here now")]
    within = [(0, 4000, "ANN: Wait"), (1000, 2000, "We are"), (5000, 6000, "So")]
    assert turns(*within)[:2] == [("ANN", "Wait"), (None, "We are")]
    late_end = [(0, 2000, "ANN: Wait"), (1900, 4000, "for me"), (5000, 6000, "So")]
    assert turns(*late_end)[0] == ("ANN", "Wait for me")


def test_a_file_whose_cues_all_overlap_has_sentences_over_them() -> None:
    cues = [(at * 1000, at * 1000 + 2100, word) for at, word in enumerate(["we", "mend", "nets"])]
    assert turns(*cues) == [(None, "we mend nets")]


def test_gaps_are_options() -> None:
    cues = [Cue(0, 0, 1000, ("But",)), Cue(1, 2500, 3000, ("never.",))]
    cast = Cast("Show", "e", {})
    joined = split_dialogues(cues, cast, ReadOptions("c", join_gap_ms=2000)).utterances
    assert [x.text for x in joined] == ["But never."]
    parted = split_dialogues(cues, cast, ReadOptions("c", dialogue_gap_ms=1000)).utterances
    assert [x.dialogue_id for x in parted] == ["d001", "d002"]


def test_a_field_of_the_format_names_the_whole_cue() -> None:
    cues = [
        Cue(0, 0, 900, ("You are",), "Ann"),
        Cue(1, 950, 1900, ("- my friend.",), "Ann"),
        Cue(2, 2000, 2900, ("THE PIER",), "Sign"),
    ]
    found = split_dialogues(cues, Cast("Show", "e", {}), OPTIONS)
    assert [(x.speaker.name, x.text) for x in found.utterances] == [("Ann", "You are my friend.")]
    assert found.utterances[0].speaker.source is SpeakerSource.FIELD
    assert found.used == 2


def test_a_file_teaches_its_labels() -> None:
    once = ["Ann: Hello.", "A hot new look: red.", "Next week: blue."]
    assert {name for name, _ in in_a_row(*once)} == {None}
    often = ["Ann: Hello.", "a hot new look: red.", "Ann: No.", "Next week: blue.", "Ann: Yes."]
    assert [name for name, _ in in_a_row(*often)] == ["Ann", None, "Ann", None, "Ann"]
    known = in_a_row("Ann: Hello.", "ANN: Hello.")
    assert [name for name, _ in known] == ["Ann", "ANN"]


def test_in_a_file_of_capitals_capitals_make_no_label() -> None:
    lines = ["A HOT NEW LOOK: RED.", "ANN: YES.", "I SAY NO.", "ANN: NO.", "ANN: BUT YES."]
    assert [name for name, _ in in_a_row(*lines)] == [None, "ANN", None, "ANN", "ANN"]
    assert in_a_row("I SAY NO.", ">> BO: I SAY YES.")[1][0] == "BO"


def test_names_in_parentheses_are_told_from_sounds_by_their_use() -> None:
    lines = ["(Jeff Probst)\nGood night.", "(Probst) Go.", "(Whispering) Yes.", "(Probst)\nStop."]
    assert in_a_row(*lines) == [
        ("Jeff Probst", "Good night."),
        ("Probst", "Go."),
        (None, "Yes."),
        ("Probst", "Stop."),
    ]
    assert in_a_row("(Probst) Go.") == [(None, "Go.")]
    assert in_a_row("[all] Go!", "(man 2) No.") == [("all", "Go!"), ("man 2", "No.")]


# the generator draws constants of our own code as well, and some name those who spread subtitles
words = st.text(st.characters(categories=["Ll", "Lo", "Nd"]), min_size=1, max_size=8).filter(
    lambda word: without_credits(word) == word
)
marks = st.sampled_from(["", ">> ", "- ", "ANN: ", ">> BO: ", "<i>", "<v Cy>", "(Ann) ", "Ann: "])
ends = st.sampled_from(["", ".", "?", ",", " (sighs)"])
spoken = st.tuples(marks, st.lists(words, min_size=1, max_size=4), ends)
timed = st.tuples(st.integers(0, 7000), st.integers(0, 3000), st.lists(spoken, max_size=3))
Rows = list[tuple[int, int, list[tuple[str, list[str], str]]]]


def made_up_cues(rows: Rows) -> list[Cue]:
    cues: list[Cue] = []
    clock = 0
    for pause, length, lines in rows:
        clock += pause
        text = tuple(mark + " ".join(line) + end for mark, line, end in lines)
        cues.append(Cue(len(cues), clock, clock + length, text))
        clock += length
    return cues


@given(st.lists(timed, max_size=12))
def test_joining_and_cutting_lose_no_word_and_change_no_order(rows: Rows) -> None:
    cues = made_up_cues(rows)
    words = [word for _, _, lines in rows for _, line, _ in lines for word in line]
    found = split_dialogues(cues, Cast("Show", "e", {}), OPTIONS)
    kept = [word.rstrip(".?,") for x in found.utterances for word in x.text.split()]
    # Once is too seldom for a label in small letters, which then counts as words.
    assert [word for word in kept if word not in ("Ann:", "")] == words
    assert found.used == sum(bool(cue.lines) for cue in cues)
    ids = [x.dialogue_id for x in found.utterances]
    assert ids == sorted(ids)
    assert all(x.start_ms <= x.end_ms for x in found.utterances)  # type: ignore[operator]


@given(st.lists(timed, max_size=12))
def test_the_raw_texts_are_all_that_the_cues_hold(rows: Rows) -> None:
    cues = made_up_cues(rows)
    found = split_dialogues(cues, Cast("Show", "e", {}), OPTIONS)
    whole = "".join(line for cue in cues for line in cue.lines)
    assert "".join(x.text_raw for x in found.utterances).replace("\n", "") == whole
