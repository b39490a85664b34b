"""Two kinds of contexts held against each other over a whole training set.

python benchmarks/folds.py emotion-detection-trn.json ONE/oof_logits.safetensors OTHER/oof_logits...

The latter are made by `emonet train` and `emonet ablate`: logits of the training set by contexts
that were not trained on the episode. It has seven times as many utterances
as dev, so it tells apart what dev cannot. Printed are weighted F1 and log loss of each side (nats
an utterance, at the temperature that makes it least), and the difference with the 95% interval of
a paired bootstrap over dialogues.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.transcripts import read_transcripts
from model.ablation.comparison import dialogue_confusions, difference, paired_interval
from model.dataset import gold_indices, label_set
from model.evaluation.calibration import fit_temperature, log_likelihoods
from model.evaluation.scores import weighted_f1
from model.training.cross_fitting import load_oof_logits


def main(data_file: str, one: str, other: str) -> None:
    """Prints both sides and their difference."""
    data = read_transcripts([data_file], ReadOptions(corpus="data"))
    data = sorted(data, key=lambda transcript: transcript.place)
    labels = label_set(data)
    gold = gold_indices(data, labels)
    known = gold >= 0
    gold = gold[known]
    dialogues = np.array([f"{t.episode}/{dialogue}" for t in data for dialogue in t.dialogues])
    dialogues = dialogues[known]
    _, number = np.unique(dialogues, return_inverse=True)
    counts, lost = [], []
    for path in (one, other):
        logits = load_oof_logits(Path(path), data, labels)[known]
        counts.append(
            dialogue_confusions(gold, logits.argmax(axis=1), dialogues.tolist(), len(labels))[None]
        )
        lost.append(-log_likelihoods(logits / fit_temperature(logits, gold), gold))
        f1 = 100 * float(weighted_f1(counts[-1][0].sum(axis=0)))
        print(f"{path}: weighted F1 {f1:.2f}, log loss {lost[-1].mean():.4f}")
    spoken, gained = np.bincount(number), np.bincount(number, lost[1] - lost[0])
    f1_gap = difference(counts[0], counts[1])
    gap = paired_interval(lambda drawn: (drawn @ gained / (drawn @ spoken))[:, None] / 100,
        dialogues=len(spoken))  # fmt: skip
    print(f"weighted F1: {f1_gap.mean:+.2f} ({f1_gap.low:+.2f} to {f1_gap.high:+.2f})")
    print(f"likelier by {gap.mean:+.4f} nats ({gap.low:+.4f} to {gap.high:+.4f})")


if __name__ == "__main__":
    main(*sys.argv[1:])
