"""Fine-tuning on the corrections of one annotator: F1 before and after, on other dialogues.

    python benchmarks/corrections.py emorynlp/emotion-detection-dev.json

200 lines are drawn at random from half of the dialogues, and 500 of the other half are scored.
Annotators:

    gold      says what the data set says
    biased    hears no power and no peace: Powerful is Mad, Peaceful is Neutral to them; and every
              question is Scared

Each is learned from as a sample, and as corrections that were picked by hand: of 200 lines that the
model has wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.transcripts import read_transcripts
from model.checkpoint import PRETRAINED, load_model, open_checkpoint
from model.dataset import gold_indices
from model.errors import ModelError
from model.evaluation.calibration import log_likelihood
from model.evaluation.class_priors import fit_with_labels
from model.evaluation.scores import predict, score
from model.training.fine_tuning import fine_tune, lines_to_learn

REPEATS, CORRECTED, SCORED = 4, 200, 500

_BIAS = {"Powerful": "Mad", "Peaceful": "Neutral"}


def main() -> None:
    """Reads the data with the checkpoint that ships, and prints the table."""
    parser = argparse.ArgumentParser(description="Fine-tuning on corrections")
    parser.add_argument("data", help="with gold labels, which the checkpoint was not trained on")
    flags = parser.parse_args()
    model = load_model(open_checkpoint(PRETRAINED)).for_inference()
    data = read_transcripts([flags.data], ReadOptions(corpus="data"))
    states = model.context_states(data).float().cpu().numpy()
    logits = predict(model, data).astype(np.float64)
    dialogues = [f"{one.episode} {name}" for one in data for name in one.dialogues]
    texts = [text for one in data for text in one.texts]
    gold = gold_indices(data, model.settings.labels)
    show(states, logits, gold, dialogues, texts, model.settings.labels)


def show(
    states: np.ndarray,
    logits: np.ndarray,
    gold: np.ndarray,
    dialogues: list[str],
    texts: list[str],
    labels: tuple[str, ...],
) -> None:
    """Prints a row an annotator and way of correcting.

    Args:
      states: c_t, (lines, d) float32.
      logits: (lines, classes) float64.
      gold: (lines,) int64.
      dialogues: of each line.
      texts: of each line.
      labels: the classes.
    """
    number = {label: at for at, label in enumerate(labels)}
    biased = np.array([number[_BIAS.get(labels[one], labels[one])] for one in gold])
    biased[[text.rstrip().endswith("?") for text in texts]] = number["Scared"]
    print("| annotator | corrections | command | weighted F1 before | after | log loss | after |")
    print("|---|---|---|---|---|---|---|")
    codes = np.unique(dialogues, return_inverse=True)[1]
    for name, said in (("gold", gold), ("biased", biased)):
        for picked in (False, True):
            for way, learn in (("calibrate", _calibrated), ("train", _tuned)):
                if not (picked and way == "calibrate"):
                    _row(name, picked, way, learn, states, logits, said, codes, labels)


def _row(
    name: str,
    picked: bool,
    way: str,
    learn: Callable[..., np.ndarray],
    states: np.ndarray,
    logits: np.ndarray,
    said: np.ndarray,
    codes: np.ndarray,
    labels: tuple[str, ...],
) -> None:
    results = []
    for repeat in range(REPEATS):
        random = np.random.default_rng(repeat)
        # half of the dialogues are corrected in, the others scored
        learned = np.isin(codes, random.permutation(codes.max() + 1)[: (codes.max() + 1) // 2])
        may = learned & (logits.argmax(axis=1) != said) if picked else learned
        chosen = random.choice(np.flatnonzero(may), min(CORRECTED, may.sum()), replace=False)
        scored = random.choice(np.flatnonzero(~learned), SCORED, replace=False)
        after = learn(states, logits, said, codes, chosen, picked)[scored]
        before = logits[scored]
        results.append([
            *(100 * score(said[scored], one, labels).weighted_f1 for one in (before, after)),
            *(-log_likelihood(one, said[scored]) for one in (before, after)),
        ])  # fmt: skip
    mean, spread = np.mean(results, axis=0), np.std(results, axis=0, ddof=1)
    cells = [f"{mean[at]:.{d}f} ({spread[at]:.{d}f})" for at, d in enumerate((1, 1, 3, 3))]
    how = "picked by hand" if picked else "a sample"
    print(f"| {' | '.join([name, how, way, *cells])} |", flush=True)


def _tuned(
    states: np.ndarray,
    logits: np.ndarray,
    said: np.ndarray,
    codes: np.ndarray,
    chosen: np.ndarray,
    picked: bool,
) -> np.ndarray:
    """Logits of all lines after fine-tuning, or as they were where nothing is learned."""
    known = np.full(len(said), -1)
    known[chosen] = said[chosen]
    inside = np.isin(codes, codes[chosen])
    weights = None if picked else np.ones(int(inside.sum()))
    lines = lines_to_learn(states[inside], logits[inside], known[inside], weights, codes[inside])
    try:
        return fine_tune(lines).applied(states, logits)
    except ModelError:
        return logits


def _calibrated(
    states: np.ndarray,
    logits: np.ndarray,
    said: np.ndarray,
    codes: np.ndarray,
    chosen: np.ndarray,
    picked: bool,
) -> np.ndarray:
    """Logits of all lines after a calibration on the chosen ones."""
    return fit_with_labels(logits[chosen], said[chosen], np.ones(len(chosen))).shifted(logits)


if __name__ == "__main__":
    main()
