"""Utterances -> the table of an episode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from beam_pipeline.corpus.speakers import Speaker
from beam_pipeline.records import UTTERANCES, SpeakerKind, SpeakerSource


class Utterance(NamedTuple):
    """One turn of one speaker; the fields of `UTTERANCES`, with the speaker's in one.

    Attributes:
      dialogue_id: unique in the episode.
      start_ms, end_ms: milliseconds from the start of the recording, None if not known.
      speaker: who says it.
      text: what is said, white space collapsed.
      text_raw: the same as the source has it, with markup, labels, notes and lyrics.
      gold: the label that the source gives.
    """

    dialogue_id: str
    start_ms: int | None
    end_ms: int | None
    speaker: Speaker
    text: str
    text_raw: str
    gold: str | None


def utterance_table(utterances: Sequence[Utterance]) -> pa.Table:
    """The utterances as columns: a table with schema `UTTERANCES`, in the order given."""
    speakers = [utterance.speaker for utterance in utterances]
    columns = {
        "dialogue_id": [utterance.dialogue_id for utterance in utterances],
        "start_ms": [utterance.start_ms for utterance in utterances],
        "end_ms": [utterance.end_ms for utterance in utterances],
        "speaker_id": [speaker.id for speaker in speakers],
        "speaker_name": [speaker.name for speaker in speakers],
        "speaker_kind": [str(speaker.kind) for speaker in speakers],
        "speaker_source": [str(speaker.source) for speaker in speakers],
        "speaker_confidence": [speaker.confidence for speaker in speakers],
        "text": [utterance.text for utterance in utterances],
        "text_raw": [utterance.text_raw for utterance in utterances],
        "gold": [utterance.gold for utterance in utterances],
    }
    return pa.table(columns, schema=UTTERANCES)


def utterances_of(table: pa.Table) -> list[Utterance]:
    """The utterances of a table with schema `UTTERANCES`, as `utterance_table` was given them."""
    return [
        Utterance(
            row["dialogue_id"],
            row["start_ms"],
            row["end_ms"],
            Speaker(
                row["speaker_id"],
                row["speaker_name"],
                SpeakerKind(row["speaker_kind"]),
                SpeakerSource(row["speaker_source"]),
                row["speaker_confidence"],
            ),
            row["text"],
            row["text_raw"],
            row["gold"],
        )
        for row in table.to_pylist()
    ]
