from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from object_store import FakeNetwork

    from model.checkpoint import Checkpoint
    from model.encoders.references import EncoderReference

# no test fails by the clock: the machine may be busy
settings.register_profile("emonet", deadline=None)
settings.load_profile("emonet")

_DEFAULT = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real corpora; tests that need it are skipped where there is none."""
    folder = Path(os.environ.get("EMONET_TEST_DATA", _DEFAULT))
    if not folder.is_dir():
        pytest.skip(f"no real corpora at {folder}; set EMONET_TEST_DATA to their folder")
    return folder


@pytest.fixture(params=["float32", "bfloat16"])
def precision(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each precision, forced wherever this process and those it starts compute."""
    monkeypatch.setenv("EMONET_PRECISION", request.param)
    return str(request.param)


@pytest.fixture(scope="session")
def small_encoders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, EncoderReference]:
    """A small random encoder of each family, with its tokenizer, by the family's name."""
    from small_models import SAVE, save_encoder  # torch only where a test wants it

    root = tmp_path_factory.mktemp("encoders")
    return {family: save_encoder(family, root / family) for family in SAVE}


@pytest.fixture(scope="session")
def small_bert(small_encoders: Mapping[str, EncoderReference]) -> EncoderReference:
    """The small random BERT."""
    return small_encoders["bert"]


@pytest.fixture(scope="session")
def tiny_checkpoint(
    small_bert: EncoderReference, tmp_path_factory: pytest.TempPathFactory
) -> Checkpoint:
    """An untrained model over the small BERT that remembers three utterances of a speaker."""
    from small_models import untrained

    from model.checkpoint import open_checkpoint, save_checkpoint

    folder = tmp_path_factory.mktemp("checkpoint") / "tiny"
    save_checkpoint(folder, untrained(small_bert, history=3), {})
    return open_checkpoint(folder)


@pytest.fixture(scope="session", params=["bert", "roberta", "mpnet"])
def small_encoder(
    request: pytest.FixtureRequest, small_encoders: Mapping[str, EncoderReference]
) -> EncoderReference:
    """Each of the small random encoders."""
    return small_encoders[request.param]


@pytest.fixture(scope="session")
def default_encoder() -> EncoderReference:
    """The encoder that ships."""
    from model.encoders.references import DEFAULT_ENCODER, reference_to

    return reference_to(DEFAULT_ENCODER)


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[str]:
    """The address of a real object store; tests that need it are marked `faults`."""
    from object_store import running_server, server_program

    program = server_program()
    if program is None:
        pytest.skip(
            "no fake-gcs-server; `make faults` installs it, EMONET_FAKE_GCS_SERVER names it"
        )
    with running_server(program) as address:
        yield address


@pytest.fixture
def gcs_bucket(gcs_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """`gs://` and the name of a new, empty bucket, for this process and for those it starts."""
    from beam_pipeline.storage.gcs import client

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server)
    client.cache_clear()
    name = f"emonet-{uuid.uuid4().hex[:12]}"
    client().create_bucket(name)
    yield f"gs://{name}"
    client.cache_clear()


@pytest.fixture
def network(
    gcs_server: str, gcs_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeNetwork]:
    """The network between the clients and the store of `gcs_bucket`; see `FakeNetwork.fail`."""
    from object_store import FakeNetwork

    from beam_pipeline.storage.gcs import client

    with FakeNetwork(gcs_server) as fake:
        threading.Thread(target=fake.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", fake.address)
        client.cache_clear()
        yield fake
        fake.shutdown()
