"""What Dataflow is handed. Google is not asked: the job is built and not sent, and what would be
sent is held against the service's own discovery document."""

from __future__ import annotations

import datetime
import importlib.resources
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2
import jinja2
import pytest
from apache_beam.portability.api import beam_runner_api_pb2 as api
from made_up_corpora import digests, label, write_season

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import expand_inputs
from beam_pipeline.nights import Engine, Night, submit_night
from emonet.cli.options import beam_options
from model.checkpoint import Checkpoint

ROOT = Path(__file__).parents[2]
DATAFLOW = ROOT / "infra" / "dataflow"
METADATA = json.loads((DATAFLOW / "metadata.json").read_text())
LAUNCH = ROOT / "infra" / "airflow" / "dags" / "dataflow_launch.json"

GPU = "type:nvidia-l4;count:1;install-nvidia-driver"
SENT = [
    "--runner=DataflowRunner",
    "--dry_run=true",
    "--project=a-project",
    "--region=europe-west4",
    "--temp_location=gs://a-bucket/temp",
    "--sdk_container_image=registry/emonet@sha256:0",
]


@pytest.fixture(scope="module")
def schemas() -> Mapping[str, Any]:
    """Of all that the service is sent, by name."""
    pytest.importorskip("googleapiclient", reason="google-api-python-client is not installed")
    documents = importlib.resources.files("googleapiclient.discovery_cache") / "documents"
    found = json.loads((documents / "dataflow.v1b3.json").read_bytes())
    schemas: Mapping[str, Any] = found["schemas"]
    return schemas


TYPES = {"string": str, "boolean": bool, "integer": int}


def refusals(value: Any, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    """What a strict reader of a discovery document would not accept in a value."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    kind = schema["type"]
    if kind == "array":
        for item in value:
            yield from refusals(item, schema["items"], schemas)
    elif kind == "object":
        known = schema.get("properties", {})
        for name, inner in value.items():
            if name in known or "additionalProperties" in schema:
                yield from refusals(
                    inner, known.get(name) or schema["additionalProperties"], schemas
                )
            else:
                yield f"{schema.get('id')} has no {name}"
    elif not isinstance(value, TYPES[kind]) or value not in schema.get("enum", [value]):
        yield f"{value!r} is no {kind} of {schema.get('enum')}"


def test_a_field_that_the_service_does_not_know_is_found_out(schemas: Mapping[str, Any]) -> None:
    parameter = {"name": "a", "paramType": "FLOAT", "optional": True}
    wrong = {"name": 1, "parameters": [parameter]}
    found = list(refusals(wrong, {"$ref": "TemplateMetadata"}, schemas))
    assert len(found) == 3


def test_the_service_knows_every_field_of_the_metadata(schemas: Mapping[str, Any]) -> None:
    assert list(refusals(METADATA, {"$ref": "TemplateMetadata"}, schemas)) == []


def test_the_service_knows_every_field_of_the_template(schemas: Mapping[str, Any]) -> None:
    (found,) = hcl2.loads((DATAFLOW / "main.tf").read_text())["locals"]
    spec = found["container_spec"]
    assert spec.pop("metadata") == '${jsondecode(file("${path.module}/metadata.json"))}'
    told = json.loads(json.dumps(spec).replace(r"\"", ""))
    assert list(refusals(told, {"$ref": "ContainerSpec"}, schemas)) == []


@pytest.fixture(scope="module")
def launch() -> dict[str, Any]:
    """What Airflow sends for one night, its variables filled in."""

    class Variables:
        def __getattr__(self, name: str) -> str:
            return f"gs://a-bucket/{name}"

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    environment.filters["ds"] = lambda moment: f"{moment:%Y-%m-%d}"
    night = datetime.datetime(2026, 11, 21, 3)
    text = environment.from_string(LAUNCH.read_text())
    sent: dict[str, Any] = json.loads(
        text.render(data_interval_start=night, var={"value": Variables()})
    )
    return sent


def test_the_service_knows_every_field_of_a_launch(
    schemas: Mapping[str, Any], launch: dict[str, Any]
) -> None:
    assert list(refusals(launch, {"$ref": "LaunchFlexTemplateRequest"}, schemas)) == []


def test_a_launch_gives_the_parameters_that_the_template_wants(launch: dict[str, Any]) -> None:
    given = launch["launchParameter"]["parameters"]
    wanted = {one["name"]: one for one in METADATA["parameters"]}
    assert given.keys() <= wanted.keys()
    assert {name for name, one in wanted.items() if not one["isOptional"]} <= given.keys()
    assert given["night"] == "2026-11-21"
    for name, value in given.items():
        assert all(re.search(form, value) for form in wanted[name].get("regexes", [])), name


def run_script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DATAFLOW / name), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_the_metadata_is_what_the_flags_of_the_command_line_give() -> None:
    told = json.loads(run_script("metadata.py").stdout)
    assert told == METADATA, "`make metadata` writes it anew"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_season(tmp_path_factory.mktemp("corpus") / "quay", range(1, 4))


@pytest.fixture
def dataflow() -> None:
    pytest.importorskip("google.cloud.dataflow", reason="the extra `gcp` is not installed")


def job_of(
    corpus: Path, checkpoint: Checkpoint, output: Path, accelerator: str | None
) -> api.Pipeline:
    engine = Engine(checkpoint, None, beam_options(SENT), accelerator)
    night = Night("1", tuple(expand_inputs([str(corpus)])), ReadOptions(corpus="made up"))
    _, result = submit_night(str(output), night, engine)
    job: api.Pipeline = result.job.proto_pipeline
    return job


def workers(job: api.Pipeline) -> dict[str, api.Environment]:
    """Where each step runs that is a step of ours."""
    return {
        transform.unique_name: job.components.environments[transform.environment_id]
        for transform in job.components.transforms.values()
        if transform.environment_id and not transform.subtransforms
    }


@pytest.mark.usefixtures("dataflow")
def test_the_encode_stage_alone_asks_for_an_accelerator(
    corpus: Path, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    where = workers(job_of(corpus, tiny_checkpoint, tmp_path, GPU))
    asking = {name for name, one in where.items() if one.resource_hints}
    assert asking == {"EncodeEpisodes/ParDo(_Encode)"}
    assert set(where[asking.pop()].resource_hints.values()) == {GPU.encode()}


@pytest.mark.usefixtures("dataflow")
def test_workers_are_all_of_our_image_and_fetch_no_code(
    corpus: Path, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    job = job_of(corpus, tiny_checkpoint, tmp_path, None)
    (environment,) = {one.SerializeToString(): one for one in workers(job).values()}.values()
    image = api.DockerPayload.FromString(environment.payload).container_image
    assert image == "registry/emonet@sha256:0"
    staged = [
        api.ArtifactStagingToRolePayload.FromString(one.role_payload).staged_name
        for one in environment.dependencies
    ]
    # a list of what is installed here, for the log
    assert staged == ["submission_environment_dependencies.txt"]
    assert list(job.requirements) == ["beam:requirement:pardo:stateful:v1"]


def test_an_engine_without_accelerators_labels_as_if_none_were_asked_for(
    corpus: Path, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    plain = label(tiny_checkpoint, [corpus], tmp_path / "plain")
    asking = label(tiny_checkpoint, [corpus], tmp_path / "asking", accelerator=GPU)
    assert digests(plain) == digests(asking)


def launched(
    corpus: Path, checkpoint: Checkpoint, output: Path, *more: str
) -> subprocess.CompletedProcess[str]:
    """The launcher's program, as the template launcher starts it."""
    folder = checkpoint.folder
    given = [f"--inputs={corpus}", f"--output={output}", f"--checkpoint={folder}", *SENT[1:]]
    return run_script("launch.py", *given, *more)


@pytest.mark.usefixtures("dataflow")
def test_the_launcher_hands_a_night_over_and_ends_before_it_is_committed(
    corpus: Path, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    more = ["--night=2026-11-21", "--any_language=true", f"--accelerator={GPU}"]
    ended = launched(corpus, tiny_checkpoint, tmp_path, *more)
    assert ended.returncode == 0, ended.stderr
    assert re.fullmatch(r"night 2026-11-21: run \w{12} of 3 files is handed over\n", ended.stdout)
    assert not (tmp_path / "_manifests").exists()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([], "the following arguments are required: --night"),
        (["--night=1", "--any_language=perhaps"], "argument --any_language: invalid choice"),
        (["--night=1", "--shows=Quay"], "launch: --shows: neither an option of emonet nor"),
        (["--night=1/2"], "launch: --night '1/2': use letters"),
    ],
)
def test_a_parameter_that_is_off_ends_the_launch_with_a_sentence(
    corpus: Path, tiny_checkpoint: Checkpoint, tmp_path: Path, more: list[str], told: str
) -> None:
    ended = launched(corpus, tiny_checkpoint, tmp_path, *more)
    assert ended.returncode != 0
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
