"""What travels between stages: the same when it arrives, small, and nothing that can be run."""

from __future__ import annotations

import contextlib
import math
import pickle
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from beam_pipeline import wire
from beam_pipeline.labelling import Encoded
from beam_pipeline.memory import Recall, Tail
from beam_pipeline.output.accounting import Claim, Fault, IndexEntry, LabelCount, Tally
from beam_pipeline.output.commit import Reading, SpeakerCount
from beam_pipeline.output.index import Known
from beam_pipeline.output.layers import LayeredShard
from beam_pipeline.output.manifest import Part
from beam_pipeline.records import UTTERANCES, EmonetError, Episode, Labelled, Rejected, SourceFile
from beam_pipeline.spill import Spilled
from beam_pipeline.stages.coders import RECORDS, RecordCoder

WIDTH = 6

# with half a surrogate pair, as Python has the bytes of names that are no UTF-8
names = st.text(st.characters(), max_size=8)
counts = st.integers(-(2**63), 2**63 - 1)
rows = st.integers(0, 5)


def vectors(dtype: type) -> st.SearchStrategy[np.ndarray]:
    return rows.flatmap(lambda count: arrays.arrays(dtype, (count, WIDTH)))


def cells(field: pa.Field) -> st.SearchStrategy[Any]:
    by_type = {pa.string(): st.text(max_size=8), pa.float32(): st.floats(0, 1, width=32)}
    value = by_type.get(field.type, counts)
    return st.none() | value if field.nullable else value


tables = st.lists(st.fixed_dictionaries({one.name: cells(one) for one in UTTERANCES})).map(
    lambda values: pa.Table.from_pylist(values, UTTERANCES)
)
embeddings = vectors(np.float16)
places = st.tuples(names, counts, counts, names)
parts = st.builds(Part)
episodes = st.builds(Episode, utterances=tables)
OF_EACH: dict[type, st.SearchStrategy[Any]] = {
    Claim: st.builds(Claim),
    Encoded: st.builds(Encoded, episodes, vectors(np.float32), embeddings),
    Episode: episodes,
    Fault: st.builds(Fault),
    IndexEntry: st.builds(IndexEntry),
    Known: st.builds(Known),
    LabelCount: st.builds(LabelCount),
    LayeredShard: st.builds(LayeredShard, layers=st.lists(parts).map(tuple)),
    Labelled: st.builds(Labelled, places, tables),
    Part: parts,
    Reading: st.builds(Reading, options=st.dictionaries(names.filter(bool), names)),
    Recall: st.builds(Recall, names, counts, embeddings),
    Rejected: st.builds(Rejected),
    SourceFile: st.builds(SourceFile),
    SpeakerCount: st.builds(SpeakerCount),
    Spilled: st.builds(Spilled),
    Tally: st.builds(Tally),
    Tail: st.builds(Tail, st.just(()) | places, embeddings),
}
records = st.one_of(
    *OF_EACH.values(), places, st.tuples(names, embeddings), st.tuples(names, counts)
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if type(one) in RECORDS.values():
        return all(same(value, getattr(other, name)) for name, value in vars(one).items())
    return bool(one == other) and type(one) is type(other)


@given(records)
def test_what_arrives_is_what_was_sent(value: Any) -> None:
    coder = RecordCoder()
    arrived = coder.decode(coder.encode(value))
    assert type(arrived) is type(value)
    assert same(value, arrived)
    assert coder.encode(arrived) == coder.encode(value)


def test_every_class_that_travels_is_sent_above() -> None:
    assert OF_EACH.keys() == set(RECORDS.values())


class Opened:
    """What a pickle would run."""

    ran = False

    def __reduce__(self) -> Any:
        return setattr, (Opened, "ran", True)


def test_a_pickle_that_somebody_puts_into_the_state_is_refused_and_not_run() -> None:
    sent = pickle.dumps(Opened())
    pickle.loads(sent)
    assert Opened.ran
    Opened.ran = False
    with pytest.raises(EmonetError, match="cannot be read"):
        RecordCoder().decode(sent)
    assert not Opened.ran


@given(records, st.data())
def test_damaged_bytes_are_refused_in_a_sentence_without_what_they_hold(
    value: Any, data: st.DataObject
) -> None:
    sent = bytearray(wire.encode(value, RECORDS))
    at = data.draw(st.integers(0, len(sent) - 1))
    sent[at] ^= data.draw(st.integers(1, 255))
    # a byte of an array or of a text may well be another one
    with contextlib.suppress(EmonetError):
        wire.decode(bytes(sent), RECORDS)
    cut = wire.encode(value, RECORDS)[: data.draw(st.integers(0, len(sent) - 1))]
    with pytest.raises(
        EmonetError, match=r"^what came from another stage cannot be read \(\w+\): "
    ):
        wire.decode(cut, RECORDS)


def test_a_class_that_nobody_listed_does_not_travel() -> None:
    with pytest.raises(TypeError, match=r"Opened does not travel between stages"):
        wire.encode(Opened(), RECORDS)
    with pytest.raises(EmonetError):
        wire.decode(wire.encode(Fault("", ""), RECORDS), {})


def test_a_table_whose_offsets_lead_out_of_it_is_refused() -> None:
    table = pa.table({"text": ["one", "two"]})
    sent = bytearray(wire.encode(table, RECORDS))
    offsets = np.array([0, 3, 6], np.int32).tobytes()
    assert sent.count(offsets) == 1
    at = sent.index(offsets)
    sent[at + 8 : at + 12] = np.int32(1 << 20).tobytes()
    with pytest.raises(EmonetError, match="ArrowInvalid"):
        wire.decode(bytes(sent), RECORDS)


@pytest.mark.parametrize("utterances", [1, 10])
def test_embeddings_are_sent_in_less_than_a_pickle_takes(utterances: int) -> None:
    rows = np.ones((utterances, 384), np.float16)
    for value in (Tail(("Quay", 1, 2, "Quay/s01e02"), rows), Recall("0" * 16, 12, rows)):
        assert rows.nbytes < len(wire.encode(value, RECORDS)) < len(pickle.dumps(value))


def test_numbers_without_a_value_travel() -> None:
    assert math.isnan(wire.decode(wire.encode(math.nan, RECORDS), RECORDS))
