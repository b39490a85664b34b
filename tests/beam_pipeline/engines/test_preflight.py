"""What is not there is refused before anything is sent. Sockets are real, of this machine alone."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.portability.local_job_service import LocalJobServicer
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer
from apache_beam.utils.subprocess_server import JavaJarServer
from worker_pools import on_a_pool, pool_process

from beam_pipeline.engines import flink, timeouts, worker_pool
from beam_pipeline.engines.preflight import PROBED_FILES, _probed_files, check_engine
from beam_pipeline.records import EmonetError
from emonet.__main__ import main

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts, "SECONDS", 1)


@contextlib.contextmanager
def http_server(answers: dict[str, bytes]) -> Iterator[str]:
    """Answers a path with what is given for it, any other with 404; HOST:PORT of it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path)
            self.send_response(404 if answer is None else 200)
            self.end_headers()
            if answer and self.command == "GET":
                self.wfile.write(answer)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def fake_flink(
    version: str = "1.20.5", free: int = 4, hosts: tuple[str, ...] = ("127.0.0.1",)
) -> contextlib.AbstractContextManager[str]:
    """Answers as the REST address of a cluster with four slots does, and does nothing else."""
    overview = {"flink-version": version, "slots-total": 4, "slots-available": free}
    managers = [{"path": f"pekko.tcp://flink@{host}:6122/user/rpc/taskmanager_0"} for host in hosts]
    return http_server(
        {
            "/v1/overview": json.dumps(overview).encode(),
            "/v1/taskmanagers": json.dumps({"taskmanagers": managers}).encode(),
        }
    )


def fake_jar(path: Path, version: str = "1.20.5") -> str:
    """Looks like a job server's jar for a version of Flink, and holds no code."""
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr(flink.DRIVER, b"")
        jar.writestr(flink.FLINK_VERSION, f"project.version={version}\n")
    return str(path)


@pytest.fixture
def pool() -> Iterator[int]:
    """The port of a pool of workers."""
    port, server, _ = worker_pool.serve("localhost", 0)
    yield port
    server.stop(None)


@pytest.fixture
def closed() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where connections are taken and nothing is ever answered."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def refusal(*flags: str, paths: tuple[str, ...] = ()) -> str:
    with pytest.raises(EmonetError) as refused:
        check_engine(flags, paths)
    (line,) = str(refused.value).splitlines()
    return line


def on_flink(address: str, *flags: str) -> tuple[str, ...]:
    return ("--runner=FlinkRunner", f"--flink_master={address}", *flags)


def external(port: int) -> tuple[str, str]:
    return "--environment_type=EXTERNAL", f"--environment_config=localhost:{port}"


def test_a_cluster_with_its_job_server_and_its_workers_is_taken(tmp_path: Path, pool: int) -> None:
    jar = fake_jar(tmp_path / "server.jar")
    corpus = tmp_path / "a.srt"
    corpus.touch()
    # the pool of the second TaskManager, where the first one's does not listen
    _, second, _ = worker_pool.serve("127.0.0.2", pool)
    with fake_flink(hosts=("127.0.0.1", "127.0.0.2")) as address:
        flags = on_flink(address, f"--flink_job_server_jar={jar}", "--parallelism=4")
        check_engine((*flags, *external(pool)), [str(corpus)])
    second.stop(None)


def test_a_runner_that_is_none_is_refused_before_the_checkpoint_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.srt").touch()
    flags = ["--output", str(tmp_path / "out"), "--checkpoint", "/nowhere", "--runner", "Nonsense"]
    assert main(["label", str(tmp_path / "a.srt"), *flags]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("emonet label: --runner Nonsense: there is no such runner; Beam has")


@pytest.mark.parametrize(
    "runner",
    [
        "no.such.module.Runner",
        "beam_pipeline.engines.in_process.NoRunner",
        "a..b",
        "os.path.join",
        "os.sep",
        "json.JSONDecoder",
    ],
)
def test_what_a_module_lacks_or_is_no_runner_is_refused(runner: str) -> None:
    assert "there is no such runner" in refusal(f"--runner={runner}")


DATAFLOW = ("--runner=DataflowRunner", "--project=a-project", "--region=europe-west4")


@pytest.mark.parametrize("given", ["is not given", "/tmp/here", "gs://a-bucket"])
def test_dataflow_without_a_place_in_a_bucket_is_refused_before_beam_makes_one(given: str) -> None:
    flags = [] if given == "is not given" else [f"--temp_location={given}"]
    message = refusal(*DATAFLOW, *flags)
    assert message.startswith(f"--temp_location {given}: Dataflow needs gs://BUCKET/PATH")


def test_one_place_in_a_bucket_is_enough() -> None:
    for flag in ("--temp_location", "--staging_location"):
        check_engine((*DATAFLOW, f"{flag}=gs://a-bucket/there", "--dry_run=true"), [])


def test_a_bucket_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(PipelineOptionsValidator, "validate", lambda _: released.wait(60))
    message = refusal(*DATAFLOW, "--temp_location=gs://a-bucket/there")
    released.set()
    assert message == "Google Cloud Storage, asked after --temp_location: no answer within 3 s"


def test_a_portable_runner_without_a_job_service_is_refused(pool: int) -> None:
    message = refusal("--runner=PortableRunner", *external(pool))
    assert message == "--runner PortableRunner: give --job_endpoint HOST:PORT of a job service"


def test_what_beam_demands_of_its_options_is_told_in_one_line() -> None:
    flags = ("--runner=FlinkRunner", "--environment_type=EXTERNAL")
    assert "external_service_address is required" in refusal(*flags)


@pytest.mark.parametrize("address", ["flink.example", "[auto", "flink.example:many"])
def test_an_address_without_a_port_is_refused(address: str) -> None:
    assert refusal(*on_flink(address)) == f"--flink_master {address}: is not of the form HOST:PORT"


def test_a_cluster_that_is_not_there_is_refused(closed: int) -> None:
    address = f"127.0.0.1:{closed}"
    message = refusal(*on_flink(address))
    assert message == f"--flink_master {address}: no cluster is there (Connection refused)"


def test_a_cluster_of_no_known_name_is_refused() -> None:
    assert "--flink_master flink.invalid:8081: no" in refusal(*on_flink("flink.invalid:8081"))


def test_a_cluster_that_never_answers_is_not_waited_for(silent: int) -> None:
    assert "127.0.0.1" in (message := refusal(*on_flink(f"127.0.0.1:{silent}")))
    assert "no answer within 1 s" in message or "timed out" in message


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"{}", b'{"flink-version": "1.20.5"}'])
def test_what_answers_and_is_no_flink_is_refused(answer: bytes) -> None:
    with http_server({"/v1/overview": answer}) as address:
        message = refusal(*on_flink(f"http://{address}"))
    assert message.endswith("answers, but not as Flink's REST address does")


def test_a_cluster_that_speaks_no_http_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with server.accept()[0] as caller:
                caller.recv(1024)
                caller.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        threading.Thread(target=greet, daemon=True).start()
        message = refusal(*on_flink(f"127.0.0.1:{server.getsockname()[1]}"))
    assert message.endswith("answers, but not as Flink's REST address does")


def test_more_slots_than_are_free_are_refused() -> None:
    with fake_flink(free=1) as address:
        message = refusal(*on_flink(address, "--parallelism=2"))
    assert "1 of its 4 slots are free, and --parallelism asks for 2" in message


def test_a_version_without_a_job_server_is_refused() -> None:
    with fake_flink("1.17.2") as address:
        message = refusal(*on_flink(address))
    assert "is of Flink 1.17.2, for which Beam" in message
    assert "has no job server; it has them for 1.19, 1.20, 2.0" in message


def test_a_job_server_for_another_flink_is_refused(tmp_path: Path) -> None:
    jar = fake_jar(tmp_path / "server.jar", "2.0.1")
    with fake_flink("1.20.5") as address:
        assert "add --flink_version 1.20" in refusal(*on_flink(address, "--flink_version=2.2"))
        message = refusal(*on_flink(address, f"--flink_job_server_jar={jar}"))
    assert "is made for Flink 2.0, and the cluster is of 1.20.5" in message


def test_a_jar_that_is_missing_or_is_none_of_beams_is_refused(tmp_path: Path) -> None:
    text, empty = tmp_path / "text.jar", tmp_path / "empty.jar"
    text.write_text("no archive")
    zipfile.ZipFile(empty, "w").close()
    for jar, message in (
        (tmp_path / "gone.jar", "cannot be read (No such file or directory)"),
        (text, "is no job server of Beam's for Flink"),
        (empty, "is no job server of Beam's for Flink"),
    ):
        flag = f"--flink_job_server_jar={jar}"
        assert refusal("--runner=FlinkRunner", flag) == f"--flink_job_server_jar {jar}: {message}"


def test_a_jar_that_can_be_fetched_from_nowhere_is_refused_unless_beam_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_server({}) as address:
        monkeypatch.setattr(JavaJarServer, "MAVEN_CENTRAL_REPOSITORY", f"http://{address}")
        flags = ("--runner=FlinkRunner", "--flink_version=1.20", f"--jar_cache_dir={tmp_path}")
        message = refusal(*flags)
        (name,) = [
            word.rpartition("/")[2] for word in message.split() if word.startswith(str(tmp_path))
        ]
        assert name.startswith("beam-runners-flink-1.20-job-server-")
        assert "Not Found" in message
        (tmp_path / name).touch()
        check_engine(flags, [])


def test_a_machine_without_java_is_told_so() -> None:
    message = refusal("--runner=FlinkRunner", "--job_server_java_launcher=/no/java")
    assert message == "Beam's job server for Flink needs Java, and there is no `/no/java`"


def test_workers_in_an_image_without_emonet_are_refused(tmp_path: Path) -> None:
    with fake_flink() as address:
        flags = on_flink(address, f"--flink_job_server_jar={fake_jar(tmp_path / 'server.jar')}")
        assert "Beam's own image, which has no emonet" in refusal(*flags)
        check_engine((*flags, "--environment_type=DOCKER", "--environment_config=ours:1"), [])


def on_job_service(port: int, *flags: str) -> tuple[str, ...]:
    return ("--runner=PortableRunner", f"--job_endpoint=127.0.0.1:{port}", *flags)


@pytest.mark.parametrize("there", ["closed", "silent", "pool"])
def test_a_job_service_that_does_not_answer_as_one_is_refused(
    there: str, request: pytest.FixtureRequest
) -> None:
    port = request.getfixturevalue(there)
    message = refusal(*on_job_service(port))
    assert message.startswith(
        f"--job_endpoint 127.0.0.1:{port}: no job service of Beam's answers ("
    )


def test_a_job_service_with_its_pool_is_taken(pool: int, closed: int) -> None:
    service = LocalJobServicer()
    port = service.start_grpc_server(0)
    try:
        check_engine(on_job_service(port, *external(pool)), [])
        message = refusal(*on_job_service(port, *external(closed)))
    finally:
        service.stop()
    assert message == f"worker pool 127.0.0.1:{closed}: nothing answers there (UNAVAILABLE)"


def test_a_pool_that_never_answers_is_not_waited_for(silent: int) -> None:
    assert "nothing answers there" in refusal(*on_a_pool(f"127.0.0.1:{silent}"))


def test_localhost_of_a_pool_is_that_of_each_taskmanager(tmp_path: Path, closed: int) -> None:
    jar = fake_jar(tmp_path / "server.jar")
    with fake_flink(hosts=("127.0.0.3",)) as address:
        flags = on_flink(address, f"--flink_job_server_jar={jar}", *external(closed))
        assert f"worker pool 127.0.0.3:{closed}: nothing answers" in refusal(*flags)


def test_a_pool_that_does_not_say_what_its_python_is_is_refused() -> None:
    address, server = BeamFnExternalWorkerPoolServicer.start(use_process=True)
    try:
        message = refusal(*on_a_pool(address))
    finally:
        server.stop(None)
    assert "start it by `python -m beam_pipeline.engines.worker_pool`" in message


def test_workers_of_another_make_are_refused_by_name(
    pool: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = worker_pool.description

    def other(paths: list[str]) -> dict[str, Any]:
        described = theirs(paths)
        return {**described, "versions": {**described["versions"], "torch": "1.0", "python": "2.7"}}

    monkeypatch.setattr(worker_pool, "description", other)
    here = theirs([])["versions"]
    message = refusal(*on_a_pool(f"localhost:{pool}"))
    assert f"python 2.7 there and {here['python']} here" in message
    assert f"torch 1.0 there and {here['torch']} here" in message
    assert "numpy" not in message


def test_workers_that_cannot_read_the_corpus_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.srt").touch()
    monkeypatch.chdir(tmp_path)
    with pool_process(dict(os.environ), cwd=tmp_path.parent) as port:
        flags = on_a_pool(f"localhost:{port}")
        there = str(tmp_path / "a.srt")
        check_engine(flags, [there])
        # nobody can, so that it is for the job to refuse
        check_engine(flags, [str(tmp_path / "gone.srt"), str(tmp_path)])
        for paths in (("a.srt",), (there, "a.srt"), (there, "a.srt", there)):
            assert "cannot read a.srt; give it by a full path" in refusal(*flags, paths=paths)


def test_each_pool_is_asked_after_files_of_all_parts_of_a_corpus_and_one_in_a_bucket() -> None:
    few = [f"{number}.srt" for number in range(PROBED_FILES)]
    assert _probed_files(few) == few
    many = [*(f"{folder}/{number}.srt" for folder in "abc" for number in range(PROBED_FILES))]
    buckets = ["gs://one/a.srt", "gs://one/b.srt"]
    probed = _probed_files([*buckets, *many])
    assert len(probed) <= PROBED_FILES + 1
    assert {path[0] for path in probed} == {"a", "b", "c", "g"}
    assert probed[-1] == "gs://one/a.srt"
    assert _probed_files([]) == []
