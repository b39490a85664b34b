"""Every command that loads a model, in each precision, on any processor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from made_up_corpora import episode, labels_of, write_jsonl, write_season
from torch import nn

from beam_pipeline.output.manifest import read_manifests
from beam_pipeline.stages.model_cache import ModelSource
from emonet.__main__ import main
from model.checkpoint import Checkpoint, open_checkpoint
from model.encoders.references import EncoderReference
from model.network.inference import PreparedLinear
from model.network.precision import VARIABLE, Precision

Caught = pytest.CaptureFixture[str]
Seen = set[torch.dtype]


@pytest.fixture
def seen() -> Iterator[Seen]:
    """In what the layers of encoders have multiplied, in all threads of this process."""
    found: Seen = set()

    def look(module: nn.Module, inputs: object, output: object) -> None:
        # the small encoders have maps of these sizes, and nothing else has
        sizes = isinstance(module, nn.Linear) and {module.in_features, module.out_features}
        if isinstance(module, PreparedLinear) or (sizes and sizes <= {32, 64}):
            assert isinstance(output, torch.Tensor)
            found.add(output.dtype)

    hook = nn.modules.module.register_module_forward_hook(look)
    yield found
    hook.remove()


def assert_all_in(precision: str, seen: Seen) -> None:
    assert {str(dtype) for dtype in seen} == {f"torch.{precision}"}
    seen.clear()


SIZES = """
epochs = 1
window_tokens = 128
trained_layers = 1
utterance_encoder_layers = 1
"""


@pytest.fixture
def sets(tmp_path: Path) -> list[str]:
    """Training set, dev and auxiliary data: small episodes, a file each."""
    numbers = {"trn": range(1, 5), "dev": range(5, 7), "other": range(1, 3)}
    return [
        str(
            write_jsonl(
                tmp_path / f"{name}.jsonl",
                (
                    row
                    for number in numbers[name]
                    for row in episode(number, 6, show="Pier" if name == "other" else "Quay")
                ),
            )
        )
        for name in numbers
    ]


def test_training_evaluation_labelling_and_a_new_memory(
    precision: str,
    seen: Seen,
    sets: list[str],
    small_bert: EncoderReference,
    tmp_path: Path,
    capsys: Caught,
) -> None:
    data, dev, other = sets
    checkpoint, output = str(tmp_path / "checkpoint"), str(tmp_path / "out")
    settings = tmp_path / "settings.toml"
    settings.write_text(SIZES)
    flags = ["--dev", dev, "--auxiliary-data", other, "--output", checkpoint]
    flags += ["--encoder", small_bert.name, "--settings", str(settings), "--oof-folds", "2"]
    assert main(["train", data, *flags]) == 0
    begun = [line for line in capsys.readouterr().out.splitlines() if line.startswith("training")]
    parts = [
        "fold 1 of 2",
        "fold 2 of 2",
        "context",
        "utterance-only classifier",
        "speaker encoder",
    ]
    assert begun == [f"training: {part}" for part in parts]
    assert_all_in(precision, seen)
    assert open_checkpoint(Path(checkpoint)).provenance["precision"] == precision

    capsys.readouterr()
    flags = ["--history", data, "--json", "--checkpoint", checkpoint]
    assert main(["evaluate", dev, *flags]) == 0
    assert json.loads(capsys.readouterr().out)["precision"] == precision
    assert_all_in(precision, seen)

    flags = ["--output", output, "--checkpoint", checkpoint, "--any-language"]
    assert main(["label", dev, *flags]) == 0
    manifest = read_manifests(output)["0"]
    assert manifest["precision"] == precision
    assert labels_of(Path(output), manifest).num_rows == 12
    assert_all_in(precision, seen)

    assert main(["rebuild-memory", output, "--checkpoint", checkpoint]) == 0
    assert_all_in(precision, seen)


SUITE = f"""
[[variant]]
name = "what ships"
auxiliary = true
{SIZES}
"""


def test_a_variant_of_an_ablation(
    precision: str, seen: Seen, sets: list[str], small_bert: EncoderReference, tmp_path: Path
) -> None:
    data, dev, other = sets
    (tmp_path / "suite.toml").write_text(SUITE)
    flags = ["--dev", dev, "--auxiliary-data", other, "--output", str(tmp_path / "suite")]
    flags += ["--encoder", small_bert.name, "--suite", str(tmp_path / "suite.toml")]
    assert main(["ablate", data, *flags]) == 0
    (variant,) = json.loads((tmp_path / "suite" / "suite.json").read_text())["variants"]
    assert np.isfinite(variant["weighted_f1"]).all()
    assert_all_in(precision, seen)


@pytest.mark.usefixtures("precision")
def test_workers_compute_in_the_precision_of_the_job_whatever_theirs_would_be(
    tiny_checkpoint: Checkpoint,
) -> None:
    for forced in Precision:
        model = ModelSource(str(tiny_checkpoint.folder), None, forced).load()
        assert model.precision is forced


@pytest.mark.parametrize("command", ["label", "evaluate"])
def test_a_precision_that_there_is_not_is_told_in_one_sentence(
    command: str,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Caught,
) -> None:
    monkeypatch.setenv(VARIABLE, "half")
    season = str(write_season(tmp_path / "quay", (1,)))
    flags = ["--output", str(tmp_path / "out")] if command == "label" else []
    assert main([command, season, *flags, "--checkpoint", str(tiny_checkpoint.folder)]) == 1
    told = f"emonet {command}: {VARIABLE} is 'half', expected float32 or bfloat16\n"
    assert capsys.readouterr().err == told
    assert not (tmp_path / "out").exists()
