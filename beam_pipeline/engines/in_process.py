"""Beam's own engine, in this process or served to others, without the flush that loses elements.

In this process a worker is a thread, and what it reads and writes lies in memory: nothing listens.

Between its workers Beam 2.77 buffers elements and flushes the buffers every second, from a thread
that nothing keeps apart from the one that writes them: what is written between the copy of a buffer
and its clearing is gone (`TimeBasedBufferingClosableOutputStream` in
`apache_beam/runners/worker/data_plane.py`). On a busy machine every few runs lost something. Here a
buffer is flushed when it is full and when a bundle ends, as other engines have it.

    python -P -m beam_pipeline.engines.in_process --port 8099

serves the same engine as a portable job service, for workers in processes of their own: to this
machine, or with `--host` to others. Beam's `local_job_service_main` would flush by time, never use
more than one worker, and wait for ever for one that is gone.
"""

from __future__ import annotations

import argparse
import logging
import threading
import time
from typing import Any

from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import (
    beam_fn_api_pb2,
    beam_job_api_pb2,
    beam_runner_api_pb2,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner, fn_runner, worker_handlers
from apache_beam.runners.portability.local_job_service import BeamJob, LocalJobServicer

from beam_pipeline.engines.listening import add_host, listen_on, seen_from_elsewhere, warn_of

LOST = "EmonetError: a worker process of the engine was lost; run it again"

CONNECT_S = 60.0
"""How long a worker in a process of its own may take until it answers, as Prism has it."""

# which advises to open ports for what threads do without
logging.getLogger(fn_runner.__name__).addFilter(
    lambda record: "direct_running_mode" not in str(record.msg)
)


class InProcessRunner(FnApiRunner):  # type: ignore[misc]
    """Runs the job in this process: its scheduling, and its workers unless they are elsewhere."""

    def __init__(self, **settings: Any) -> None:
        # the only way to it: a worker reads 0 in its own settings as "not set"
        worker_handlers.DATA_BUFFER_TIME_LIMIT_MS = 0
        super().__init__(**settings)

    def run_via_runner_api(
        self, pipeline: beam_runner_api_pb2.Pipeline, options: PipelineOptions
    ) -> Any:
        """Takes the number of workers from the options of a job that is served, too."""
        self._num_workers = int(options.view_as(DirectOptions).direct_num_workers)
        return super().run_via_runner_api(pipeline, options)


@worker_handlers.WorkerHandler.register_environment(
    common_urns.environments.EXTERNAL.urn, beam_runner_api_pb2.ExternalPayload
)
class _WatchedWorker(worker_handlers.ExternalWorkerHandler):  # type: ignore[misc]
    """A worker in a process of its own, whose end is the end of the job."""

    def host_from_worker(self) -> str:
        return seen_from_elsewhere(worker_handlers.grpc.host)

    def start_worker(self) -> None:
        super().start_worker()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        control, states = self.control_conn, worker_handlers.BeamFnControlServicer
        end = time.monotonic() + CONNECT_S
        while control._state == states.UNSTARTED_STATE and time.monotonic() < end:
            time.sleep(0.1)
        if control._state == states.STARTED_STATE:
            control._read_thread.join()
        # until the job ends by it, for more may be asked of the worker in the meantime
        while control._state != states.DONE_STATE:
            for number, pending in list(control._futures_by_id.items()):
                pending.set(beam_fn_api_pb2.InstructionResponse(instruction_id=number, error=LOST))
            time.sleep(0.1)


class _Job(BeamJob):  # type: ignore[misc]
    """A job that was submitted to the service."""

    def _invoke_runner(self) -> Any:
        self.set_state(beam_job_api_pb2.JobState.RUNNING)
        runner = InProcessRunner(provision_info=self._provision_info)
        return runner.run_via_runner_api(self._pipeline_proto, self.pipeline_options())


class _Service(LocalJobServicer):  # type: ignore[misc]
    """Takes jobs, and the files that come with them, on one host."""

    def __init__(self, host: str):
        super().__init__(beam_job_type=_Job)
        self.host = host

    def get_bind_address(self) -> str:
        return self.host

    def get_service_address(self) -> str:
        return seen_from_elsewhere(self.host)


def serve(host: str, port: int) -> None:
    """Serves the engine until the process is ended."""
    warn_of("engine", host)
    listen_on(host)
    service = _Service(host)
    print(f"jobs are taken at {host}:{service.start_grpc_server(port)}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serves Beam's own engine to others.")
    parser.add_argument("--port", type=int, required=True)
    add_host(parser)
    flags = parser.parse_args()
    serve(flags.host, flags.port)
