"""What launches us elsewhere, held against those who would read it there."""

from __future__ import annotations

import datetime
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DATAFLOW = ROOT / "infra" / "dataflow"
SYSTEMD = ROOT / "infra" / "systemd"
CRON_JOB = ROOT / "infra" / "kubernetes" / "cronjob.yaml"


def run(*command: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, **more
    )


def program(name: str) -> str:
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    ended = run(program("hadolint"), ROOT / "Dockerfile")
    assert (ended.returncode, ended.stdout) == (0, "")


def test_the_image_is_built_from_all_that_it_copies_and_from_nothing_else() -> None:
    sent = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert {name for name in sent if not (ROOT / name).exists()} == set()
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.MULTILINE)
    # all that is sent is what the wheel is made of
    assert {name for name in copied if name != "."} <= sent
    assert not sent & {"infra", "tests", "demo", "docs", "requirements.lock"}


@pytest.fixture(scope="module")
def terraform() -> dict[str, dict[str, dict[str, Any]]]:
    """All resources, by kind and name."""
    hcl2 = pytest.importorskip("hcl2", reason="python-hcl2 is not installed")
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted(DATAFLOW.glob("*.tf")):
        for block in plain(hcl2.loads(path.read_text())).get("resource", []):
            for kind, named in block.items():
                found.setdefault(kind, {}).update(named)
    return found


def plain(value: Any) -> Any:
    """Without the quotes that the reader of Terraform leaves around strings."""
    if isinstance(value, dict):
        return {plain(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return list(map(plain, value))
    return value.strip('"') if isinstance(value, str) else value


def test_each_account_has_the_roles_it_needs_and_no_more(
    terraform: dict[str, dict[str, dict[str, Any]]],
) -> None:
    roles: dict[str, set[tuple[str, str]]] = {}
    for kind, named in terraform.items():
        if kind.endswith("_iam_member"):
            for grant in named.values():
                (account,) = re.findall(r"google_service_account\.(\w+)\.member", grant["member"])
                on = kind.removeprefix("google_").removesuffix("_iam_member")
                where = re.sub(r"[${}]|google_storage_bucket\.|\.name", "", grant.get("bucket", on))
                roles.setdefault(account, set()).add((where, grant["role"]))
    assert roles == {
        "worker": {
            ("project", "roles/dataflow.worker"),
            ("artifact_registry_repository", "roles/artifactregistry.reader"),
            ("var.corpus_bucket", "roles/storage.objectViewer"),
            ("labelled", "roles/storage.objectUser"),
            ("staging", "roles/storage.objectUser"),
        },
        "launcher": {
            ("project", "roles/dataflow.developer"),
            ("service_account", "roles/iam.serviceAccountUser"),
            ("staging", "roles/storage.objectViewer"),
        },
    }


def test_no_bucket_can_be_made_public(terraform: dict[str, dict[str, dict[str, Any]]]) -> None:
    buckets = terraform["google_storage_bucket"].values()
    assert {bucket["public_access_prevention"] for bucket in buckets} == {"enforced"}
    assert all(bucket["uniform_bucket_level_access"] is True for bucket in buckets)


def test_terraform_names_nothing_that_is_not_there(
    terraform: dict[str, dict[str, dict[str, Any]]],
) -> None:
    text = "\n".join(path.read_text() for path in DATAFLOW.glob("*.tf"))
    named = set(re.findall(r"\b(google_\w+)\.(\w+)\.", text))
    assert named <= {(kind, name) for kind, of_it in terraform.items() for name in of_it}
    variables = set(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))
    assert set(re.findall(r"\bvar\.(\w+)", text)) == variables


def test_terraform_is_formatted() -> None:
    ended = run(program("terraform"), "fmt", "-check", "-diff", DATAFLOW)
    assert (ended.returncode, ended.stdout) == (0, "")


@pytest.fixture
def on_kubernetes() -> dict[str, dict[str, Any]]:
    """The objects of the file by their kind."""
    return {one["kind"]: one for one in yaml.safe_load_all(CRON_JOB.read_text())}


@pytest.fixture
def cron_job(on_kubernetes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return on_kubernetes["CronJob"]


def test_kubernetes_knows_every_field_of_the_cron_job_and_its_policy(
    on_kubernetes: dict[str, dict[str, Any]],
) -> None:
    schemas = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate is not installed"
    )
    version = schemas.latest_version()
    assert on_kubernetes.keys() == {"CronJob", "NetworkPolicy"}
    for one in on_kubernetes.values():
        schemas.validate(one, version, strict=True)
    container_of(on_kubernetes["CronJob"])["imagee"] = "emonet"
    on_kubernetes["NetworkPolicy"]["spec"]["ingres"] = []
    for one, unknown in zip(on_kubernetes.values(), ("imagee", "ingres"), strict=True):
        with pytest.raises(schemas.ValidationError, match=unknown):
            schemas.validate(one, version, strict=True)


def test_the_policy_closes_the_pods_of_the_cron_job_both_ways(
    on_kubernetes: dict[str, dict[str, Any]],
) -> None:
    policy = on_kubernetes["NetworkPolicy"]["spec"]
    template = on_kubernetes["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]
    chosen = policy["podSelector"]["matchLabels"]
    assert chosen
    assert chosen.items() <= template["metadata"]["labels"].items()
    # a direction that is named and allows nothing is closed
    assert policy.keys() == {"podSelector", "policyTypes"}
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}


def container_of(cron_job: dict[str, Any]) -> dict[str, Any]:
    (container,) = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert isinstance(container, dict)
    return container


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A folder for the PATH whose `emonet` and `systemctl` do nothing but say what they were
    asked."""
    for name in ("emonet", "systemctl"):
        (tmp_path / name).write_text('#!/bin/sh\necho "$@"\n')
        (tmp_path / name).chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("job", "night"),
    # 03:00 of the next morning, as the controller names jobs, and a rerun as the file names it
    [("emonet-29911860", "2026-11-14"), ("emonet-29921760", "2026-11-21")],
)
def test_the_cron_job_labels_the_night_that_it_was_scheduled_for(
    cron_job: dict[str, Any], told: Path, job: str, night: str
) -> None:
    container = container_of(cron_job)
    command = [*container["command"], *container["args"]]
    ended = run(*command, env={"JOB": job, "PATH": f"{told}:/usr/bin:/bin"})
    assert (
        ended.stdout
        == f"label /incoming/{night} --output /labelled --night {night} --allow-empty\n"
    )


def test_an_evening_without_files_stops_no_schedule() -> None:
    dags = ROOT / "infra" / "airflow" / "dags"
    schedules = {
        CRON_JOB: "--allow-empty",
        SYSTEMD / "emonet@.service": "--allow-empty",
        ROOT / "infra" / "flink" / "night.yaml": "--allow-empty",
        dags / "emonet_nightly.py": "--allow-empty",
        dags / "dataflow_launch.json": '"allow_empty": "true"',
    }
    for path, flag in schedules.items():
        assert flag in path.read_text(), path


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = program("systemd-analyze")
    for path in SYSTEMD.iterdir():
        text = path.read_text().replace("/opt/emonet/bin/emonet", "/bin/true")
        (tmp_path / path.name).write_text(text)
    units = sorted(tmp_path.iterdir())
    assert len(units) == 3
    ended = run(analyze, "verify", *units)
    ours = [line for line in ended.stderr.splitlines() if "emonet" in line]
    assert ours == []


def test_the_timer_starts_the_unit_of_last_night_by_its_name(told: Path) -> None:
    unit = (SYSTEMD / "emonet.service").read_text()
    (command,) = re.findall(r"^ExecStart=/bin/sh -c '(.*)'$", unit, re.MULTILINE)
    script = command.replace("$$", "$").replace("%%", "%")
    before = datetime.datetime.now(datetime.UTC)
    ended = run("/bin/sh", "-c", script, env={"PATH": f"{told}:/usr/bin:/bin"})
    # midnight may come in between
    moments = (before, datetime.datetime.now(datetime.UTC))
    nights = {moment.date() - datetime.timedelta(days=1) for moment in moments}
    assert ended.stdout in {f"start --no-block emonet@{night}.service\n" for night in nights}
