"""The files of a night, listed by the job: its graph does not grow with their number."""

from __future__ import annotations

from collections.abc import Sequence

import apache_beam as beam
from apache_beam.pvalue import PBegin, PCollection

from beam_pipeline.output.work import read_inputs


class ListInputs(beam.PTransform):  # type: ignore[misc]
    """The path of each file that was asked for, as often as it was.

    Args:
      output: OUT.
      inputs: where their list is, below it; see `output.work.write_inputs`.
    """

    def __init__(self, output: str, inputs: str):
        super().__init__()
        self.output, self.inputs = output, inputs

    def expand(self, begin: PBegin) -> PCollection[str]:
        """See the class."""
        listed = begin | beam.Create([self.inputs], reshuffle=False).with_output_types(str)
        return listed | beam.FlatMap(_paths, self.output).with_output_types(str)


def _paths(inputs: str, output: str) -> Sequence[str]:
    return read_inputs(output, inputs)
