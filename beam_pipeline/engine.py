"""Beam's in-process engine, without the flush that loses elements.

Between its workers Beam 2.77 buffers elements and flushes the buffers every second, from a thread
that nothing keeps apart from the one that writes them: what is written between the copy of a buffer
and its clearing is gone (`TimeBasedBufferingClosableOutputStream` in
`apache_beam/runners/worker/data_plane.py`). On a busy machine every few runs lost something. Here a
buffer is flushed when it is full and when a bundle ends, as other engines have it.
"""

from __future__ import annotations

from apache_beam.runners.portability.fn_api_runner import FnApiRunner, worker_handlers


class InProcessRunner(FnApiRunner):  # type: ignore[misc]
    """Runs the job in this process, its workers as threads."""

    def __init__(self) -> None:
        # the only way to it: a worker reads 0 in its own settings as "not set"
        worker_handlers.DATA_BUFFER_TIME_LIMIT_MS = 0
        super().__init__()
