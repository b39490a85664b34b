"""Calibration for a foreign label habit: how much labelled samples of it help, and none.

    python benchmarks/calibration.py meld/train_sent_emo.csv --dev meld/dev_sent_emo.csv \
        --labels joy=Joyful,anger=Mad,fear=Scared,sadness=Sad,neutral=Neutral --every 8

Samples are drawn at random from the training set, scores are those of dev. The table is printed in
Markdown.
"""

from __future__ import annotations

import argparse

import numpy as np

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.transcripts import read_transcripts, renamed_labels
from emonet.cli.options import name_pairs
from model.checkpoint import PRETRAINED, load_model, open_checkpoint
from model.dataset import gold_indices
from model.evaluation.calibration import log_likelihood, probabilities
from model.evaluation.class_priors import fit_with_labels, fit_without_labels
from model.evaluation.scores import predict, score

REPEATS = 20
SIZES = (50, 100, 300)

Read = tuple[np.ndarray, np.ndarray]
"""Logits, (lines, classes) float32, and labels, (lines,) int64 with -1 for none."""


def main() -> None:
    """Reads both sets with the checkpoint that ships, and prints the table."""
    parser = argparse.ArgumentParser(description="Calibration for a foreign label habit")
    parser.add_argument("pool", help="where samples are drawn from")
    parser.add_argument("--dev", required=True, help="what is scored")
    parser.add_argument("--own", help="data of the habit that the checkpoint knows, for the EM")
    parser.add_argument("--labels", required=True, help="THEIRS=OURS,..")
    parser.add_argument("--every", type=int, default=1, help="read every k-th episode of the pool")
    flags = parser.parse_args()
    model = load_model(open_checkpoint(PRETRAINED)).for_inference()
    names = dict(name_pairs("--labels", "THEIRS=OURS", flags.labels))

    def read(path: str, every: int = 1, *, foreign: bool = True) -> Read:
        data = read_transcripts([path], ReadOptions(corpus="data"))[::every]
        if foreign:
            data, _ = renamed_labels(data, names)
        return predict(model, data), gold_indices(data, model.settings.labels)

    own = probabilities(read(flags.own, foreign=False)[0]).mean(axis=0) if flags.own else None
    show(read(flags.pool, flags.every), read(flags.dev), own, model.settings.labels)


def show(pool: Read, dev: Read, own: np.ndarray | None, labels: tuple[str, ...]) -> None:
    """Prints a row a way of calibration, means over the repeats with the standard deviation.

    Args:
      pool: where samples are drawn from.
      dev: what is scored.
      own: what the model expects of its own kind of text, for EM; None for no such row.
      labels: the classes.
    """
    print("| sample | accuracy | weighted F1 | macro F1 | ECE | log loss |")
    print("|---|---|---|---|---|---|")
    logits, gold = dev
    _row("none", [logits], gold, labels)
    if own is not None:
        everything = np.concatenate([pool[0], logits]).astype(np.float64)
        _row("none, EM", [fit_without_labels(everything, own).shifted(logits)], gold, labels)
    known = np.flatnonzero(pool[1] >= 0)
    lines, said = pool[0].astype(np.float64), pool[1]
    for size in SIZES:
        fits = []
        for repeat in range(REPEATS):
            drawn = np.random.default_rng(repeat).choice(known, size, replace=False)
            fits.append(fit_with_labels(lines[drawn], said[drawn], np.ones(size)))
        _row(f"{size} lines", [fit.shifted(logits) for fit in fits], gold, labels)
    every = fit_with_labels(lines[known], said[known], np.ones(len(known)))
    _row(f"{len(known):,} lines", [every.shifted(logits)], gold, labels)


def _row(
    name: str, calibrated: list[np.ndarray], gold: np.ndarray, labels: tuple[str, ...]
) -> None:
    rows = []
    for logits in calibrated:
        one = score(gold, logits, labels)
        # of the classes that occur: the others have no F1
        macro = float(one.f1[one.support > 0].mean())
        percents = (one.accuracy, one.weighted_f1, macro, one.reliability.error)
        rows.append([*(100 * value for value in percents), -log_likelihood(logits, gold)])
    cells = []
    for column, digits in zip(np.array(rows).T, (1, 1, 1, 1, 3), strict=True):
        spread = f" ({column.std(ddof=1):.{digits}f})" if len(column) > 1 else ""
        cells.append(f"{column.mean():.{digits}f}{spread}")
    print(f"| {' | '.join([name, *cells])} |")


if __name__ == "__main__":
    main()
