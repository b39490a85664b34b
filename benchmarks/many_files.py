"""What many small files cost before the first is labelled: to find, to begin, to look through.

python benchmarks/many_files.py 1000000

The files are made up: SRT of two cues, a thousand a folder, each an episode of its own. Nothing is
labelled. Processor time is that of this process, memory its peak; the graph is the job's for an
engine elsewhere.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import expand_inputs, total_size
from beam_pipeline.look_through import look_through
from beam_pipeline.output.acceptance import Acceptance
from beam_pipeline.output.manifest import Origin
from beam_pipeline.output.run import begin_run, spread
from beam_pipeline.output.work import write_inputs
from beam_pipeline.pipeline import Job, build
from beam_pipeline.stages.model_cache import ModelSource
from emonet.cli.options import beam_options
from model.network.precision import Precision

T = TypeVar("T")

CUES = """1
00:00:01,000 --> 00:00:02,500
The boat of {0} is late again.

2
00:00:03,000 --> 00:00:04,500
It was late on day {0} as well.
"""


def write_files(folder: Path, count: int) -> None:
    """Writes so many files, no two alike."""
    for number in range(count):
        show = folder / f"Quay {number // 1000:05d}"
        show.mkdir(parents=True, exist_ok=True)
        (show / f"{show.name}.S01E{number % 1000:03d}.srt").write_text(CUES.format(number))


def timed(what: str, step: Callable[[], T]) -> T:
    """Does a step, and prints what it took."""
    begun = time.process_time()
    done = step()
    took = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{what:>20} {took:>9.1f} s {peak:>7.2f} GiB at the peak so far", flush=True)
    return done


def main() -> None:
    """Makes the files and prints a line a step."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        corpus, output, spilled = (Path(name, part) for part in ("in", "out", "spilled"))
        timed("write", lambda: write_files(corpus, count))
        paths = timed("find", lambda: expand_inputs([str(corpus)]))
        assert len(paths) == count
        origin = Origin("made up", 384, 10)

        def begun() -> Job:
            run = begin_run(str(output), "1", "none", ("neutral",), origin, paths, Acceptance())
            run = spread(run, total_size(paths))
            source = ModelSource("/checkpoint", None, Precision.BFLOAT16)
            return Job(write_inputs(run, paths), ReadOptions(corpus="made up"), source, run)

        job = timed("begin", begun)
        spilled.mkdir()
        found = timed("look through", lambda: look_through(paths, job.reading, job.run, spilled))
        assert len(found.episodes) == count
        pipeline = beam.Pipeline(options=PipelineOptions(beam_options([])))
        timed("build the graph", lambda: build(pipeline, job))
        size = pipeline.to_runner_api().ByteSize()
        print(f"{count:,} files: a graph of {size:,} bytes")


if __name__ == "__main__":
    main()
