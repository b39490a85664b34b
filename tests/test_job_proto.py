"""What the job asks of an engine, held to what Flink, Dataflow, Prism and Beam itself serve."""

from __future__ import annotations

from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2 as proto

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.output import Origin, begin_run
from beam_pipeline.pipeline import Job, build
from beam_pipeline.stages.sharing import ModelSource

PRIMITIVES = {
    common_urns.primitives.IMPULSE.urn,
    common_urns.primitives.PAR_DO.urn,
    common_urns.primitives.FLATTEN.urn,
    common_urns.primitives.GROUP_BY_KEY.urn,
}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> proto.Pipeline:
    out = str(tmp_path_factory.mktemp("out"))
    run = begin_run(out, "1", "model", ("a", "b"), Origin("embedder", 4, 3))
    pipeline = beam.Pipeline()
    source = ModelSource("checkpoint", None)
    build(pipeline, Job(("a.srt", "b.srt"), ReadOptions("corpus"), source, run))
    return pipeline.to_runner_api()


def par_dos(job: proto.Pipeline) -> list[proto.ParDoPayload]:
    return [
        proto.ParDoPayload.FromString(transform.spec.payload)
        for transform in job.components.transforms.values()
        if transform.spec.urn == common_urns.primitives.PAR_DO.urn
    ]


def test_it_is_made_of_primitives_that_every_engine_serves(job: proto.Pipeline) -> None:
    leaves = {
        transform.spec.urn
        for transform in job.components.transforms.values()
        if not transform.subtransforms
        # a composite that hands its input on does nothing
        and set(transform.outputs.values()) - set(transform.inputs.values())
    }
    assert leaves <= PRIMITIVES
    assert par_dos(job)


def test_one_stage_keeps_state_a_bag_and_an_event_time_timer(job: proto.Pipeline) -> None:
    stateful = [payload for payload in par_dos(job) if payload.state_specs]
    assert len(stateful) == 1
    (state,) = stateful[0].state_specs.values()
    assert state.WhichOneof("spec") == "bag_spec"
    (timer,) = stateful[0].timer_family_specs.values()
    assert timer.time_domain == proto.TimeDomain.EVENT_TIME


def test_no_stage_splits_its_elements_or_reads_another_beside_its_input(
    job: proto.Pipeline,
) -> None:
    for payload in par_dos(job):
        assert not payload.restriction_coder_id
        assert not payload.side_inputs


def test_nothing_is_required_but_a_stateful_stage(job: proto.Pipeline) -> None:
    assert set(job.requirements) <= {common_urns.requirements.REQUIRES_STATEFUL_PROCESSING.urn}


def test_speakers_are_keyed_by_a_coder_whose_bytes_are_the_same_everywhere(
    job: proto.Pipeline,
) -> None:
    components = job.components
    (stateful,) = [
        transform
        for transform in components.transforms.values()
        if transform.spec.urn == common_urns.primitives.PAR_DO.urn
        and proto.ParDoPayload.FromString(transform.spec.payload).state_specs
    ]
    (collection,) = stateful.inputs.values()
    pair = components.coders[components.pcollections[collection].coder_id]
    key = components.coders[pair.component_coder_ids[0]]
    assert key.spec.urn == common_urns.coders.STRING_UTF8.urn


def test_the_folder_of_the_output_is_made_and_nothing_is_committed(tmp_path: Path) -> None:
    begin_run(str(tmp_path / "new"), "1", "model", ("a", "b"), Origin("embedder", 4, 3))
    assert not list((tmp_path / "new" / "_manifests").glob("*.json"))
