"""How Beam writes what travels between stages. The arithmetic is `wire`.

Beam's own coder for a class that it does not know is pickle, by which whoever reaches an engine's
network runs what they like. So each class here has a coder of ours, and each collection of the job
says what it holds: a test holds the whole job to it.
"""

from __future__ import annotations

from typing import Any

from apache_beam.coders import Coder, registry

from beam_pipeline import wire
from beam_pipeline.labelling import Encoded
from beam_pipeline.memory import Recall, Tail
from beam_pipeline.output.accounting import Claim, Fault, IndexEntry, LabelCount, Tally
from beam_pipeline.output.commit import Reading, SpeakerCount
from beam_pipeline.output.index import Known
from beam_pipeline.output.layers import LayeredShard
from beam_pipeline.output.manifest import Part
from beam_pipeline.records import Episode, Labelled, Rejected, SourceFile
from beam_pipeline.spill import Spilled


class Value:
    """The type of a collection of several classes, or of tuples and arrays; see `wire.encode`."""


RECORDS: wire.Records = {
    record.__name__: record
    for record in (
        Claim,
        Encoded,
        Episode,
        Fault,
        IndexEntry,
        LabelCount,
        Labelled,
        Known,
        LayeredShard,
        Part,
        Reading,
        Recall,
        Rejected,
        SourceFile,
        SpeakerCount,
        Spilled,
        Tail,
        Tally,
    )
}


class RecordCoder(Coder):  # type: ignore[misc]
    """One coder for all of them, so that collections of several can become one."""

    def encode(self, value: Any) -> bytes:
        """See `wire.encode`."""
        return wire.encode(value, RECORDS)

    def decode(self, data: bytes) -> Any:
        """See `wire.decode`."""
        return wire.decode(data, RECORDS)

    def is_deterministic(self) -> bool:
        """Equal values have equal bytes."""
        return True

    def to_type_hint(self) -> type:
        """The bytes alone tell which class they are of."""
        return Value


for _record in (Value, *RECORDS.values()):
    registry.register_coder(_record, RecordCoder)
