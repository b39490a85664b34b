"""SRT: an utterance is `[Mad] MONICA: What?`, so that any player shows its emotion."""

from __future__ import annotations

from typing import Any

from pysubs2 import SSAEvent, SSAFile

from emonet.emotions import Emotions
from emonet.export.subtitles import LEFT_OUT, export_episodes, one_line, text_of
from emonet.export.target import Export, Target


def export(emotions: Emotions) -> Export:
    """A file an episode."""
    return export_episodes(emotions, "srt", _subtitles)


def _subtitles(rows: list[dict[str, Any]]) -> str:
    file = SSAFile()
    for row in rows:
        name = f"{one_line(row['speaker_name'])}: " if row["speaker_name"] else ""
        text = f"[{row['label']}] {name}{one_line(row['text'])}"
        file.append(SSAEvent(row["start_ms"], row["end_ms"], text))
    # braces are what somebody wrote, and no tags
    return text_of(file, "srt", {"keep_ssa_tags": True})


TARGET = Target(is_folder=True, export=export, left_out=LEFT_OUT)
