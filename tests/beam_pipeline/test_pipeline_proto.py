"""What the job asks of an engine: no more than all the engines serve, and the same of each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2 as api
from apache_beam.runners.pipeline_context import PipelineContext
from apache_beam.runners.portability.portable_runner import PortableRunner

import beam_pipeline
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.output.manifest import Origin, Part
from beam_pipeline.output.run import Run
from beam_pipeline.pipeline import Job, build
from beam_pipeline.stages.coders import RecordCoder
from beam_pipeline.stages.model_cache import ModelSource
from emonet.cli.options import beam_options
from model.network.precision import Precision

PRIMITIVES = {
    common_urns.primitives.IMPULSE.urn,
    common_urns.primitives.PAR_DO.urn,
    common_urns.primitives.FLATTEN.urn,
    common_urns.primitives.GROUP_BY_KEY.urn,
}


WORKERS = ("--environment_type=EXTERNAL", "--environment_config=localhost:1")
ENGINES = {
    "in process": (),
    "job service or Prism": ("--runner=PortableRunner", "--job_endpoint=localhost:2", *WORKERS),
    "Flink": ("--runner=FlinkRunner", "--flink_master=localhost:3", "--parallelism=4", *WORKERS),
}


@pytest.fixture(scope="module", params=list(ENGINES.values()), ids=list(ENGINES))
def proto(request: pytest.FixtureRequest) -> api.Pipeline:
    """The job of a second night, as it is sent to an engine."""
    return sent(request.param)


def sent(flags: Sequence[str]) -> api.Pipeline:
    path = "memory/night=1/run=r1/part-00000-of-00008.parquet"
    remembered = (Part("memory", 0, path, 1, "0" * 64),)
    origin = Origin("the embedder", 4, 3)
    before = ("1", "0" * 64, "0" * 64)
    run = Run("/out", "2", "r2", "a model", ("joy",), origin, None, None, *before, remembered)
    options = PipelineOptions(beam_options(flags))
    pipeline = beam.Pipeline(options=options)
    reading = ReadOptions(corpus="made up")
    source = ModelSource("/checkpoint", None, Precision.BFLOAT16)
    build(pipeline, Job("_work/inputs-r2", reading, source, run))
    whole: api.Pipeline = (
        PortableRunner.get_proto_pipeline(pipeline, options) if flags else pipeline.to_runner_api()
    )
    return whole


def test_the_graph_does_not_grow_with_the_corpus(proto: api.Pipeline) -> None:
    # nothing of the files is in it but where their list is; Dataflow takes 10 MB
    assert b"_work/inputs-r2" in proto.SerializeToString()
    assert proto.ByteSize() < 200_000


def leaves(proto: api.Pipeline) -> Iterator[api.PTransform]:
    for transform in proto.components.transforms.values():
        named = transform.spec.urn and not transform.subtransforms
        # what hands on its input as it is, such as a reshuffle left out, is no step
        if named and set(transform.inputs.values()) != set(transform.outputs.values()):
            yield transform


def par_dos(proto: api.Pipeline) -> Iterator[tuple[api.PTransform, Any]]:
    for transform in leaves(proto):
        if transform.spec.urn == common_urns.primitives.PAR_DO.urn:
            yield transform, api.ParDoPayload.FromString(transform.spec.payload)


def test_the_job_is_made_of_four_primitives(proto: api.Pipeline) -> None:
    assert {transform.spec.urn for transform in leaves(proto)} == PRIMITIVES


def test_it_asks_an_engine_for_state_and_nothing_else(proto: api.Pipeline) -> None:
    assert list(proto.requirements) == [common_urns.requirements.REQUIRES_STATEFUL_PROCESSING.urn]


def test_every_engine_is_sent_the_same_steps() -> None:
    names = [
        {(step.unique_name, step.spec.urn) for step in leaves(sent(flags))}
        for flags in ENGINES.values()
    ]
    assert all(steps == names[0] for steps in names)


def test_no_step_is_splittable_or_has_a_side_input(proto: api.Pipeline) -> None:
    steps = [payload for _, payload in par_dos(proto)]
    assert len(steps) > 10
    assert not [payload for payload in steps if payload.restriction_coder_id]
    assert not [payload for payload in steps if payload.side_inputs]
    assert not [payload for payload in steps if payload.requests_finalization]
    assert not [payload for payload in steps if payload.requires_time_sorted_input]


def stateful(proto: api.Pipeline) -> tuple[api.PTransform, Any]:
    (only,) = [
        (transform, payload)
        for transform, payload in par_dos(proto)
        if payload.state_specs or payload.timer_family_specs
    ]
    return only


def test_one_step_has_a_bag_and_an_event_time_timer(proto: api.Pipeline) -> None:
    transform, payload = stateful(proto)
    assert transform.unique_name.startswith("RecallSpeakers/")
    (state,) = payload.state_specs.values()
    assert state.WhichOneof("spec") == "bag_spec"
    (timer,) = payload.timer_family_specs.values()
    assert timer.time_domain == api.TimeDomain.EVENT_TIME


def test_all_keys_that_meet_are_of_deterministic_coders(proto: api.Pipeline) -> None:
    context = PipelineContext(proto.components)
    grouping = [t for t in leaves(proto) if t.spec.urn == common_urns.primitives.GROUP_BY_KEY.urn]
    met = [stateful(proto)[0], *grouping]
    assert len(met) > 5
    for transform in met:
        (collection,) = transform.inputs.values()
        coder = context.coders[proto.components.pcollections[collection].coder_id]
        assert coder.key_coder().is_deterministic(), transform.unique_name
    (collection,) = met[0].inputs.values()
    key = context.coders[proto.components.pcollections[collection].coder_id].key_coder()
    assert isinstance(key, beam.coders.StrUtf8Coder)


ELEMENTS = (
    beam.coders.BytesCoder,
    beam.coders.StrUtf8Coder,
    beam.coders.VarIntCoder,
    RecordCoder,
)
"""What no bytes can make do anything but give a value or fail."""


def made_of(coder: beam.coders.Coder) -> set[type]:
    inner = coder._get_component_coders()
    return set[type]().union(*map(made_of, inner)) if inner else {type(coder)}


def test_nothing_that_travels_is_pickled(proto: api.Pipeline) -> None:
    coders = PipelineContext(proto.components).coders
    collections = proto.components.pcollections.values()
    assert len(collections) > 40
    for collection in collections:
        unknown = made_of(coders[collection.coder_id]) - set(ELEMENTS)
        assert not unknown, collection.unique_name
    # nor what state and timers keep
    _, payload = stateful(proto)
    (state,), (timer,) = payload.state_specs.values(), payload.timer_family_specs.values()
    assert made_of(coders[state.bag_spec.element_coder_id]) == {RecordCoder}
    assert made_of(coders[timer.timer_family_coder_id]) <= {
        *ELEMENTS,
        beam.coders.coders.GlobalWindowCoder,
    }


def test_a_collection_that_does_not_say_what_it_holds_would_be_found() -> None:
    pipeline = beam.Pipeline()
    _ = pipeline | beam.Create(["a"]) | beam.Map(lambda one: {one})
    proto = pipeline.to_runner_api()
    coders = PipelineContext(proto.components).coders
    found = [made_of(coders[one.coder_id]) for one in proto.components.pcollections.values()]
    assert {beam.coders.FastPrimitivesCoder} in found


STEPS = [
    path
    for path in sorted(Path(beam_pipeline.__file__).parent.glob("**/*.py"))
    if path.parent.name == "stages" or path.name == "pipeline.py"
]
OF_AN_ENGINE = re.compile("runner|options|dataflow|flink|prism|spark", re.IGNORECASE)


def words(path: Path) -> Iterator[str]:
    """All that a module's code names or quotes, without what its docstrings say."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in docstrings:
            continue
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("path", STEPS, ids=lambda path: path.stem)
def test_no_step_knows_which_engine_runs_it(path: Path) -> None:
    ours = {"beam_pipeline.corpus.options", "ReadOptions", "options"}
    assert [word for word in words(path) if OF_AN_ENGINE.search(word) and word not in ours] == []


def test_a_step_that_asked_for_its_engine_would_be_found(tmp_path: Path) -> None:
    asking = tmp_path / "asking.py"
    asking.write_text(
        "def expand(self, one):\n    return one.pipeline.runner.is_fnapi_compatible()"
    )
    assert [word for word in words(asking) if OF_AN_ENGINE.search(word)] == ["runner"]
