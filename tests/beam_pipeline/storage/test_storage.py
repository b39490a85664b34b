"""What every storage promises, and what becomes of it when the network fails.

The object store is fake-gcs-server, a real one with real generations; the network before it is
`object_store.FakeNetwork`.
"""

from __future__ import annotations

import datetime
import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from object_store import FakeNetwork, Fault

from beam_pipeline.records import EmonetError
from beam_pipeline.storage import TEMPORARY, ConflictError, Storage, gcs, storage_of

SEVERAL_REQUESTS = 9 * 2**20
"""Bytes of an object that is too large to be sent in one request."""

faults = pytest.mark.faults


@pytest.fixture(params=["local", pytest.param("gcs", marks=faults)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "gcs":
        root = f"{request.getfixturevalue('gcs_bucket')}/some/where"
    else:
        root = str(tmp_path / "some" / "where")
    found = storage_of(root)
    found.prepare()
    return found


@pytest.mark.parametrize("size", [0, 1, 100_000, SEVERAL_REQUESTS])
def test_what_was_written_is_read(store: Storage, size: int) -> None:
    content = b"\r\n\0\xff" * (size // 4) + b"x" * (size % 4)
    store.write("a/b.bin", content)
    assert store.read("a/b.bin") == content
    store.write("a/b.bin", memoryview(content)[: size // 2])
    assert store.read("a/b.bin") == content[: size // 2]


@pytest.mark.parametrize("path", ["Ünï/夜 – 1.srt", "night=2026-01-01/a+b%20c.bin", "q?#&[1]*"])
def test_a_path_may_have_any_signs(store: Storage, path: str) -> None:
    store.write(path, b"here")
    assert store.read(path) == b"here"
    assert [file.path for file in store.files("")][-1] == path
    store.delete(path)
    assert store.version(path) is None


def test_a_missing_file_is_named_and_has_no_version(store: Storage) -> None:
    assert store.version("a/absent") is None
    assert list(store.files("a")) == []
    store.delete("a/absent")
    with pytest.raises(EmonetError, match=f"{store.root}/a/absent: "):
        store.read("a/absent")


def test_a_part_of_a_file_is_read(store: Storage) -> None:
    store.write("a/b.bin", bytes(range(100)))
    assert store.read_range("a/b.bin", 10, 13) == b"\n\x0b\x0c"
    assert store.read_range("a/b.bin", 98, 200) == b"bc"
    assert store.read_range("a/b.bin", 100, 200) == b""
    with pytest.raises(EmonetError, match=f"{store.root}/a/absent: "):
        store.read_range("a/absent", 0, 10)


def test_the_names_in_a_folder_are_those_of_its_own_files(store: Storage) -> None:
    for path in ("a/1.json", "a/2.json", "a/1/3.json", "b/4.json"):
        store.write(path, b"")
    assert {name for name in store.names("a") if name.endswith(".json")} == {"1.json", "2.json"}
    assert store.names("absent") == []


def test_other_content_has_another_version(store: Storage) -> None:
    versions = set()
    for content in (b"", b"one", b"two"):
        store.write("file", content)
        found = store.version("file")
        assert found is not None
        assert found[0] == content
        assert store.version("file") == found
        versions.add(found[1])
    assert len(versions) == 3


def test_the_version_that_was_seen_is_replaced(store: Storage) -> None:
    store.replace("file", b"one", None)
    found = store.version("file")
    assert found is not None
    store.replace("file", b"two", found[1])
    assert store.read("file") == b"two"


def test_a_stale_version_is_left_as_it_is(store: Storage) -> None:
    store.write("file", b"one")
    seen = store.version("file")
    assert seen is not None
    store.write("file", b"two")
    with pytest.raises(ConflictError, match=f"{store.root}/file"):
        store.replace("file", b"three", seen[1])
    assert store.read("file") == b"two"


def test_a_file_is_created_once(store: Storage) -> None:
    store.replace("file", b"one", None)
    with pytest.raises(ConflictError):
        store.replace("file", b"two", None)
    assert store.read("file") == b"one"


@pytest.mark.parametrize("existed", [False, True])
def test_of_many_who_replace_one_version_one_wins(store: Storage, existed: bool) -> None:
    if existed:
        store.write("file", b"before")
    seen = store.version("file")
    together = threading.Barrier(8)

    def replace(writer: int) -> bytes | None:
        content = b"writer %d" % writer
        together.wait()
        try:
            store.replace("file", content, seen and seen[1])
        except ConflictError:
            return None
        return content

    with ThreadPoolExecutor(8) as writers:
        won = [content for content in writers.map(replace, range(8)) if content is not None]
    assert won == [store.read("file")]


def test_readers_see_whole_files_while_they_are_written(store: Storage) -> None:
    contents = {bytes([sign]) * size for sign, size in ((1, 300_000), (2, 70_000))}
    store.write("file", b"")
    written = threading.Event()

    def write() -> None:
        for _ in range(20):
            for content in contents:
                store.write("file", content)
        written.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = {store.read("file")}
    while not written.is_set():
        seen.add(store.read("file"))
    writer.join()
    assert seen - {b""} <= contents


def test_a_listing_has_the_files_below_a_folder_in_order(store: Storage) -> None:
    begun = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=2)
    for path in ("runs/b/2", "runs/a.x", "runs/b/1", "runs/a/z", "runs.txt", "runs2/1", "other"):
        store.write(path, path.encode())
    files = list(store.files("runs"))
    assert [file.path for file in files] == ["runs/a.x", "runs/a/z", "runs/b/1", "runs/b/2"]
    assert [file.size for file in files] == [len(file.path) for file in files]
    for file in files:
        assert begun <= file.modified <= datetime.datetime.now(datetime.UTC)
    assert [file.path for file in store.files("runs.txt")] == ["runs.txt"]
    assert {"other", "runs.txt", "runs2/1"} <= {file.path for file in store.files("")}


def test_a_temporary_file_is_listed_apart_from_what_is_written(store: Storage) -> None:
    store.write("a", b"whole")
    store.write(f"{TEMPORARY}1234abcd", b"half")
    assert [file.path for file in store.files("") if not file.path.startswith(".lock")] == ["a"]
    assert [file.path for file in store.temporaries()] == [f"{TEMPORARY}1234abcd"]


def test_a_listing_beside_one_who_removes_files_never_fails(tmp_path: Path) -> None:
    store = storage_of(str(tmp_path))
    stays = "runs/a/1"
    store.write(stays, b"")
    done = threading.Event()

    def come_and_go() -> None:
        for _ in range(60):
            for path in ("runs/b/1", "runs/b/2", "runs/c"):
                store.write(path, b"")
                store.delete(path)
        done.set()

    writer = threading.Thread(target=come_and_go)
    writer.start()
    try:
        while not done.is_set():
            assert stays in [file.path for file in store.files("runs")]
    finally:
        writer.join()


def test_a_file_that_was_removed_is_gone(store: Storage) -> None:
    store.write("a/1", b"one")
    store.write("a/2", b"two")
    store.delete("a/1")
    store.delete("a/1")
    assert [file.path for file in store.files("a")] == ["a/2"]
    store.replace("a/1", b"new", None)


def test_a_worker_gets_a_storage_that_works(store: Storage) -> None:
    store.write("file", b"here")
    assert pickle.loads(pickle.dumps(store)).read("file") == b"here"


@faults
def test_a_listing_may_have_many_pages(gcs_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcs, "PAGE", 3)
    store = storage_of(gcs_bucket)
    paths = [f"many/{number}" for number in range(10)]
    for path in paths:
        store.write(path, b"")
    assert [file.path for file in store.files("many")] == paths


@faults
def test_a_missing_bucket_is_no_missing_file(gcs_bucket: str) -> None:
    absent = f"{gcs_bucket}-absent"
    store = storage_of(f"{absent}/out")
    calls = (
        store.prepare,
        lambda: store.read("file"),
        lambda: store.version("file"),
        lambda: store.replace("file", b"secret", None),
        lambda: list(store.files("")),
        lambda: list(store.files("file")),
    )
    for call in calls:
        with pytest.raises(EmonetError, match=f"{absent}/out.*: there is no such bucket"):
            call()


def test_a_root_must_name_a_bucket() -> None:
    with pytest.raises(EmonetError, match="names no bucket"):
        storage_of("gs:///out")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcs, "PATIENCE_S", 1.0)
    monkeypatch.setattr(gcs, "REQUEST_S", 1.0)


ENOUGH_S = 30
"""Seconds that a call of hurried patience never takes, however busy the machine is."""


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    gcs.client.cache_clear()
    yield
    gcs.client.cache_clear()


@pytest.mark.usefixtures("hurried", "offline")
def test_a_server_that_cannot_be_reached_is_given_up() -> None:
    begun = time.monotonic()
    with pytest.raises(EmonetError, match=r"gs://bucket/out/file: .* no answer at last") as error:
        storage_of("gs://bucket/out").write("file", b"secret")
    assert "secret" not in str(error.value)
    assert time.monotonic() - begun < ENOUGH_S


def test_missing_credentials_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "absent.json"))
    gcs.client.cache_clear()
    with pytest.raises(EmonetError, match="gs://bucket/file: no valid credentials; log in"):
        storage_of("gs://bucket").read("file")


Call = Callable[[Storage], object]
MUCH = b"secret" * (SEVERAL_REQUESTS // 6)
CALLS: dict[str, Call] = {
    "prepare": lambda store: store.prepare(),
    "read": lambda store: store.read("file"),
    "version": lambda store: store.version("file"),
    "write": lambda store: store.write("file", b"secret"),
    "write much": lambda store: store.write("file", MUCH),
    "replace": lambda store: store.replace("new", b"secret", None),
    "files": lambda store: list(store.files("")),
    "delete": lambda store: store.delete("file"),
}
EACH_CALL = pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))


@pytest.fixture
def remote(gcs_bucket: str, network: FakeNetwork) -> Storage:
    """A storage beyond the network, with one file."""
    store = storage_of(f"{gcs_bucket}/out")
    store.write("file", b"before")
    return store


@faults
@EACH_CALL
@pytest.mark.parametrize("fault", [503, 429, Fault.LOST, Fault.CUT], ids=str)
def test_what_fails_for_a_while_is_done_in_the_end(
    remote: Storage, network: FakeNetwork, fault: int | Fault, call: Call
) -> None:
    network.fail(fault, fault)
    call(remote)
    assert [happened for _, happened in network.seen][:2] == [fault, fault]
    network.fail()
    found = remote.version("file")
    assert found is None or found[0] in (b"before", b"secret", MUCH)


@faults
@EACH_CALL
@pytest.mark.parametrize("fault", [503, Fault.CUT, Fault.SLOW], ids=str)
@pytest.mark.usefixtures("hurried")
def test_what_never_works_is_given_up_in_time(
    remote: Storage, network: FakeNetwork, fault: int | Fault, call: Call
) -> None:
    network.delay_s = 4.0
    network.fail(then=fault)
    begun = time.monotonic()
    with pytest.raises(EmonetError, match=f"{remote.root}.*: failed again and again") as error:
        call(remote)
    assert time.monotonic() - begun < ENOUGH_S
    assert "secret" not in str(error.value)
    assert ("with 503 at last" in str(error.value)) == (fault == 503)


@faults
@EACH_CALL
def test_slow_answers_are_waited_for(remote: Storage, network: FakeNetwork, call: Call) -> None:
    network.delay_s = 0.3
    network.fail(then=Fault.SLOW)
    call(remote)


@faults
@EACH_CALL
def test_what_is_forbidden_is_not_tried_again(
    remote: Storage, network: FakeNetwork, call: Call
) -> None:
    network.fail(then=403)
    with pytest.raises(EmonetError, match=f"{remote.root}.*: permission was denied; give"):
        call(remote)
    assert len(network.seen) == 1


@faults
@pytest.mark.parametrize("size", [100_000, SEVERAL_REQUESTS])
@pytest.mark.usefixtures("hurried")
def test_half_an_upload_is_never_seen(remote: Storage, network: FakeNetwork, size: int) -> None:
    # the larger one is announced in a request of its own, which may pass
    announced = [Fault.NONE] if size == SEVERAL_REQUESTS else []
    for path in ("file", "new"):
        network.fail(*announced, then=Fault.CUT)
        with pytest.raises(EmonetError):
            remote.write(path, b"x" * size)
        network.fail()
        assert [(file.path, file.size) for file in remote.files("")] == [("file", 6)]
        assert remote.read("file") == b"before"


@faults
@pytest.mark.parametrize("existed", [False, True])
@pytest.mark.parametrize("size", [6, SEVERAL_REQUESTS])
def test_a_replacement_whose_answer_was_lost_is_known_as_ours(
    remote: Storage, network: FakeNetwork, existed: bool, size: int
) -> None:
    seen = remote.version("file") if existed else None
    path = "file" if existed else "new"
    content = b"z" * size
    network.fail(*[Fault.NONE] * (size == SEVERAL_REQUESTS), Fault.LOST)
    remote.replace(path, content, seen and seen[1])
    assert remote.read(path) == content
    with pytest.raises(ConflictError):
        remote.replace(path, b"later", seen and seen[1])


@faults
def test_a_conflict_behind_a_busy_server_is_a_conflict(
    remote: Storage, network: FakeNetwork
) -> None:
    network.fail(503, Fault.CUT)
    with pytest.raises(ConflictError):
        remote.replace("file", b"after", None)
    assert remote.read("file") == b"before"


@faults
def test_content_that_changed_on_the_way_is_not_taken(
    remote: Storage, network: FakeNetwork
) -> None:
    network.fail(Fault.GARBLED)
    with pytest.raises(EmonetError, match=f"{remote.root}/file: .* by its checksum"):
        remote.read("file")
    assert remote.read("file") == b"before"
