"""A process that labels a night in slices, and prints the id of each episode that it encodes.

python slice_runs.py CHECKPOINT CORPUS OUT UTTERANCES
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from made_up_corpora import label

import beam_pipeline.stages.encode as encode_stage
from beam_pipeline import labelling
from beam_pipeline.records import Episode
from model.checkpoint import open_checkpoint


def _told(model: Any, episodes: Sequence[Episode]) -> list[labelling.Encoded]:
    # in one piece, for episodes are encoded side by side
    os.write(1, "".join(f"{episode.episode_id}\n" for episode in episodes).encode())
    return labelling.encode_episodes(model, episodes)


def main() -> None:
    """Labels one night."""
    checkpoint, corpus, output, utterances = sys.argv[1:]
    setattr(encode_stage, "encode_episodes", _told)  # noqa: B010
    label(open_checkpoint(Path(checkpoint)), [corpus], output, slice_utterances=int(utterances))


if __name__ == "__main__":
    main()
