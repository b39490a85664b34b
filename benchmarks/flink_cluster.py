"""A standalone Flink cluster on this machine: a JobManager and two TaskManagers, real ones."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from services import free_port

ROOT = Path(__file__).parents[1]
STARTS_WITHIN_S = 180
RUNS_WITHIN_S = 900
TASK_MANAGERS = 2


class Cluster:
    """A cluster of the Flink in `home`, with the settings of `infra/flink/cluster.yaml`."""

    def __init__(self, home: Path, folder: Path):
        self.home, self.folder = home, folder
        self.port = free_port()
        self.address = f"localhost:{self.port}"
        self.job_manager: list[subprocess.Popen[bytes]] = []
        self.task_managers: dict[str, subprocess.Popen[bytes]] = {}
        self.started = 0

    def start(self) -> None:
        """Starts all processes and waits for their slots."""
        self._configure()
        self.job_manager.append(self._run("jobmanager.sh"))
        for _ in range(TASK_MANAGERS):
            self.add_task_manager()
        self.wait_for_slots()

    def add_task_manager(self) -> None:
        """Starts one more TaskManager."""
        self.started += 1
        name = f"task-manager-{self.started}"
        self.task_managers[name] = self._run("taskmanager.sh", f"-Dtaskmanager.resource-id={name}")

    def kill_task_manager(self) -> None:
        """Kills one that has work, as `kill -9` does."""
        managers = self.ask("taskmanagers")["taskmanagers"]
        name = next(one["id"] for one in managers if one["freeSlots"] < one["slotsNumber"])
        process = self.task_managers.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Ends all processes."""
        for process in (*self.task_managers.values(), *self.job_manager):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def ask(self, path: str) -> Any:
        """What the REST address says."""
        with urllib.request.urlopen(f"http://{self.address}/v1/{path}", timeout=30) as answer:
            return json.load(answer)

    def wait_for_slots(self) -> None:
        """Waits until each TaskManager has its slots free."""
        wanted = TASK_MANAGERS * int(self.settings["taskmanager.numberOfTaskSlots"])
        end = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < end:
            try:
                if self.ask("overview")["slots-available"] == wanted:
                    return
            except OSError:
                pass
            time.sleep(1)
        raise SystemExit(f"Flink {self.home.name}: no {wanted} free slots, see {self.folder}")

    def wait_until_running(self, vertex: str) -> None:
        """Waits until a job runs a vertex whose name has these words."""
        end = time.monotonic() + RUNS_WITHIN_S
        while time.monotonic() < end:
            for job in self.ask("jobs/overview")["jobs"]:
                if job["state"] == "RUNNING":
                    plan = self.ask(f"jobs/{job['jid']}")["vertices"]
                    if any(vertex in one["name"] and one["status"] == "RUNNING" for one in plan):
                        return
            time.sleep(0.5)
        raise SystemExit(f"Flink {self.home.name}: no job runs {vertex}, see {self.folder}")

    def _configure(self) -> None:
        deployment = next(yaml.safe_load_all((ROOT / "infra/flink/cluster.yaml").read_text()))
        spec = deployment["spec"]
        shipped = yaml.safe_load((self.home / "conf/config.yaml").read_text())
        self.settings = {
            # what Java has to open for it, as this Flink ships it
            "env.java.opts.all": shipped["env"]["java"]["opts"]["all"],
            "rest.address": "localhost",
            "rest.port": self.port,
            "rest.bind-address": "localhost",
            "jobmanager.rpc.address": "localhost",
            "jobmanager.rpc.port": free_port(),
            "jobmanager.bind-host": "localhost",
            "jobmanager.memory.process.size": spec["jobManager"]["resource"]["memory"],
            "taskmanager.bind-host": "localhost",
            "taskmanager.host": "localhost",
            "taskmanager.memory.process.size": spec["taskManager"]["resource"]["memory"],
            "io.tmp.dirs": str(self.folder / "tmp"),
            **spec["flinkConfiguration"],
        }
        (self.folder / "tmp").mkdir(parents=True)
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.settings))
        shutil.copy(self.home / "conf/log4j-console.properties", self.folder)

    def _run(self, script: str, *settings: str) -> subprocess.Popen[bytes]:
        folders = {"FLINK_CONF_DIR": str(self.folder), "FLINK_LOG_DIR": str(self.folder)}
        with (self.folder / f"{script}-{self.started}.log").open("ab") as log:
            return subprocess.Popen(
                [str(self.home / "bin" / script), "start-foreground", *settings],
                env={**os.environ, **folders, "FLINK_HOME": str(self.home)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


@contextmanager
def running(home: Path, folder: Path) -> Iterator[Cluster]:
    """A cluster for as long as it is needed."""
    cluster = Cluster(home, folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
