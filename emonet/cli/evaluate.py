"""`emonet evaluate`: a checkpoint's scores on labelled data, as tables, JSON and a picture."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from emonet.cli.commands import checkpoint_of
from emonet.cli.options import check_writable, name_pairs, read_options, written


def evaluate(flags: argparse.Namespace, rest: list[str]) -> int:
    """Scores a checkpoint."""
    names = dict(name_pairs("--labels", "THEIRS=OURS", flags.labels))
    reading = read_options(flags)
    if flags.plot:
        from emonet.cli.plots import check_picture

        check_picture(flags.plot)
        check_writable("--plot", flags.plot)

    from beam_pipeline.transcripts import read_transcripts, renamed_labels
    from emonet.cli import console
    from emonet.cli.json_output import print_json
    from model.checkpoint import load_model
    from model.evaluation.scores import evaluate as evaluate_model
    from model.evaluation.scores import other_episodes

    data, left_out = read_transcripts(flags.inputs, reading), 0
    if names:
        data, left_out = renamed_labels(data, names)
    given = read_transcripts(flags.history, reading, gold=False) if flags.history else []
    remembered = other_episodes(given, data)
    checkpoint = checkpoint_of(flags)
    model = load_model(checkpoint).for_inference()
    utterances, done = sum(map(len, data)), 0

    with console.step_progress("evaluating") as progress:

        def count(more: int) -> None:
            nonlocal done
            done += more
            progress.advance(done, utterances)

        scores = evaluate_model(
            model, data, history=remembered, among=names.values() or None, advance=count
        )
    further, same = sum(map(len, remembered)), len(given) - len(remembered)
    title = (
        f"{', '.join(flags.inputs)}: {len(data)} episodes, {utterances:,} utterances; history: "
        + (f"{further:,} further utterances" if further else "the set's own earlier episodes alone")
        + (f" ({same} episodes of --history are in the set and left out)" if same else "")
    )
    if flags.json:
        print_json(
            {
                "data": flags.inputs,
                "episodes": len(data),
                "history": flags.history or [],
                "history_utterances": further,
                "labels": names,
                "left_out": left_out,
                "model_id": checkpoint.model_id,
                "precision": model.precision,
                **scores.as_json(),
            }
        )
    else:
        console.show_scores(scores, f"{title}{_told(names, left_out)}")
    if flags.plot:
        from emonet.cli.plots import reliability_plot

        with written("--plot", flags.plot):
            reliability_plot(scores.reliability, Path(flags.plot))
    return 0


def _told(names: Mapping[str, str], left_out: int) -> str:
    """A line on what became of another set's labels; nothing without any."""
    if not names:
        return ""
    pairs = ", ".join(f"{theirs}={ours}" for theirs, ours in names.items())
    among = f"chosen among these {len(set(names.values()))} alone, for no gold label can be another"
    return f"\nlabels: {pairs}; {among}; {left_out:,} utterances with other labels are left out"
