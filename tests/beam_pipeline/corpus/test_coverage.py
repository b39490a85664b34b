"""What `emonet speakers` tells of files and the transcripts beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from beam_pipeline.corpus.census import Census, OneSided, take_census
from beam_pipeline.corpus.companions import companions_of
from beam_pipeline.corpus.coverage import Coverage, with_coverage
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import read_path

SCRIPT = [
    ("Odile Marchand", "The kettle is on and the harbour is frozen over again."),
    ("Bruno", "Then nobody sails today, and I can finally mend that winch."),
    ("Odile Marchand", "You said so last winter, and in spring it still screamed."),
    ("Odile Marchand", "It wakes the whole north shore before anybody has had coffee."),
    ("Bruno", "It sings in tune, which is more than the choir ever managed."),
    ("Wendel", "Whoever sings, the mail boat wants its ropes before noon."),
]


@pytest.fixture
def census(tmp_path: Path) -> Census:
    """Of subtitles with labels of their own: `ODM`, `INGA`, and `BRUNO` on a line of Wendel's."""
    own = ["ODM: ", "", "ODM: ", "ODM: ", "", "BRUNO: "]
    lines = [f"{name}{text}" for name, (_, text) in zip(own, SCRIPT, strict=True)]
    lines += [SCRIPT[1][1].join(("BRUNO: ", "")), "INGA: Nobody wrote this one down."]
    cues = (
        f"{at}\n00:00:{at:02d},000 --> 00:00:{at:02d},900\n{line}\n"
        for at, line in enumerate(lines)
    )
    subtitles = tmp_path / "Quay.S01E01.srt"
    subtitles.write_text("\n".join(cues))
    transcript = tmp_path / "transcripts" / "Quay S01E01.txt"
    transcript.parent.mkdir()
    script = [*SCRIPT, SCRIPT[1], ("Pippa", "And this was never filmed.")]
    transcript.write_text("\n\n".join(f"{name.upper()}: {text}" for name, text in script))
    options = ReadOptions("c", transcripts=(str(transcript),))
    companions, coverage = companions_of(options), Coverage()
    (content,) = read_path(str(subtitles), options)
    (episode,) = companions.joined(content, options).episodes
    coverage.add(episode, companions)
    return with_coverage(take_census([episode]), coverage)


def test_utterances_are_counted_by_where_their_speaker_comes_from(census: Census) -> None:
    counts = {one.source: one.utterances for one in census.sources}
    assert counts == {"label": 6, "transcript": 2}


def test_a_name_that_meets_one_of_the_transcript_again_and_again_is_a_proposed_alias(
    census: Census,
) -> None:
    (proposal,) = census.proposals
    assert (proposal.alias, proposal.speaker) == ("ODM", "ODILE MARCHAND")
    assert proposal.why == "3 of 3 utterances that the transcript has"


def test_a_label_that_the_transcript_contradicts_is_counted_and_kept(census: Census) -> None:
    assert census.contradicted == 1
    kept = {one.names[0]: one.utterances for one in census.entries}
    assert kept["BRUNO"] == 4


def test_names_of_one_side_are_listed(census: Census) -> None:
    assert census.one_sided == (
        OneSided("Quay", "INGA", "files", 1),
        OneSided("Quay", "PIPPA", "transcripts", 1),
    )
