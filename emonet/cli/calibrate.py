"""`emonet calibrate`: class priors and a temperature for a corpus -> a file for `--calibration`."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beam_pipeline.records import EmonetError
from emonet.cli.options import check_writable, name_pairs, read_options, written
from emonet.cli.shared_flags import Commands, add_checkpoint_flags, checkpoint_of, input_command
from emonet.cli.waiting import waiting

if TYPE_CHECKING:
    import numpy as np

    from model.evaluation.class_priors import Fit

_LEAST = 20
"""Labelled lines: of fewer there is nothing to learn."""


@dataclasses.dataclass(frozen=True)
class _Lines:
    """What a calibration is fitted on.

    Attributes:
      model_id: of the checkpoint.
      labels: its classes.
      logits: of the checkpoint as it is, (lines, classes) float64.
      gold: (lines,) int64, -1 for none.
      weights: (lines,) float64.
    """

    model_id: str
    labels: tuple[str, ...]
    logits: np.ndarray
    gold: np.ndarray
    weights: np.ndarray


def add_to(commands: Commands) -> None:
    """Enters the command with its flags."""
    parser = input_command(
        commands,
        "calibrate",
        calibrate,
        "fit class priors and temperature to a corpus",
        "emonet calibrate labelled --on sample.csv --output calibration.json",
    )
    parser.usage = "emonet calibrate OUT|DATA... [--on SAMPLE] --output FILE [options]"
    parser.set_defaults(loads_model=True, corpus="data", interrupted="no file is written")
    add = parser.add_argument
    add("--on", metavar="FILE", help="labelled lines of OUT; without it, OUT has no labels")
    add("--output", required=True, metavar="FILE", help="for emonet label --calibration")
    add("--labels", metavar="THEIRS=OURS,..",
        help="of DATA with other labels; the rest is left out")  # fmt: skip
    add_checkpoint_flags(parser)


def calibrate(flags: argparse.Namespace, rest: Sequence[str]) -> int:
    """Fits a calibration."""
    check_writable("--output", flags.output)
    with waiting("loading the model"):
        from beam_pipeline.output.manifest import committed_nights
        from beam_pipeline.storage import storage_of

    is_output = len(flags.inputs) == 1 and not Path(flags.inputs[0]).is_file() and bool(
        committed_nights(storage_of(flags.inputs[0]))
    )  # fmt: skip
    if flags.on and not is_output:
        raise EmonetError("--on: its lines are those of an output; give that in place of DATA")
    lines = _of_output(flags) if is_output else _of_data(flags)
    fit, about = _fit(flags, lines)
    _write(Path(flags.output), lines, fit, about)
    _show(flags.output, lines.labels, fit, about)
    return 0


def _of_output(flags: argparse.Namespace) -> _Lines:
    """Lines of an output, with the labels of `--on`."""
    import numpy as np

    import emonet
    from emonet.corrections import read_corrections
    from emonet.emotions import read_emotions

    corpus = emonet.open_corpus(flags.inputs[0])
    model_id, used = corpus.labelled_by()
    emotions = read_emotions(corpus)
    logits = np.log(np.maximum(emotions.probabilities.astype(np.float64), 1e-12))
    if used:
        logits = used.undone(logits)
    gold, weights = np.full(len(emotions), -1), np.ones(len(emotions))
    if flags.on:
        found = read_corrections(flags.on, emotions)
        if found.strata is None:
            raise EmonetError(
                f"{flags.on}: has no strata and weights, so its lines were picked by hand, and "
                "say nothing of how often a label is; give lines that `emonet sample` drew"
            )
        gold[found.places], weights[found.places] = found.gold, found.weights
    return _Lines(model_id, emotions.labels, logits, gold, weights)


def _of_data(flags: argparse.Namespace) -> _Lines:
    """Lines of data, read by the model."""
    import numpy as np

    from beam_pipeline.transcripts import read_transcripts, renamed_labels
    from model.checkpoint import load_model
    from model.dataset import gold_indices
    from model.evaluation.scores import predict

    names = dict(name_pairs("--labels", "THEIRS=OURS", flags.labels))
    data = read_transcripts(flags.inputs, read_options(flags))
    if names:
        data, _ = renamed_labels(data, names)
    checkpoint = checkpoint_of(flags)
    gold = gold_indices(data, checkpoint.settings.labels)
    logits = predict(load_model(checkpoint).for_inference(), data).astype(np.float64)
    return _Lines(checkpoint.model_id, checkpoint.settings.labels, logits, gold, np.ones(len(gold)))


def _fit(flags: argparse.Namespace, lines: _Lines) -> tuple[Fit, dict[str, Any]]:
    """A fit by labels where there are any, else without; and how it was made."""
    from model.evaluation.class_priors import fit_with_labels, fit_without_labels, gain

    known = lines.gold >= 0
    if not known.any():
        own = _expected(flags, lines)
        return fit_without_labels(lines.logits, own), {"by": "EM", "lines": len(lines.gold)}
    if known.sum() < _LEAST:
        raise EmonetError(
            f"{int(known.sum())} labelled lines are too few; label {_LEAST} or more, better 100"
        )
    given = lines.logits[known], lines.gold[known], lines.weights[known]
    about: dict[str, Any] = {"by": "labels", "lines": int(known.sum())}
    about["nats_likelier"] = gain(*given)
    return fit_with_labels(*given), about


def _expected(flags: argparse.Namespace, lines: _Lines) -> np.ndarray:
    """What the checkpoint expects of text of its own kind, (classes,) float64."""
    import numpy as np

    checkpoint = checkpoint_of(flags)
    if checkpoint.model_id != lines.model_id:
        raise EmonetError(
            f"{flags.inputs[0]} was labelled by model {lines.model_id}; give its folder to "
            "--checkpoint"
        )
    priors = checkpoint.provenance.get("dev_priors")
    if not priors:
        raise EmonetError(
            f"no line has a label, and checkpoint {checkpoint.folder} does not record what it "
            "expects (dev_priors); label some lines and give them to --on"
        )
    return np.array(priors)


def _write(path: Path, lines: _Lines, fit: Fit, about: Mapping[str, Any]) -> None:
    from model.network.label_shift import LabelShift, write_label_shift

    shift = LabelShift(
        lines.model_id, lines.labels, tuple(map(float, fit.shift)), float(fit.temperature)
    )
    priors = dict(zip(lines.labels, map(float, fit.priors), strict=True))
    with written("--output", str(path)):
        write_label_shift(path, shift, {**about, "priors": priors})


def _show(path: str, labels: Sequence[str], fit: Fit, about: Mapping[str, Any]) -> None:
    from rich.table import Table

    from emonet.cli.console import stdout

    table = Table("label", "the model expects", "prior of the corpus", "shift, nats")
    for row in zip(labels, fit.own, fit.priors, fit.shift, strict=True):
        label, own, prior, shift = row
        table.add_row(label, f"{own:.1%}", f"{prior:.1%}", f"{shift:+.2f}")
    stdout.print(table)
    stdout.print(f"by {about['by']}, {about['lines']:,} lines; temperature {fit.temperature:.2f}")
    if about["by"] == "labels":
        likelier = about["nats_likelier"]
        advice = "" if likelier > 0 else "; label more lines, or use none"
        stdout.print(f"labels that it has not seen are {likelier:+.3f} nats likelier{advice}")
    else:
        stdout.print("without labels there is little to gain: docs/corrections.md")
    stdout.print(f"use it:  emonet label ... --calibration {path}")
