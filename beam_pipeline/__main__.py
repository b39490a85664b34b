"""The command line: `emonet label | train | evaluate`, and what looks after nights."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beam_pipeline.options import beam_options, corpus_name, duration, read_options

if TYPE_CHECKING:
    from model.artifact import Checkpoint


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
      The exit status: 0, 1 after an error, 2 for arguments that are off, 130 after Ctrl-C.
    """
    parser = _parser()
    flags, rest = parser.parse_known_args(arguments)
    if rest and flags.command != "label":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    _quieten(flags.verbose)
    told = sys.stderr
    try:
        return int(flags.run(flags, rest))
    except KeyboardInterrupt:
        print(f"emonet: interrupted, {flags.interrupted}", file=told)
        return 130
    except Exception as error:  # the one place where an error becomes a sentence
        from beam_pipeline.console import sentence_of

        if flags.verbose:
            traceback.print_exc()
        print(f"emonet {flags.command}: {sentence_of(error)}", file=sys.stderr)
        return 1


def label(flags: argparse.Namespace, rest: list[str]) -> int:
    """Labels a corpus."""
    flags.corpus = flags.corpus or corpus_name(flags.inputs)
    reading = read_options(flags)
    options = beam_options(rest)

    from beam_pipeline import console, nights
    from beam_pipeline.corpus.paths import expand_inputs
    from beam_pipeline.output.manifest import outdated_nights, read_manifests

    engine = nights.Engine(_checkpoint(flags), flags.encoder, options)
    due = [nights.Night(flags.night, tuple(expand_inputs(flags.inputs)), reading)]
    while due:
        night = due.pop()
        superseded = read_manifests(flags.output).get(night.name)
        begun = time.monotonic()
        with console.job_progress(), console.engine_muted(flags.verbose):
            manifest = nights.label_night(flags.output, night, engine)
        console.show_run(manifest, flags.output, time.monotonic() - begun, superseded)
        manifests = read_manifests(flags.output)
        outdated = list(outdated_nights(manifests))
        if flags.cascade:
            due = [nights.recorded_night(manifests[name]) for name in outdated[:1]]
    console.show_outdated(outdated)
    return 0


def verify(flags: argparse.Namespace, rest: list[str]) -> int:
    """Holds all manifests against the files."""
    from beam_pipeline.output.verify import verify as problems_of

    problems = 0
    for problem in problems_of(flags.output):
        problems += 1
        print(f"emonet verify: {problem}", file=sys.stderr)
    print(f"{flags.output}: {problems or 'no'} problem{'' if problems == 1 else 's'}")
    return 1 if problems else 0


def runs(flags: argparse.Namespace, rest: list[str]) -> int:
    """Lists nights, and runs that no night names."""
    from beam_pipeline import console
    from beam_pipeline.output.manifest import read_manifests
    from beam_pipeline.output.vacuum import unnamed_runs

    console.show_nights(read_manifests(flags.output))
    console.show_unnamed(unnamed_runs(flags.output))
    return 0


def vacuum(flags: argparse.Namespace, rest: list[str]) -> int:
    """Removes what no manifest names."""
    from beam_pipeline import console
    from beam_pipeline.output.vacuum import vacuum as remove_unnamed

    now = datetime.datetime.now(datetime.UTC)
    console.show_removed(remove_unnamed(flags.output, flags.older_than, now))
    return 0


def rebuild_memory(flags: argparse.Namespace, rest: list[str]) -> int:
    """Makes the speaker memory of all nights anew."""
    from beam_pipeline import console
    from beam_pipeline.nights import origin_of
    from beam_pipeline.rebuild import rebuild_memory as rebuild
    from model.artifact import load_model

    checkpoint = _checkpoint(flags)
    model = load_model(checkpoint).for_inference()
    for night, speakers in rebuild(flags.output, model, origin_of(checkpoint)):
        console.stdout.print(f"night {night}: memory of {speakers:,} speakers")
    return 0


def train(flags: argparse.Namespace, rest: list[str]) -> int:
    """Trains a checkpoint."""
    from beam_pipeline import console
    from beam_pipeline.transcripts import read_transcripts
    from model.dataset import label_set
    from model.emonet import Settings
    from model.encoder import DEFAULT_ENCODER, reference_to
    from model.evaluate import other_episodes
    from model.run import TrainingSettings
    from model.train import train as train_model

    reading = read_options(flags)
    data = read_transcripts(flags.inputs, reading)
    dev = read_transcripts(flags.dev, reading)
    settings = Settings(
        labels=label_set(data),
        tag=flags.tag,
        history=flags.remember,
        window_tokens=flags.window_tokens,
        window_turns=flags.window_turns,
        trained_layers=flags.trained_layers,
    )
    apart = len(other_episodes(dev, data))
    if apart < len(dev):
        shared = f"{len(dev) - apart} of the {len(dev)}"
        console.stdout.print(f"{shared} dev episodes are in part among the training data")
    chosen = {f.name: getattr(flags, f.name) for f in dataclasses.fields(TrainingSettings)}
    with console.step_progress("training") as progress:
        train_model(
            data,
            dev,
            settings=settings,
            training=TrainingSettings(**chosen),
            encoder=reference_to(flags.encoder or DEFAULT_ENCODER),
            output=Path(flags.output),
            advance=progress.advance,
            finished=lambda epoch: progress.say(
                f"epoch {epoch.number}: loss {epoch.loss:.3f}, dev weighted F1 {epoch.dev:.2f}"
            ),
            resumed=lambda number: progress.say(
                f"going on with epoch {number}" if number else "nothing is left to train"
            ),
        )
    console.stdout.print(f"checkpoint of the best epoch: {flags.output}")
    return 0


def evaluate(flags: argparse.Namespace, rest: list[str]) -> int:
    """Scores a checkpoint."""
    from beam_pipeline import console
    from beam_pipeline.transcripts import read_transcripts
    from model.artifact import load_model
    from model.evaluate import evaluate as evaluate_model
    from model.evaluate import other_episodes

    reading = read_options(flags)
    data = read_transcripts(flags.inputs, reading)
    given = read_transcripts(flags.history, reading) if flags.history else []
    remembered = other_episodes(given, data)
    checkpoint = _checkpoint(flags)
    model = load_model(checkpoint).for_inference(low_precision=False if flags.float32 else None)
    utterances, done = sum(map(len, data)), 0

    with console.step_progress("evaluating") as progress:

        def count(more: int) -> None:
            nonlocal done
            done += more
            progress.advance(done, utterances)

        scores = evaluate_model(model, data, remembered=remembered, advance=count)
    further, same = sum(map(len, remembered)), len(given) - len(remembered)
    title = (
        f"{', '.join(flags.inputs)}: {len(data)} episodes, {utterances:,} utterances; history: "
        + (f"{further:,} further utterances" if further else "the set's own earlier episodes alone")
        + (f" ({same} episodes of --history are in the set and left out)" if same else "")
    )
    console.show_scores(scores, title)
    if flags.json:
        result = {
            "data": flags.inputs,
            "episodes": len(data),
            "history": flags.history or [],
            "history_utterances": further,
            "model_id": checkpoint.model_id,
            "precision": "bfloat16" if model.low_precision else "float32",
            **scores.as_json(),
        }
        Path(flags.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def _checkpoint(flags: argparse.Namespace) -> Checkpoint:
    from model.artifact import PRETRAINED, open_checkpoint

    return open_checkpoint(Path(flags.checkpoint or PRETRAINED), encoder=flags.encoder)


def _quieten(verbose: bool) -> None:
    """Leaves a person what this program says, unless they ask for more."""
    if verbose:
        logging.basicConfig(level=logging.INFO)
    else:
        logging.getLogger().addHandler(logging.NullHandler())
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="emonet", description="Labels subtitles and transcripts with emotions."
    )
    parser.set_defaults(interrupted="nothing was committed")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _label_flags(
        _command(commands, "label", label, "label a corpus: files -> Parquet",
                 "emonet label 'shows/**/*.srt' --output labelled --night 2026-11-22")
    )  # fmt: skip
    _train_flags(
        _command(commands, "train", train, "train a checkpoint",
                 "emonet train trn.json --dev dev.json --output checkpoint")
    )  # fmt: skip
    _evaluate_flags(
        _command(commands, "evaluate", evaluate, "score a checkpoint",
                 "emonet evaluate dev.json --history trn.json --json scores.json")
    )  # fmt: skip
    _output_command(commands, "verify", verify, "hold all manifests against the files")
    _output_command(commands, "runs", runs, "list nights, and runs that no night names")
    _vacuum_flags(_output_command(commands, "vacuum", vacuum, "remove runs that no night names",
                                  "emonet vacuum labelled --older-than 7d"))  # fmt: skip
    _checkpoint_flags(
        _output_command(commands, "rebuild-memory", rebuild_memory,
                        "make speaker memory anew, after a change of model or N",
                        "emonet rebuild-memory labelled --checkpoint new")
    )  # fmt: skip
    return parser


def _output_command(
    commands: Any, name: str, run: Any, summary: str, example: str = ""
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=f"example: {example or f'emonet {name} labelled'}",
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    parser.add_argument("output", metavar="OUT", help="folder of all nights, or gs://BUCKET/PATH")
    parser.add_argument("--verbose", action="store_true", help="show traces")
    return parser


def _vacuum_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--older-than",
        required=True,
        type=duration,
        metavar="TIME",
        help="since when no manifest names them: 7d, 12h, 30m; longer than any run takes",
    )


def _command(
    commands: Any, name: str, run: Any, summary: str, example: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=summary, epilog=f"example: {example}", allow_abbrev=False
    )
    parser.set_defaults(run=run)
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="file, folder or pattern")
    parser.add_argument("--show", help="the show of all inputs, whatever their names say")
    parser.add_argument("--corpus", help="name of the corpus (default: that of the first input)")
    parser.add_argument("--columns", metavar="FIELD=NAME,..", help="e.g. text=line,speaker=who")
    parser.add_argument("--verbose", action="store_true", help="show traces and the engine's log")
    return parser


def _label_flags(parser: argparse.ArgumentParser) -> None:
    parser.usage = "emonet label INPUT... --output OUT [options] [options of Beam]"
    parser.add_argument("--output", required=True, metavar="OUT",
                        help="folder of all nights, or gs://BUCKET/PATH")  # fmt: skip
    parser.add_argument("--night", default="0", help="name of this batch (default: 0)")
    parser.add_argument("--cascade", action="store_true",
                        help="run later nights again that stand on superseded memory")  # fmt: skip
    _checkpoint_flags(parser)


def _evaluate_flags(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(corpus="data", interrupted="nothing was scored")
    parser.add_argument("--history", nargs="+", metavar="DATA", help="more of these speakers")
    parser.add_argument("--json", metavar="FILE", help="write all scores to it")
    parser.add_argument("--float32", action="store_true", help="no bfloat16")
    _checkpoint_flags(parser)


def _checkpoint_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--checkpoint", help="folder (default: the one that ships)")
    parser.add_argument("--encoder", help="where its encoder is, if not where it was")


def _train_flags(parser: argparse.ArgumentParser) -> None:
    parser.usage = "emonet train INPUT... --dev DATA... --output CHECKPOINT [options]"
    kept = "finished epochs are kept and the same command goes on after them"
    parser.set_defaults(corpus="data", interrupted=kept)
    add = parser.add_argument
    add("--dev", required=True, nargs="+", metavar="DATA", help="what it is chosen on")
    add("--output", required=True, metavar="CHECKPOINT", help="folder; an unfinished one goes on")
    add("--encoder", help="folder, package or owner/name@REVISION")
    add("--tag", default="none", choices=("none", "local", "global"), help="how turns name who")
    add("--remember", type=int, default=10, metavar="N", help="history's length (0: no history)")
    add("--window-tokens", type=int, default=512, metavar="T", help="context at most")
    add("--window-turns", type=int, metavar="T", help="turns a token sees (default: all)")
    add("--trained-layers", type=int, default=4, metavar="L", help="upper layers that are trained")
    add("--epochs", type=int, default=4)
    add("--patience", type=int, default=2, help="epochs without gain before it stops")
    add("--seed", type=int, default=0)
    add("--batch-turns", type=int, default=64, metavar="B", help="utterances a step")
    add("--encoder-rate", type=float, default=1.5e-4, metavar="R", help="learning rate")
    add("--head-rate", type=float, default=1e-3, metavar="R", help="learning rate")
    add("--warmup", type=float, default=0.1, help="share of steps")
    add("--weight-decay", type=float, default=0.01, metavar="W")
    add("--weight-exponent", type=float, default=0.5, metavar="E", help="of class weights")
    add("--shuffled-speakers", action="store_true", help="control: strangers' histories")


if __name__ == "__main__":
    sys.exit(main())
