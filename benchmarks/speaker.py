"""The speaker stage alone, with one speaker: time and peak memory by the number of utterances.

    python benchmarks/speaker.py friends_transcript.parquet

Real lines, embedded once by the real encoder, repeated over episodes of 50 utterances that all are
one speaker's. Each size runs in a process of its own; its peak is that of the whole process.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipeline.labelling import Encoded
from beam_pipeline.output.acceptance import Acceptance
from beam_pipeline.output.manifest import Origin
from beam_pipeline.output.run import begin_run
from beam_pipeline.records import UTTERANCES, Episode
from beam_pipeline.stages.recall import RecallSpeakers
from emonet.cli.options import beam_options
from model.checkpoint import PRETRAINED, load_model, open_checkpoint

SIZES = (10_000, 100_000, 1_000_000)
TURNS = 50
HISTORY = 10


def episode(number: int, texts: list[str]) -> Episode:
    """An episode in which one speaker says all."""
    columns: dict[str, list[Any]] = {name: [None] * TURNS for name in UTTERANCES.names}
    columns |= {
        "dialogue_id": ["d1"] * TURNS,
        "speaker_id": ["the speaker"] * TURNS,
        "speaker_kind": ["named"] * TURNS,
        "speaker_source": ["column"] * TURNS,
        "text": texts,
        "text_raw": texts,
    }
    table = pa.table(columns, schema=UTTERANCES)
    return Episode(f"show/{number:06d}", "lines", None, "show", None, number, "", table)


def encoded(number: int, texts: list[str], embeddings: np.ndarray) -> tuple[str, Encoded]:
    """What the encode stage would say of it: its lines from somewhere in the repeated ones."""
    at = [(number * TURNS + turn) % len(texts) for turn in range(TURNS)]
    one = episode(number, [texts[index] for index in at])
    logits = np.zeros((TURNS, 7), np.float32)
    return one.episode_id, Encoded(one, logits, embeddings[at])


def measure(utterances: int, data: str) -> None:
    """Runs the stage and prints one line."""
    lines = pq.read_table(data)["text"].to_pylist()[:2000]
    model = load_model(open_checkpoint(PRETRAINED)).for_inference()
    embeddings = model.embed(lines)
    origin = Origin("the embedder", embeddings.shape[1], HISTORY)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

    def chunk(first: int) -> Iterator[tuple[str, Encoded]]:
        return (encoded(number, lines, embeddings) for number in range(first, first + 100))

    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        run = begin_run(folder, "1", "a model", ("joy",), origin, (), Acceptance())
        with beam.Pipeline(options=PipelineOptions(beam_options([]))) as pipeline:
            recalled = (
                pipeline
                | beam.Create(range(0, utterances // TURNS, 100))
                | beam.FlatMap(chunk)
                | RecallSpeakers(run)
            )
            count = recalled.recalls | beam.combiners.Count.Globally()
            count | beam.Map(_expect, utterances // TURNS)
    seconds = time.monotonic() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rate = utterances / seconds
    print(
        f"{utterances:>10,} {utterances // TURNS:>8,} {seconds:8.1f} s {rate:>10,.0f}/s "
        f"{peak:6.2f} GiB (before it {before:.2f})"
    )


def _expect(recalls: int, episodes: int) -> None:
    if recalls != episodes:
        raise SystemExit(f"{recalls} recalls, expected {episodes}")


def main(data: str) -> None:
    """Measures all sizes."""
    print("utterances episodes     seconds       rate  peak memory")
    for size in SIZES:
        subprocess.run([sys.executable, str(Path(__file__)), data, str(size)], check=True)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        main(sys.argv[1])
    else:
        measure(int(sys.argv[2]), sys.argv[1])
