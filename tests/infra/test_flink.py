"""What is applied to a cluster, against the operator's own schema and that of Kubernetes."""

from __future__ import annotations

import copy
import shlex
import zipfile
from pathlib import Path
from typing import Any

import pytest

from emonet.cli.options import beam_options

kubernetes_validate = pytest.importorskip("kubernetes_validate")
import jsonschema  # noqa: E402  (both come with kubernetes-validate)
import yaml  # noqa: E402

ROOT = Path(__file__).parents[2]
OPERATOR = ROOT / ".flink" / "flink-kubernetes-operator-api-1.10.0.jar"
KUBERNETES = "1.33"


def objects(name: str) -> dict[str, dict[str, Any]]:
    """The objects of a file by their kind."""
    text = (ROOT / "infra" / "flink" / name).read_text()
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


CLUSTER, NIGHT = objects("cluster.yaml"), objects("night.yaml")["Job"]
DEPLOYMENT = CLUSTER["FlinkDeployment"]
MANAGERS = DEPLOYMENT["spec"]["taskManager"]


@pytest.fixture(scope="module")
def operator_schema() -> dict[str, Any]:
    """The operator's schema of a FlinkDeployment, closed to fields that it does not name."""
    if not OPERATOR.exists():
        pytest.skip(f"{OPERATOR} is not there; `make test` fetches it")
    with zipfile.ZipFile(OPERATOR) as jar:
        crd = yaml.safe_load(jar.read("META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml"))
    (version,) = crd["spec"]["versions"]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    schema["properties"] |= {key: {} for key in ("apiVersion", "kind", "metadata")}
    whole: dict[str, Any] = closed(schema)
    return whole


def closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(one) for key, one in schema.items()}
    if schema.pop("x-kubernetes-int-or-string", False):
        return {"type": ["integer", "string"]}
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    return schema


def test_the_operator_knows_every_field_of_the_cluster(operator_schema: dict[str, Any]) -> None:
    jsonschema.validate(DEPLOYMENT, operator_schema)


@pytest.mark.parametrize(
    "place", [("spec",), ("spec", "taskManager"), ("spec", "taskManager", "podTemplate", "spec")]
)
def test_a_field_that_the_operator_does_not_know_is_found(
    operator_schema: dict[str, Any], place: tuple[str, ...]
) -> None:
    wrong = copy.deepcopy(DEPLOYMENT)
    inner = wrong
    for key in place:
        inner = inner[key]
    inner["replicsa"] = 2
    with pytest.raises(jsonschema.ValidationError, match="replicsa"):
        jsonschema.validate(wrong, operator_schema)


@pytest.mark.parametrize(
    "one",
    [
        CLUSTER["PersistentVolumeClaim"],
        CLUSTER["NetworkPolicy"],
        NIGHT,
        # the operator's schema leaves much of a pod open; that of Kubernetes does not
        {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"containers": []}}
        | {"spec": MANAGERS["podTemplate"]["spec"]},
    ],
    ids=lambda one: one["kind"],
)
def test_kubernetes_knows_every_field(one: dict[str, Any]) -> None:
    kubernetes_validate.validate(one, KUBERNETES, strict=True)


def command(job: dict[str, Any]) -> list[str]:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return [*container["command"], *container["args"]]


def test_the_night_is_submitted_with_flags_that_there_are() -> None:
    _emonet, _label, _input, *flags = command(NIGHT)
    ours = ("--output", "--night", "--allow-empty")
    rest = [flag for flag in flags if not flag.startswith(ours)]
    assert set(rest) < set(beam_options(rest))


def test_the_night_asks_for_the_slots_and_the_pools_that_the_cluster_has() -> None:
    flags = dict(flag.partition("=")[::2] for flag in command(NIGHT)[3:])
    slots = int(DEPLOYMENT["spec"]["flinkConfiguration"]["taskmanager.numberOfTaskSlots"])
    assert int(flags["--parallelism"]) == slots * MANAGERS["replicas"]
    assert flags["--flink_master"] == f"{DEPLOYMENT['metadata']['name']}-rest:8081"
    _flink, workers = MANAGERS["podTemplate"]["spec"]["containers"]
    assert flags["--environment_config"] == f"localhost:{workers['args'][-1]}"
    assert f"--flink-master={flags['--flink_master']}" in shlex.join(
        NIGHT["spec"]["template"]["spec"]["initContainers"][0]["args"]
    )


def test_all_pods_that_may_reach_one_another_have_the_label_that_lets_them() -> None:
    (label,) = CLUSTER["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].items()
    templates = [
        DEPLOYMENT["spec"]["jobManager"]["podTemplate"],
        MANAGERS["podTemplate"],
        NIGHT["spec"]["template"],
    ]
    assert all(label in one["metadata"]["labels"].items() for one in templates)
