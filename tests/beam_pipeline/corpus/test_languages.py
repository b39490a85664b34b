from __future__ import annotations

import json
from pathlib import Path

import pytest

from beam_pipeline.corpus.languages import detect_language, primary_language
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import expand_inputs, read_path
from beam_pipeline.corpus.reading import FileContent, read_bytes
from beam_pipeline.records import Reason

GERMAN = [
    "Guten Abend, meine Damen und Herren, und herzlich willkommen.",
    "Das Schiff liegt seit gestern im Hafen und wartet auf besseres Wetter.",
    "Wir haben keine Ahnung, wann es endlich weiterfahren kann.",
    "Bis dahin bleiben alle Reisenden in den Zimmern am Kai.",
]
ENGLISH = [
    "Good evening, ladies and gentlemen, and welcome on board.",
    "The ship has been in port since yesterday and waits for better weather.",
    "We have no idea at all when she will be able to go on.",
    "Until then everybody stays in the rooms above the quay.",
    "It is said that the captain knows more than she has told us so far.",
]
ENGLISH_ONLY = ReadOptions("c", languages=("en",))


def read(path: str, texts: list[str], options: ReadOptions = ENGLISH_ONLY) -> FileContent:
    cues = [f"00:00:{at:02d},000 --> 00:00:{at:02d},900\n{text}\n" for at, text in enumerate(texts)]
    content = read_bytes(path, "\n".join(cues).encode(), options)
    source = content.source
    assert source.found == source.used + source.dropped + source.rejected == len(texts)
    assert source.rejected == sum(one.items for one in content.rejected)
    return content


def test_the_language_is_detected_where_nothing_says_it() -> None:
    (episode,) = read("a.srt", ENGLISH).episodes
    assert episode.language == "en"


def test_an_episode_in_another_language_is_refused_whole_with_that_reason() -> None:
    content = read("Quay/S01E02.srt", GERMAN)
    assert content.episodes == ()
    assert content.source.episodes == ()
    (refused,) = content.rejected
    assert (refused.reason, refused.items) == (Reason.OTHER_LANGUAGE, 4)
    assert refused.position == "Quay/s01e02"
    assert "found de" in refused.detail


def test_any_language_reads_all_and_names_it() -> None:
    (episode,) = read("a.srt", GERMAN, ReadOptions("c")).episodes
    assert episode.language == "de"


def test_what_the_name_says_goes_before_what_is_detected() -> None:
    assert read("a.en-GB.srt", GERMAN).episodes[0].language == "en-GB"
    assert read("a.de.srt", ENGLISH).rejected[0].reason is Reason.OTHER_LANGUAGE


def test_too_little_to_tell_is_of_no_language_and_is_kept() -> None:
    (episode,) = read("a.srt", ["Oui.", "Non!"]).episodes
    assert episode.language is None


def test_a_table_loses_only_its_episodes_in_another_language() -> None:
    rows = [
        {"text": text, "show": "Quay", "episode": number}
        for number, texts in enumerate((ENGLISH, GERMAN), 1)
        for text in texts
    ]
    content = read_bytes("a.jsonl", "\n".join(map(json.dumps, rows)).encode(), ENGLISH_ONLY)
    assert [episode.episode_id for episode in content.episodes] == ["Quay/e01"]
    assert [(one.position, one.items) for one in content.rejected] == [("Quay/e02", 4)]
    source = content.source
    assert (source.found, source.used, source.rejected) == (9, 5, 4)


@pytest.mark.parametrize(
    ("tag", "language"), [("en", "en"), ("pt-BR", "pt"), ("zh_Hans", "zh"), ("ENG", "en"), ("", "")]
)
def test_a_tag_has_a_primary_language(tag: str, language: str) -> None:
    assert primary_language(tag) == language


def test_detecting_looks_at_all_of_a_long_text() -> None:
    assert detect_language([*ENGLISH, *GERMAN * 200]) == "de"
    assert detect_language([]) is None


def test_real_captions_are_english(shared_data: Path) -> None:
    for path in expand_inputs([str(shared_data / "subtitles" / "survivor")]):
        (content,) = read_path(path, ENGLISH_ONLY)
        assert [one.language for one in content.episodes] == ["en"]
