"""Averages out-of-fold logits of one training set, by models of several kinds.

python infra/checkpoint/mean_logits.py trn.json ONE.safetensors OTHER.safetensors --output MEAN
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.transcripts import read_transcripts
from model.dataset import label_set
from model.training.cross_fitting import load_oof_logits, save_oof_logits


def main() -> None:
    """Writes the mean."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", metavar="TRN.json")
    parser.add_argument("logits", type=Path, nargs="+", metavar="FILE.safetensors")
    parser.add_argument("--output", type=Path, required=True, metavar="MEAN")
    flags = parser.parse_args()
    train = read_transcripts([flags.data], ReadOptions(corpus="data"))
    labels = label_set(train)
    parts = [load_oof_logits(path, train, labels) for path in flags.logits]
    mean = np.asarray(np.mean(parts, axis=0), dtype=np.float32)
    save_oof_logits(flags.output, mean, train, labels)


if __name__ == "__main__":
    main()
