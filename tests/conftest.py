from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from model.artifact import Checkpoint
    from model.encoder import EncoderReference

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

    from model.artifact import open_checkpoint, save_checkpoint

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
    from model.encoder import DEFAULT_ENCODER, reference_to

    return reference_to(DEFAULT_ENCODER)
