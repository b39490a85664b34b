"""Speakers of 200 cues of real captions, drawn by chance and labelled by reading them.

`survivor_speakers.csv` has file, line of the cue's timing, who speaks in it (`a|b` for two, `?`
where the captions do not say), and what tells it: `captions` (a label in the cue, or one before it
by the file's convention), `context` (only what is said), `nobody`, or `silence`. Names are as the
file writes them, in small letters.
"""

from __future__ import annotations

import csv
import functools
from pathlib import Path

from beam_pipeline.corpus.dialogues import Dialogues, split_dialogues
from beam_pipeline.corpus.formats.cue_blocks import Cue
from beam_pipeline.corpus.formats.srt import read_srt
from beam_pipeline.corpus.names import canonical
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.speakers import Cast

SAMPLE = Path(__file__).parent / "survivor_speakers.csv"


def found_in(cue: Cue, dialogues: Dialogues) -> set[str]:
    """The names of those whose utterances have a line of the cue at its time."""
    lines = [line for line in cue.lines if line.strip()]
    return {
        canonical(utterance.speaker.name)
        for utterance in dialogues.utterances
        if utterance.speaker.name
        and utterance.start_ms is not None
        and utterance.end_ms is not None
        and utterance.start_ms <= cue.start_ms <= utterance.end_ms
        and any(line in utterance.text_raw for line in lines)
    }


def test_named_speakers_are_right_and_few_are_missed(shared_data: Path) -> None:
    @functools.cache
    def read(name: str) -> tuple[dict[int, Cue], Dialogues]:
        path = shared_data / "subtitles" / "survivor" / name
        parsed = read_srt(path.read_text(encoding="utf-8"))
        dialogues = split_dialogues(parsed.cues, Cast("s", name, {}), ReadOptions("c"))
        return {cue.line: cue for cue in parsed.cues}, dialogues

    right = claimed = labelled = found_of_labelled = known = 0
    with SAMPLE.open() as file:
        sample = [*csv.DictReader(file)]
    for row in sample:
        cues, dialogues = read(row["file"])
        truth = {canonical(name) for name in row["speakers"].split("|")} - {"?", ""}
        found = found_in(cues[int(row["line"])], dialogues)
        right, claimed = right + len(found & truth), claimed + len(found)
        known += len(truth)
        if row["told_by"] == "captions":
            labelled, found_of_labelled = (
                labelled + len(truth),
                found_of_labelled + len(found & truth),
            )
    assert len(sample) == 200
    assert right / claimed >= 0.98
    assert found_of_labelled / labelled >= 0.98
    assert right / known >= 0.65
