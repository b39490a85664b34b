"""`emonet train OUT --corrections FILE`: the checkpoint that labelled OUT learns from a person."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from beam_pipeline.records import EmonetError
from emonet.cli.console import stdout
from emonet.cli.shared_flags import checkpoint_that_labelled

if TYPE_CHECKING:
    from emonet.corrections import Corrections
    from emonet.emotions import Emotions
    from model.checkpoint import Checkpoint
    from model.training.fine_tuning import Lines, Tuned

_OF_A_TRAINING = (
    "dev", "auxiliary_data", "settings", "seed", "epochs", "oof_folds", "oof_logits",
    "teacher_logits",
)  # fmt: skip


def fine_tune_output(flags: argparse.Namespace) -> int:
    """Fine-tunes a checkpoint."""
    import emonet
    from beam_pipeline.output.existing import check_output
    from emonet.corrections import read_corrections
    from emonet.emotions import read_emotions
    from model.checkpoint import SUMS, load_model, open_checkpoint, save_checkpoint
    from model.training.card import write_card
    from model.training.fine_tuning import apply_to, fine_tune

    _check(flags)
    (output,) = flags.inputs
    check_output(output)
    folder = Path(flags.output)
    if (folder / SUMS).exists():
        raise EmonetError(f"{folder}: holds a checkpoint already; give another --output")
    corpus = emonet.open_corpus(output)
    checkpoint = checkpoint_that_labelled(corpus, flags)
    emotions = read_emotions(corpus)
    found = read_corrections(flags.corrections, emotions)
    lines = _lines(checkpoint, emotions, found)
    tuned = fine_tune(lines)
    model = load_model(checkpoint)
    apply_to(model, tuned)
    about = {
        "model_id": checkpoint.model_id,
        "corrections_sha256": hashlib.sha256(Path(flags.corrections).read_bytes()).hexdigest(),
        "sample": found.strata is not None,
        **_scores(lines, tuned, emotions.labels),
    }
    save_checkpoint(folder, model, {**checkpoint.provenance, "fine_tuned": about})
    write_card(open_checkpoint(folder, encoder=flags.encoder), folder)
    stdout.print(
        f"checkpoint: {folder}, from {about['lines']:,} corrected lines; by cross-validation their "
        f"weighted F1 was {about['weighted_f1_before']:.1f} and is {about['weighted_f1']:.1f}, and "
        f"what a person says is {about['nats_likelier']:+.3f} nats likelier"
    )
    return 0


def _check(flags: argparse.Namespace) -> None:
    given = [name for name in _OF_A_TRAINING if getattr(flags, name) is not None]
    if given:
        flag = given[0].replace("_", "-")
        raise EmonetError(f"--{flag}: is for a training from the start, and not for --corrections")
    if len(flags.inputs) != 1:
        raise EmonetError("--corrections: give the one output that they are of")


def _lines(checkpoint: Checkpoint, emotions: Emotions, found: Corrections) -> Lines:
    """The lines of all dialogues with corrections, read once more by the checkpoint."""
    from emonet.cli.progress import step_progress
    from model.checkpoint import load_model
    from model.dataset import Transcript
    from model.training.fine_tuning import lines_to_learn

    codes = emotions.codes("episode_id", "dialogue_id")[0]
    wanted = np.isin(codes, codes[found.places])
    gold, weights = np.full(len(emotions), -1), np.ones(len(emotions))
    gold[found.places], weights[found.places] = found.gold, found.weights
    model = load_model(checkpoint).for_inference()
    states = np.zeros((int(wanted.sum()), model.context.width), np.float32)
    inside, done = codes[wanted], 0
    with step_progress("reading dialogues") as progress:
        for code in np.unique(inside):
            rows = emotions.rows.filter(pa.array(codes == code)).to_pydict()
            dialogue = Transcript(
                rows["episode_id"][0], (0,), rows["text"], rows["speaker_name"],
                rows["speaker_id"], rows["dialogue_id"], [None] * len(rows["text"]),
            )  # fmt: skip
            states[inside == code] = model.context_states([dialogue]).float().cpu().numpy()
            progress.advance(done := done + len(dialogue), len(states))
    logits = np.log(np.maximum(emotions.probabilities[wanted].astype(np.float64), 1e-12))
    sample = None if found.strata is None else weights[wanted]
    return lines_to_learn(states, logits, gold[wanted], sample, inside)


def _scores(lines: Lines, tuned: Tuned, labels: Sequence[str]) -> dict[str, Any]:
    """How well held-out corrections are met, before and after."""
    from model.evaluation.scores import score

    own = lines.corrected
    gold = lines.targets[own].argmax(axis=1)
    before, after = (score(gold, one[own], labels) for one in (lines.logits, tuned.held_out))
    return {
        "lines": int(own.sum()),
        "labels": {label: int(n) for label, n in zip(labels, after.support, strict=True)},
        "penalty": tuned.penalty,
        "nats_likelier": tuned.gain,
        "weighted_f1_before": 100 * before.weighted_f1,
        "weighted_f1": 100 * after.weighted_f1,
        "f1": dict(zip(labels, (100 * after.f1).tolist(), strict=True)),
    }
