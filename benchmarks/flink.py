"""The command line against real Flink clusters: the preflight, then the job, bit for bit.

python benchmarks/flink.py --data emotion-detection-trn.json .flink/1.20.5 .flink/2.2.1

The job runs on each cluster for whose Flink a job server's jar is given: by the variable
`EMONET_FLINK_JOB_SERVER_JAR`, several with `:` between them, else by --jar. It is compared with a
run in the process, once more with a TaskManager killed in the middle. Ends with 3 if a cluster
lacked a jar, with 1 if anything was not as it should be.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flink_cluster import ROOT, Cluster, running
from services import Host, free_port, pool

from beam_pipeline.engines.flink import flink_of
from beam_pipeline.engines.preflight import check_engine
from beam_pipeline.records import EmonetError
from emonet.cli.options import beam_options

DEMO = ROOT / "demo" / "Tolsay Ferry"
LACKS_A_JAR = 3
LIMIT_S = 3600.0
"""A job that takes longer hangs."""
JARS = "EMONET_FLINK_JOB_SERVER_JAR"


class Proof:
    """What was seen, a line each; whether all of it was as it should be."""

    def __init__(self) -> None:
        self.failed = False

    def note(self, cluster: str, what: str, good: bool, detail: str) -> None:
        """Prints a line."""
        self.failed |= not good
        print(f"{cluster:8} {'as expected' if good else 'NOT AS EXPECTED':15} {what}: {detail}",
              flush=True)  # fmt: skip


def label_command(inputs: Path, output: Path, flags: list[str]) -> list[str]:
    """What a user types, in the Python that runs this."""
    emonet = [sys.executable, "-P", "-m", "emonet", "label"]
    return [*emonet, str(inputs), "--output", str(output), *flags]


def label(inputs: Path, output: Path, flags: list[str]) -> float:
    """Labels by the command line; seconds that it took."""
    begun = time.monotonic()
    done = subprocess.run(
        label_command(inputs, output, flags), capture_output=True, text=True, timeout=LIMIT_S
    )
    if done.returncode:
        raise EmonetError(done.stderr.strip().splitlines()[-1])
    return time.monotonic() - begun


def written(output: Path) -> Any:
    """What a night wrote, apart from the name of its run."""
    manifest = json.loads((output / "_manifests" / "night=0.json").read_text())
    tables = {
        table: [(part["shard"], part["rows"], part["sha256"]) for part in manifest[table]]
        for table in ("labels", "rejected", "memory")
    }
    return tables, manifest["left"], manifest["counts"]


def prove_preflight(proof: Proof, cluster: Cluster, version: str, jar: str | None) -> None:
    """What is refused on a real cluster, and by which sentence."""
    nobody = f"localhost:{free_port()}"

    def refused(what: str, expected: str, *flags: str) -> None:
        begun = time.monotonic()
        try:
            check_engine(beam_options([*on(cluster, nobody), *flags]), [])
            proof.note(version, what, False, "was taken")
        except EmonetError as error:
            took = time.monotonic() - begun
            proof.note(version, what, expected in str(error), f"{error} [{took:.1f} s]")

    refused("too many slots", "4 of its 4 slots are free", "--parallelism=5")
    refused("a job server for another Flink", "add --flink_version", "--flink_version=1.19")
    refused("no jar", "cannot be read", "--flink_job_server_jar=/nowhere/server.jar")
    refused("no cluster", "no cluster is there", f"--flink_master=localhost:{free_port()}")
    if jar:
        refused("no pool", "nothing answers there", f"--flink_job_server_jar={jar}")


def on(cluster: Cluster, pool_address: str) -> list[str]:
    """Flags that lead to a cluster and its workers."""
    return [
        "--runner=FlinkRunner",
        f"--flink_master={cluster.address}",
        "--environment_type=EXTERNAL",
        f"--environment_config={pool_address}",
        "--parallelism=2",
    ]


def prove_jobs(
    proof: Proof, cluster: Cluster, version: str, jar: str, folder: Path,
    references: Mapping[Path, tuple[float, Any]],
) -> None:  # fmt: skip
    """Each corpus as it is in the process, then once more with a TaskManager killed."""
    for inputs, (there, expected) in references.items():
        with pool(folder / "pool.log", Host()) as (address, _):
            flags = [*on(cluster, address), f"--flink_job_server_jar={jar}"]
            output = folder / "out" / inputs.stem
            try:
                took = label(inputs, output, flags)
            except EmonetError as error:
                proof.note(version, inputs.name, False, str(error))
                continue
            same = written(output) == expected
            detail = (
                f"{'the same' if same else 'OTHER'} bits, {took:.0f} s, {there:.0f} s in process"
            )
            proof.note(version, inputs.name, same, detail)
    inputs, (_, expected) = list(references.items())[-1]
    with pool(folder / "pool-killed.log", Host()) as (address, _):
        output = folder / "out" / "killed"
        flags = [*on(cluster, address), f"--flink_job_server_jar={jar}"]
        killed_within(proof, cluster, version, inputs, output, flags, expected)


def killed_within(
    proof: Proof, cluster: Cluster, version: str, inputs: Path, output: Path,
    flags: list[str], expected: Any,
) -> None:  # fmt: skip
    """Kills a TaskManager while it encodes: the job recovers, or fails and is run again."""
    with subprocess.Popen(label_command(inputs, output, flags), stdout=subprocess.DEVNULL) as job:
        cluster.wait_until_running("EncodeEpisodes")
        cluster.kill_task_manager()
        cluster.add_task_manager()
        begun = time.monotonic()
        status = job.wait(LIMIT_S)
    ended = time.monotonic() - begun
    committed = (output / "_manifests" / "night=0.json").exists()
    cluster.wait_for_slots()
    if status:
        proof.note(version, "TaskManager killed", not committed, f"failed after {ended:.0f} s")
        label(inputs, output, flags)
    same = written(output) == expected
    how = f"run again after {ended:.0f} s" if status else f"recovered, {ended:.0f} s after the kill"
    proof.note(
        version, "TaskManager killed", same, f"{how}, {'the same' if same else 'OTHER'} bits"
    )


def prove(proof: Proof, homes: Sequence[Path], corpora: Sequence[Path], jars: Mapping[str, str],
          folder: Path) -> int:  # fmt: skip
    """Proves what can be proved with what is there; how many clusters lacked a jar."""
    lacking = 0
    references = {}
    for inputs in corpora if jars else []:
        output = folder / "reference" / inputs.stem
        references[inputs] = (label(inputs, output, []), written(output))
    for home in homes:
        version = home.name
        jar = jars.get(".".join(version.split(".")[:2]))
        with running((home / "pyflink").resolve(), folder / version) as cluster:
            prove_preflight(proof, cluster, version, jar)
            if jar:
                prove_jobs(proof, cluster, version, jar, folder / version, references)
            else:
                lacking += 1
                print(f"{version:8} NO JOB WAS RUN: no job server's jar for it; {JARS} may "
                      "name one", flush=True)  # fmt: skip
    return lacking


def main() -> int:
    """Keeps the logs where something was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("homes", nargs="+", type=Path, help="folders of Flink, named by version")
    parser.add_argument("--data", type=Path, help="a corpus in addition to the demo")
    parser.add_argument("--jar", nargs="*", default=[], help="if the environment names none")
    flags = parser.parse_args()
    given = os.environ[JARS].split(os.pathsep) if os.environ.get(JARS) else flags.jar
    jars = {flink_of(jar): jar for jar in given}
    corpora = [DEMO, *([flags.data] if flags.data else [])]
    proof, folder = Proof(), Path(tempfile.mkdtemp(prefix="emonet-flink-"))
    lacking = prove(proof, flags.homes, corpora, jars, folder)
    if proof.failed:
        print(f"logs and outputs: {folder}")
        return 1
    shutil.rmtree(folder)
    return LACKS_A_JAR if lacking else 0


if __name__ == "__main__":
    # so that no cluster is left behind
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
