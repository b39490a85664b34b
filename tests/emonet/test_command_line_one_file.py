from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from small_models import LABELS, WORDS

from emonet.__main__ import main
from model.checkpoint import open_checkpoint
from model.encoders.references import EncoderReference


def test_one_csv_is_trained_on_without_a_word_about_dev_or_folds(
    small_bert: EncoderReference, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    with (tmp_path / "lines.csv").open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(["dialogue", "speaker", "text", "label"])
        for line in range(80):
            text = " ".join(random.choice(WORDS, 4))
            write.writerow([line // 4, "Ann", text, LABELS[line % len(LABELS)]])
    sizes = "window_tokens = 64\nturn_tokens = 16\ntrained_layers = 1\nepochs = 1\nhistory = 0\n"
    (tmp_path / "small.toml").write_text(f"{sizes}utterance_encoder_layers = 0\noof_folds = 2\n")
    flags = ["--output", str(tmp_path / "made"), "--settings", str(tmp_path / "small.toml")]
    assert main(["train", str(tmp_path / "lines.csv"), *flags, "--encoder", small_bert.name]) == 0
    held, few, *_ = capsys.readouterr().out.splitlines()
    assert held == "no --dev: every tenth of the 20 dialogues is held out, 8 utterances"
    assert few.startswith("fewer than 50 utterances of joy ")
    provenance = open_checkpoint(tmp_path / "made").provenance
    assert (provenance["train_utterances"], provenance["dev_utterances"]) == (72, 8)
