"""The checkpoint that ships, on the data it is measured on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.transcripts import read_transcripts
from model.checkpoint import PRETRAINED, load_model, open_checkpoint
from model.dataset import Transcript, gold_indices
from model.evaluation.scores import predict, score
from model.network.precision import Precision

CHECKPOINT_BYTES = 34_000_000


@pytest.fixture(scope="module")
def dev(shared_data: Path) -> list[Transcript]:
    return _read(shared_data / "emorynlp" / "emotion-detection-dev.json")


@pytest.fixture(scope="module")
def train(shared_data: Path) -> list[Transcript]:
    return _read(shared_data / "emorynlp" / "emotion-detection-trn.json")


@pytest.fixture(scope="module")
def logits(dev: list[Transcript], train: list[Transcript]) -> np.ndarray:
    model = load_model(open_checkpoint(PRETRAINED)).for_inference()
    return predict(model, dev, history=train)


def test_it_is_small_enough_for_the_wheel_and_has_a_card() -> None:
    assert sum(file.stat().st_size for file in PRETRAINED.iterdir()) <= CHECKPOINT_BYTES
    assert (PRETRAINED / "README.md").is_file()


def test_it_names_what_it_was_made_from() -> None:
    provenance = open_checkpoint(PRETRAINED).provenance
    assert {"data_digest", "dev_digest", "settings", "versions", "epochs"} <= provenance.keys()
    assert provenance["train_utterances"] == 9934
    assert "/" not in json.dumps(dict(provenance))


def test_its_score_on_dev_is_the_one_it_names(dev: list[Transcript], logits: np.ndarray) -> None:
    checkpoint = open_checkpoint(PRETRAINED)
    labels = checkpoint.settings.labels
    scores = score(gold_indices(dev, labels), logits, labels)
    assert scores.confusion.sum() == 1344
    assert 100 * scores.weighted_f1 >= 35
    # fused attention in training and explicit attention in use round differently
    assert 100 * scores.weighted_f1 == pytest.approx(
        checkpoint.provenance["dev_weighted_f1"], abs=0.5
    )


def test_bfloat16_labels_as_float32_does(dev: list[Transcript]) -> None:
    some = sorted(dev, key=len)[:2]  # where bfloat16 is emulated, it takes seconds for each dozen
    exact, quick = (
        predict(load_model(open_checkpoint(PRETRAINED)).for_inference(precision=precision), some)
        for precision in Precision
    )
    assert (exact != quick).any()
    agreement = np.mean(exact.argmax(axis=1) == quick.argmax(axis=1))
    assert agreement >= 0.995


def _read(path: Path) -> list[Transcript]:
    return read_transcripts([str(path)], ReadOptions(corpus="emorynlp"))
