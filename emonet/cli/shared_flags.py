"""Flags that several commands have, and how a command enters the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from beam_pipeline.corpus.folders import escaped
from beam_pipeline.records import EmonetError

if TYPE_CHECKING:
    from emonet.corpus import LabelledCorpus
    from model.checkpoint import Checkpoint

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""Where `emonet` enters its commands."""

Run: TypeAlias = Callable[[argparse.Namespace, list[str]], int]
"""What a command does: its flags, and what is left for Beam -> the exit status."""


def input_command(
    commands: Commands, name: str, run: Run, summary: str, example: str, inputs: str = "+"
) -> argparse.ArgumentParser:
    """Enters a command that reads files, `inputs` of them, and gives its parser."""
    parser = _command(commands, name, run, summary, example)
    parser.add_argument("inputs", nargs=inputs, type=escaped, metavar="INPUT", default=[],
                        help="file, folder or pattern")  # fmt: skip
    parser.set_defaults(
        path_pattern=None,
        episodes=None,
        aliases=None,
        transcripts=None,
        diarisation=None,
        timed_by=None,
        join_gap=1.0,
        dialogue_gap=5.0,
    )
    parser.add_argument("--show", help="the show of all inputs, whatever their names say")
    parser.add_argument("--corpus", help="name of the corpus (default: that of the first input)")
    parser.add_argument("--columns", metavar="F=NAME,..", help="e.g. text=line,speaker=who")
    parser.add_argument("--verbose", action="store_true", help="show traces and the engine's log")
    return parser


def output_command(
    commands: Commands, name: str, run: Run, summary: str, example: str = ""
) -> argparse.ArgumentParser:
    """Enters a command over the nights of an output, and gives its parser."""
    parser = _command(commands, name, run, summary, example or f"emonet {name} labelled")
    parser.add_argument("output", metavar="OUT", help="folder of all nights, or gs://BUCKET/PATH")
    parser.add_argument("--verbose", action="store_true", help="show traces")
    return parser


def add_json_flag(parser: argparse._ActionsContainer) -> None:
    """The flag that prints for programs."""
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")


def add_corpus_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that say how a corpus is read."""
    add = parser.add_argument
    add("--path-pattern", metavar="P", help="e.g. '{show}/{season}/{episode} *.srt', before names")
    add("--episodes", metavar="FILE.csv", help="path,show,season,episode,language of files")
    add("--aliases", metavar="FILE.csv", help="namespace,scope,alias,speaker; see emonet speakers")
    add(
        "--transcripts",
        type=escaped,
        metavar="FOLDER",
        help="who speaks in episodes; docs/speakers.md",
    )
    add(
        "--diarisation",
        type=escaped,
        metavar="FOLDER",
        help="RTTM or JSON: which voice speaks when",
    )
    add("--timed-by", type=escaped, metavar="FOLDER", help="subtitles of transcripts without times")
    add("--join-gap", type=float, metavar="S", help="cues of one sentence are closer (default: 1)")
    add("--dialogue-gap", type=float, metavar="S", help="silence between dialogues (default: 5)")


def add_checkpoint_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that name a checkpoint, for `checkpoint_of`."""
    parser.add_argument("--checkpoint", help="folder (default: the one that ships)")
    parser.add_argument("--encoder", help="where its encoder is, if not where it was")


def add_calibration_flag(parser: argparse.ArgumentParser) -> None:
    """The flag that calibrates the checkpoint for a corpus, for `checkpoint_of`."""
    parser.add_argument("--calibration", metavar="FILE", help="what emonet calibrate wrote")


def checkpoint_of(flags: argparse.Namespace) -> Checkpoint:
    """The checkpoint that the flags name, or the one that ships, calibrated if they say so."""
    from model.checkpoint import PRETRAINED, open_checkpoint
    from model.network.label_shift import read_label_shift

    checkpoint = open_checkpoint(Path(flags.checkpoint or PRETRAINED), encoder=flags.encoder)
    file = getattr(flags, "calibration", None)
    return checkpoint.with_label_shift(read_label_shift(Path(file)) if file else None)


def checkpoint_that_labelled(corpus: LabelledCorpus, flags: argparse.Namespace) -> Checkpoint:
    """The checkpoint that the flags name, or the one that ships, calibrated as for the corpus.

    Raises:
      EmonetError: the corpus was labelled by another one.
    """
    model_id, shift = corpus.labelled_by()
    checkpoint = checkpoint_of(flags)
    if checkpoint.model_id != model_id:
        raise EmonetError(
            f"{corpus.output} was labelled by model {model_id}, and checkpoint {checkpoint.folder} "
            f"is model {checkpoint.model_id}; give the folder of that model to --checkpoint"
        )
    return checkpoint.with_label_shift(shift)


def _command(
    commands: Commands, name: str, run: Run, summary: str, example: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=summary, description=summary, epilog=f"example: {example}"
    )
    parser.set_defaults(run=run, parser=parser)
    return parser
