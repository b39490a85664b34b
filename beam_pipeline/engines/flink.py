"""Whether a Flink cluster can take a job, and whether Beam's job server for it can be started."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import urllib.error
import urllib.request
import zipfile
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from apache_beam import version as beam_version
from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    JobServerOptions,
    PipelineOptions,
)
from apache_beam.runners.portability.flink_runner import (
    MAGIC_HOST_NAMES,
    FlinkJarJobServer,
    FlinkRunner,
)
from apache_beam.utils.subprocess_server import JavaJarServer

from beam_pipeline.engines import timeouts
from beam_pipeline.records import EmonetError

DRIVER = "org/apache/beam/runners/flink/FlinkJobServerDriver.class"
FLINK_VERSION = ".flink-runtime.version.properties"
"""By which Flink itself knows its version, and so what a job server's jar was made for."""

LONGEST_ANSWER = 1 << 24
"""Bytes; 16 MiB hold the descriptions of more than 10,000 TaskManagers."""


class Cluster(NamedTuple):
    """A Flink cluster that answers: its version such as `1.20.5`, the hosts of its workers."""

    address: str
    version: str
    hosts: list[str]

    @property
    def minor(self) -> str:
        """The version by which Beam names its job servers, such as `1.20`."""
        return ".".join(self.version.split(".")[:2])


def find_cluster(flink: FlinkRunnerOptions) -> Cluster | None:
    """The cluster of `--flink_master`, or None if none is given and the job server brings its own.

    Raises:
      EmonetError: nothing answers there, or something else does, or it has too few free slots.
    """
    if flink.flink_master in MAGIC_HOST_NAMES:
        return None
    address = FlinkRunner.add_http_scheme(flink.flink_master)
    where = f"--flink_master {flink.flink_master}"
    try:
        if urlsplit(address).port is None:
            raise ValueError
    except ValueError:
        raise EmonetError(f"{where}: is not of the form HOST:PORT") from None
    overview = _flink_says(where, f"{address}/v1/overview", "flink-version", "slots-available")
    managers = _flink_says(where, f"{address}/v1/taskmanagers", "taskmanagers")["taskmanagers"]
    # a path is such as pekko.tcp://flink@10.0.0.7:6122/user/rpc/taskmanager_0
    paths = (re.search(r"@(.+):\d+/", manager["path"]) for manager in managers)
    hosts = sorted({found[1] for found in paths if found}) or [str(urlsplit(address).hostname)]
    needed, free = max(flink.parallelism, 1), overview["slots-available"]
    if free < needed:
        raise EmonetError(
            f"{where}: {free} of its {overview['slots-total']} slots are free, and --parallelism "
            f"asks for {needed}; ask for fewer, or add TaskManagers"
        )
    return Cluster(where, overview["flink-version"], hosts)


def _flink_says(where: str, url: str, *keys: str) -> dict[str, Any]:
    # Flink's own client goes through no proxy either
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask() -> Any:
        with direct.open(url, timeout=timeouts.SECONDS) as answer:
            return json.loads(answer.read(LONGEST_ANSWER))

    try:
        response = timeouts.within(where, ask)
    except (urllib.error.HTTPError, http.client.HTTPException, ValueError) as error:
        raise EmonetError(f"{where}: answers, but not as Flink's REST address does") from error
    except OSError as error:
        raise EmonetError(f"{where}: no cluster is there ({_reason(error)})") from error
    if not isinstance(response, dict) or not response.keys() >= set(keys):
        raise EmonetError(f"{where}: answers, but not as Flink's REST address does")
    return response


def check_job_server(options: PipelineOptions, cluster: Cluster | None) -> None:
    """Holds Beam's job server for Flink against the cluster it is to submit to.

    Raises:
      EmonetError: there is no Java; its jar is not there, is none, or is for another Flink.
    """
    flink = options.view_as(FlinkRunnerOptions)
    launcher = options.view_as(JobServerOptions).job_server_java_launcher
    by_upload = flink.flink_submit_uber_jar and cluster
    if not by_upload and shutil.which(launcher) is None:
        raise EmonetError(f"Beam's job server for Flink needs Java, and there is no `{launcher}`")
    jar = flink.flink_job_server_jar
    if jar and not urlsplit(jar).scheme:
        made_for = flink_of(jar)
        if cluster and made_for != cluster.minor:
            raise EmonetError(
                f"--flink_job_server_jar {jar}: is made for Flink {made_for}, and the cluster is "
                f"of {cluster.version}"
            )
        return
    if cluster and cluster.minor not in FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS:
        published = ", ".join(FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS)
        raise EmonetError(
            f"{cluster.address}: is of Flink {cluster.version}, for which Beam "
            f"{beam_version.__version__} has no job server; it has them for {published}"
        )
    if by_upload and cluster:
        flink.flink_version = cluster.minor
    if cluster and not jar and cluster.minor != flink.flink_version:
        raise EmonetError(
            f"{cluster.address}: is of Flink {cluster.version}, and the job server would be for "
            f"{flink.flink_version}; add --flink_version {cluster.minor}"
        )
    _check_download(FlinkJarJobServer(options).path_to_jar(), options)


def flink_of(jar: str) -> str:
    """The version of Flink such as `1.20` that a job server's jar was made for.

    Raises:
      EmonetError: it cannot be read, or is no job server for Flink.
    """
    where = f"--flink_job_server_jar {jar}"
    try:
        with zipfile.ZipFile(jar) as content:
            content.getinfo(DRIVER)
            properties = content.read(FLINK_VERSION).decode()
    except OSError as error:
        raise EmonetError(f"{where}: cannot be read ({_reason(error)})") from error
    except (zipfile.BadZipFile, KeyError) as error:
        raise EmonetError(f"{where}: is no job server of Beam's for Flink") from error
    found = re.search(r"project\.version=(\d+\.\d+)", properties)
    return found[1] if found else "unknown"


def _check_download(url: str, options: PipelineOptions) -> None:
    """That Beam has the jar from an earlier run, or can fetch it."""
    kept = options.view_as(JobServerOptions).jar_cache_dir or JavaJarServer.JAR_CACHE
    jar = os.path.join(kept, os.path.basename(url))
    if os.path.exists(url) or os.path.exists(jar):
        return

    def look() -> None:
        urllib.request.urlopen(
            urllib.request.Request(url, method="HEAD"), timeout=timeouts.SECONDS
        ).close()

    try:
        timeouts.within(url, look)
    except (OSError, ValueError) as error:
        raise EmonetError(
            f"the job server's jar is neither at {jar} nor to be had from {url} "
            f"({_reason(error)}); fetch it elsewhere and give --flink_job_server_jar FILE"
        ) from error


def _reason(error: Exception) -> str:
    """`Connection refused` of whatever it is wrapped in."""
    inner = getattr(error, "reason", error)
    return str(getattr(inner, "strerror", None) or inner)
