"""`emonet evaluate OUT --against FILE`: how good labels are, by what a person says of some."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from rich.table import Table

from beam_pipeline.records import EmonetError

if TYPE_CHECKING:
    from model.evaluation.stratified import SampleScores

_NO_SAMPLE = (
    "the file has no strata and weights, so its lines were picked by hand: the scores are theirs "
    "alone, and no estimate for the corpus; `emonet sample` draws lines that give one"
)


def evaluate_output(flags: argparse.Namespace) -> int:
    """Scores the labels of an output."""
    import numpy as np

    import emonet
    from beam_pipeline.output.existing import check_output
    from emonet.cli import json_output
    from emonet.cli.console import stdout
    from emonet.corrections import read_corrections
    from emonet.emotions import read_emotions
    from model.evaluation.stratified import sample_scores

    if len(flags.inputs) != 1:
        raise EmonetError("--against: give one output, as in `emonet evaluate OUT --against FILE`")
    (output,) = flags.inputs
    check_output(output)
    emotions = read_emotions(emonet.open_corpus(output))
    found = read_corrections(flags.against, emotions)
    strata, sizes = found.strata, found.sizes
    if strata is None:
        strata, sizes = np.zeros(len(found.places), np.int64), np.array([float(len(found.places))])
    predicted = emotions.chosen[found.places]
    scores = sample_scores(found.gold, predicted, strata, sizes, emotions.labels)
    if flags.json:
        about = {"output": output, "against": flags.against, "utterances": len(emotions)}
        json_output.print_json({**about, "sample": found.strata is not None, **scores.as_json()})
        return 0
    stdout.print(f"{output}: {scores.lines:,} of {len(emotions):,} utterances are labelled")
    if found.strata is None:
        stdout.print(_NO_SAMPLE)
    for table in _tables(scores):
        stdout.print(table)
    return 0


def _tables(scores: SampleScores) -> tuple[Table, Table]:
    """Scores with their intervals, and the confusion matrix of the corpus."""
    table = Table("", "percent", "95 % interval", "of all")
    rows: dict[str, Any] = {
        "accuracy": scores.scores["accuracy"],
        "weighted F1": scores.scores["weighted_f1"],
        "macro F1": scores.scores["macro_f1"],
        **{f"F1 {label}": one for label, one in scores.f1.items()},
    }
    support = scores.confusion.sum(axis=1) / scores.confusion.sum()
    shares = ["", "", "", *(f"{share:.1%}" for share in support)]
    for (name, one), share in zip(rows.items(), shares, strict=True):
        interval = f"{100 * one.low:.1f} to {100 * one.high:.1f}"
        table.add_row(name, f"{100 * one.value:.1f}", interval, share)
    confusion = Table("a person \\ labelled", *scores.labels)
    for label, row in zip(scores.labels, scores.confusion, strict=True):
        confusion.add_row(label, *(f"{count:,.0f}" for count in row))
    return table, confusion
