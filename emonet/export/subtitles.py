"""What subtitles have in common: a file an episode, a cue an utterance at its own times."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow.compute as pc
from pysubs2 import SSAFile

from beam_pipeline.records import EmonetError
from emonet.emotions import Emotions
from emonet.export.target import Export

LEFT_OUT = "an utterance without a start and an end is in no subtitle"

_UNSAFE = re.compile(r'[\\:*?"<>|\x00-\x1f\x7f]')
_LONGEST_NAME = 100
"""Of characters, so that no file system's 255 bytes are too few for UTF-8 and the extension."""


def export_episodes(
    emotions: Emotions, extension: str, subtitles: Callable[[list[dict[str, Any]]], str]
) -> Export:
    """A file of subtitles an episode, called as the episode is.

    Args:
      emotions: the utterances.
      extension: of the files.
      subtitles: the utterances of an episode as rows -> the text of its file.

    Raises:
      EmonetError: no utterance has times.
    """
    rows = emotions.plain_rows
    timed = pc.and_(pc.is_valid(rows["start_ms"]), pc.is_valid(rows["end_ms"]))
    chosen = emotions.where(timed.to_numpy())
    if not len(chosen):
        raise EmonetError(
            "no utterance has times, so there is nothing to show it at; export a table"
        )
    return Export(_files(chosen, extension, subtitles), len(chosen))


def one_line(text: str) -> str:
    """Text whose backslashes start no escape of subtitles, on one line."""
    return " ".join(text.replace("\\", "\\\N{WORD JOINER}").split())


def text_of(file: SSAFile, extension: str, options: Mapping[str, Any]) -> str:
    """A file as text, in time order."""
    file.sort()
    return str(file.to_string(extension, **options))


def _files(
    emotions: Emotions, extension: str, subtitles: Callable[[list[dict[str, Any]]], str]
) -> Iterator[tuple[str, bytes]]:
    taken: set[str] = set()
    ends = np.cumsum(np.bincount(emotions.codes("episode_id")[0])).tolist()
    for start, end in itertools.pairwise([0, *ends]):
        rows = emotions.plain_rows.slice(start, end - start).to_pylist()
        name = _free_name(rows[0]["episode_id"], taken)
        yield f"{name}.{extension}", subtitles(rows).encode()


def _free_name(episode_id: str, taken: set[str]) -> str:
    """A path that every file system takes, and that no other episode has, whatever the case."""
    parts = [_UNSAFE.sub("_", part).strip(" .")[:_LONGEST_NAME] for part in episode_id.split("/")]
    plain = name = "/".join(part or "_" for part in parts)
    number = 1
    while name.lower() in taken:
        number += 1
        name = f"{plain}-{number}"
    taken.add(name.lower())
    return name
