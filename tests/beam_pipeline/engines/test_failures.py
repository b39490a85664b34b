"""A job that fails on an engine elsewhere is named by its name and place, without any text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import grpc
import pytest
from apache_beam.runners.portability.local_job_service import LocalJobServicer
from apache_beam.runners.portability.portable_runner import PipelineResult
from made_up_corpora import label, write_season

from beam_pipeline.engines.failures import failure_elsewhere
from beam_pipeline.records import EmonetError
from emonet.cli.options import beam_options
from model.checkpoint import Checkpoint

LINE = "Not a word of this."


@pytest.fixture
def job_service() -> Iterator[str]:
    service = LocalJobServicer()
    yield f"127.0.0.1:{service.start_grpc_server(0)}"
    service.stop()


def fail(_: Any) -> None:
    raise KeyError(LINE)


def test_a_job_that_fails_elsewhere_is_told_with_its_job_service_and_without_any_text(
    tiny_checkpoint: Checkpoint, job_service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(pipeline: beam.Pipeline, _: Any) -> None:
        pipeline | beam.Create([1]) | beam.Map(fail)

    monkeypatch.setattr("beam_pipeline.nights.build", failing)
    corpus = write_season(tmp_path / "quay", (1,))
    flags = [
        "--runner=PortableRunner",
        f"--job_endpoint={job_service}",
        "--environment_type=LOOPBACK",
    ]
    with pytest.raises(EmonetError) as failed:
        label(tiny_checkpoint, [corpus], tmp_path / "out", flags=flags)
    assert LINE in str(failed.value.__cause__)
    assert re.fullmatch(
        rf"job job-\S+ failed on the job service at {job_service} with RuntimeError; its log and "
        r"those of its worker pools tell why, --verbose shows the trace",
        str(failed.value),
    )


class Lost(grpc.RpcError):  # type: ignore[misc]
    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("flags", "error", "ending"),
    [
        (
            ["--runner=FlinkRunner", "--flink_master=flink:8081"],
            RuntimeError(LINE),
            "on Flink at flink:8081 with RuntimeError; http://flink:8081 and the logs",
        ),
        (
            ["--runner=FlinkRunner"],
            RuntimeError(LINE),
            "on the job service that was started for it with RuntimeError; it logs here",
        ),
        (
            ["--runner=PortableRunner", "--job_endpoint=there:8099"],
            Lost(LINE),
            "on the job service at there:8099 with UNAVAILABLE; its log",
        ),
    ],
)
def test_a_failure_names_the_engine_and_what_became_of_it(
    flags: list[str], error: Exception, ending: str
) -> None:
    running = PipelineResult(None, "emonet-1", None, None)
    failure = failure_elsewhere(error, running, beam_options(flags))
    assert str(failure).startswith(f"job emonet-1 failed {ending}")
    assert LINE not in str(failure)


def test_a_failure_on_dataflow_names_the_page_of_its_job() -> None:
    class Running:
        def job_id(self) -> str:
            return "2026-11-21_03"

    flags = beam_options(["--runner=DataflowRunner", "--project=p", "--region=europe-west4"])
    failure = failure_elsewhere(RuntimeError(LINE), Running(), flags)
    page = "https://console.cloud.google.com/dataflow/jobs/europe-west4/2026-11-21_03?project=p"
    assert str(failure).startswith(
        f"job 2026-11-21_03 failed on Dataflow with RuntimeError; {page} has its log"
    )


def test_what_says_enough_is_handed_on() -> None:
    running = PipelineResult(None, "emonet-1", None, None)
    flags = beam_options(["--runner=PortableRunner", "--job_endpoint=there:8099"])
    ours = RuntimeError("worker said\nEmonetError: a.srt: is gone [while running 'Read']")
    assert failure_elsewhere(ours, running, flags) is None
    assert failure_elsewhere(KeyboardInterrupt(), running, flags) is None
    assert failure_elsewhere(RuntimeError(LINE), object(), beam_options([])) is None
