from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import expand_inputs, read_path
from beam_pipeline.corpus.reading import FileContent
from beam_pipeline.corpus.speakers import speaker_id


def read(path: Path, show: str | None = None) -> FileContent:
    (content,) = read_path(str(path), ReadOptions("real", show))
    source = content.source
    assert source.found == source.used + source.dropped + source.rejected
    assert source.rejected == sum(rejected.items for rejected in content.rejected)
    return content


def values(content: FileContent, column: str) -> list[str]:
    return [
        value
        for episode in content.episodes
        for value in episode.utterances.column(column).to_pylist()
    ]


@pytest.mark.parametrize(
    ("name", "episodes", "utterances"),
    [
        ("emorynlp/emotion-detection-trn.json", 77, 9934),
        ("emorynlp/emotion-detection-dev.json", 11, 1344),
        ("meld/train_sent_emo.csv", 188, 9989),
        ("meld/dev_sent_emo.csv", 82, 1109),
    ],
)
def test_labelled_sets_are_read_whole(
    shared_data: Path, name: str, episodes: int, utterances: int
) -> None:
    content = read(shared_data / name)
    assert (len(content.episodes), content.source.used) == (episodes, utterances)
    assert content.rejected == ()
    assert len(set(values(content, "gold"))) == 7
    assert {episode.show for episode in content.episodes} == {"Friends"}
    places = [episode.place for episode in content.episodes]
    assert places == sorted(places)


def test_lines_of_many_films_are_read_whole_each_a_dialogue_of_its_own(shared_data: Path) -> None:
    content = read(shared_data / "xed" / "english.tsv")
    assert (content.source.format, content.source.found) == ("xed", 21_857)
    assert content.rejected == ()
    assert len(set(values(content, "dialogue_id"))) == content.source.used == 21_857
    assert values(content, "gold").count("neutral") == 7_864


def test_a_dialogue_lies_in_one_piece(shared_data: Path) -> None:
    for name in ("meld/train_sent_emo.csv", "emorynlp/emotion-detection-dev.json"):
        for episode in read(shared_data / name).episodes:
            ids = episode.utterances.column("dialogue_id").to_pylist()
            changes = sum(one != other for one, other in itertools.pairwise(ids))
            assert changes == len(set(ids)) - 1


def test_a_whole_transcript_is_read_without_naming_columns(shared_data: Path) -> None:
    content = read(shared_data / "friends" / "friends_transcript.parquet", show="Friends")
    assert (content.source.found, content.source.used) == (61_023, 61_023)
    assert content.episodes[0].episode_id == "Friends/s01e01"
    assert speaker_id("Friends", "Monica Geller") in values(content, "speaker_id")


def test_every_cue_of_broadcast_captions_is_accounted_for(shared_data: Path) -> None:
    paths = expand_inputs([str(shared_data / "subtitles" / "survivor")])
    assert len(paths) == 38
    for path in paths:
        content = read(Path(path))
        lines = Path(path).read_text(encoding="utf-8").split("\n")
        assert content.source.found == sum("-->" in line for line in lines)
        assert content.rejected == ()
        assert content.episodes[0].show == "survivor"


def test_labelled_broadcast_captions_have_named_speakers(shared_data: Path) -> None:
    named = {}
    for path in expand_inputs([str(shared_data / "subtitles" / "survivor")]):
        content = read(Path(path))
        named[content.episodes[0].episode_id] = values(content, "speaker_kind").count("named")
    # These four name nobody but once: they mark turns with dashes. A fifth has `(Probst)` on lines
    # of their own, which the other names of that file give away.
    without = {f"survivor/s03e{number:02d}" for number in (8, 10, 12, 13)}
    assert {episode for episode, count in named.items() if not count} == without
    seasons = [count for episode, count in named.items() if episode.startswith("survivor/s02")]
    assert min(seasons) > 400


def test_odd_files_are_read_or_refused(shared_data: Path) -> None:
    paths = expand_inputs([str(shared_data / "subtitles" / "odd")])
    formats = [read(Path(path)).source.format for path in paths]
    assert formats.count("webvtt") == 289
    assert formats.count("srt") == 12
