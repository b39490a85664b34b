"""The in-process engine: it must not lose what a busy machine writes slowly."""

from __future__ import annotations

import time
from collections.abc import Iterator

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.worker import data_plane
from apache_beam.testing.util import assert_that, equal_to

from emonet.cli.options import beam_options


def numbered(first: int) -> Iterator[tuple[str, int]]:
    for number in range(first, first + 50):
        time.sleep(0.001)
        yield str(number % 7), number


@pytest.mark.parametrize("workers", [1, 2])
def test_no_buffer_is_flushed_behind_the_back_of_its_writer(
    monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    by_time = data_plane.TimeBasedBufferingClosableOutputStream
    made, make = [], by_time.__init__

    def recorded(stream: object, *rest: object, **more: object) -> None:
        made.append(stream)
        make(stream, *rest, **more)

    monkeypatch.setattr(by_time, "__init__", recorded)
    options = PipelineOptions(beam_options([f"--direct_num_workers={workers}"]))
    with beam.Pipeline(options=options) as pipeline:
        counts = (
            pipeline
            | beam.Create(range(0, 1000, 50), reshuffle=True)
            | beam.FlatMap(numbered)
            | beam.GroupByKey()
            | beam.MapTuple(lambda key, values: (key, len(list(values))))
        )
        expected = [(str(key), len(range(key, 1000, 7))) for key in range(7)]
        assert_that(counts, equal_to(expected))
    assert made == []
