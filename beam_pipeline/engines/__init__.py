"""Where a job runs: in this process, in pools of workers, on Flink, on Dataflow."""

from typing import Final

IN_PROCESS: Final = "beam_pipeline.engines.in_process.InProcessRunner"
"""The in-process engine, as `--runner`. Beam's own `DirectRunner` may choose another by itself."""
