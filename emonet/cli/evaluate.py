"""`emonet evaluate`: a checkpoint's scores on labelled data, as tables, JSON and a picture."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from beam_pipeline.corpus.folders import escaped
from emonet.cli.against import evaluate_output
from emonet.cli.options import check_writable, name_pairs, read_options, written
from emonet.cli.shared_flags import (
    Commands,
    add_calibration_flag,
    add_checkpoint_flags,
    add_json_flag,
    checkpoint_of,
    input_command,
)
from emonet.cli.waiting import waiting

if TYPE_CHECKING:
    from model.dataset import Transcript
    from model.evaluation.scores import Scores
    from model.network.emonet import EmoNet


def add_to(commands: Commands) -> None:
    """Enters the command with its flags."""
    parser = input_command(
        commands,
        "evaluate",
        evaluate,
        "score a checkpoint",
        "emonet evaluate dev.json --history trn.json --json > scores.json",
    )
    parser.set_defaults(loads_model=True, corpus="data", interrupted="nothing was scored")
    add = parser.add_argument
    add("--history", nargs="+", type=escaped, metavar="DATA", help="more of these speakers")
    add_json_flag(parser)
    add("--plot", metavar="FILE", help="draw how sure and how right: .png or .svg")
    add("--labels", metavar="THEIRS=OURS,..",
        help="of data with other labels; the rest is left out")  # fmt: skip
    add("--against", metavar="FILE", help="score OUT itself on a sample or corrections of it")
    add_checkpoint_flags(parser)
    add_calibration_flag(parser)


def evaluate(flags: argparse.Namespace, rest: list[str]) -> int:
    """Scores a checkpoint, or the labels of an output."""
    if flags.against:
        return evaluate_output(flags)
    names = dict(name_pairs("--labels", "THEIRS=OURS", flags.labels))
    reading = read_options(flags)
    if flags.plot:
        _check_plot(flags.plot)

    with waiting("loading the model"):
        from beam_pipeline.transcripts import read_transcripts, renamed_labels
        from emonet.cli import console, json_output
        from model.checkpoint import load_model
        from model.evaluation.scores import other_episodes

    data, left_out = read_transcripts(flags.inputs, reading), 0
    if names:
        data, left_out = renamed_labels(data, names)
    given = read_transcripts(flags.history, reading, gold=False) if flags.history else []
    history = other_episodes(given, data)
    checkpoint = checkpoint_of(flags)
    model = load_model(checkpoint).for_inference()
    scores = _scores(model, data, history, names)
    further, same = sum(map(len, history)), len(given) - len(history)
    if flags.json:
        about = {
            "data": flags.inputs,
            "episodes": len(data),
            "history": flags.history or [],
            "history_utterances": further,
            "labels": names,
            "left_out": left_out,
            "model_id": checkpoint.model_id,
            "calibration": checkpoint.label_shift and checkpoint.label_shift.sha256,
            "precision": model.precision,
        }
        json_output.print_json({**about, **scores.as_json()})
    else:
        title = f"{', '.join(flags.inputs)}: {_title(data, further, same)}"
        console.show_scores(scores, f"{title}{_renaming(names, left_out)}")
    if flags.plot:
        _plot(scores, flags.plot)
    return 0


def _check_plot(path: str) -> None:
    """Refuses a picture that could not be drawn, before the work."""
    from emonet.cli.plots import check_picture

    check_picture(path)
    check_writable("--plot", path)


def _plot(scores: Scores, path: str) -> None:
    from emonet.cli.plots import reliability_plot

    with written("--plot", path):
        reliability_plot(scores.reliability, Path(path))


def _scores(
    model: EmoNet,
    data: Sequence[Transcript],
    history: Sequence[Transcript],
    names: Mapping[str, str],
) -> Scores:
    """The scores, with a bar while they are computed."""
    from emonet.cli.progress import step_progress
    from model.evaluation.scores import evaluate as evaluate_model

    utterances, done = sum(map(len, data)), 0
    with step_progress("evaluating") as progress:

        def count(more: int) -> None:
            nonlocal done
            done += more
            progress.advance(done, utterances)

        return evaluate_model(
            model, data, history=history, among=names.values() or None, advance=count
        )


def _title(data: Sequence[Transcript], further: int, same: int) -> str:
    """How much is scored, with how many further utterances, and how many episodes of these not."""
    return (
        f"{len(data)} episodes, {sum(map(len, data)):,} utterances; history: "
        + (f"{further:,} further utterances" if further else "the set's own earlier episodes alone")
        + (f" ({same} episodes of --history are in the set and left out)" if same else "")
    )


def _renaming(names: Mapping[str, str], left_out: int) -> str:
    """A line on what became of another set's labels; nothing without any."""
    if not names:
        return ""
    pairs = ", ".join(f"{theirs}={ours}" for theirs, ours in names.items())
    among = f"chosen among these {len(set(names.values()))} alone, for no gold label can be another"
    return f"\nlabels: {pairs}; {among}; {left_out:,} utterances with other labels are left out"
