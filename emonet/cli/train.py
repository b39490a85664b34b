"""`emonet train`: transcripts with gold labels -> a checkpoint."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from beam_pipeline.corpus.folders import escaped
from emonet.cli import former_flags
from emonet.cli.options import read_options
from emonet.cli.shared_flags import Commands, input_command
from emonet.cli.waiting import waiting
from model.network.settings import TrainingSettings
from model.network.settings_file import setting_docs

if TYPE_CHECKING:
    from model.dataset import Data, Transcript
    from model.network.settings import Settings

_SETTINGS = ("seed", "epochs", "oof_folds")
"""The settings of training that have a flag of their own."""


def add_to(commands: Commands) -> None:
    """Enters the command with its flags."""
    parser = input_command(
        commands,
        "train",
        train,
        "train a checkpoint",
        "emonet train trn.json --dev dev.json --output checkpoint",
    )
    parser.usage = "emonet train INPUT...|OUT [--dev DATA...] --output CHECKPOINT [options]"
    parser.set_defaults(
        loads_model=True,
        corpus="data",
        interrupted="finished epochs are kept and the same command goes on after them",
    )
    add = parser.add_argument
    add("--dev", nargs="+", type=escaped, metavar="DEV",
        help="what it is chosen on (default: every tenth episode or dialogue)")  # fmt: skip
    add("--auxiliary-data", nargs="+", type=escaped, metavar="D",
        help="like dialogue with labels of its own")  # fmt: skip
    add("--output", required=True, metavar="CHECKPOINT", help="folder; an unfinished one goes on")
    add("--encoder", help="mpnet, a folder, package or owner/name@REVISION")
    add("--settings", metavar="FILE",
        help="all other settings: TOML, or the settings.json of a checkpoint")  # fmt: skip
    _add_setting_flag(parser, "seed")
    _add_setting_flag(parser, "epochs")
    out_of_fold = parser.add_mutually_exclusive_group()
    _add_setting_flag(out_of_fold, "oof_folds")
    out_of_fold.add_argument("--oof-logits", metavar="FILE", help="of a training on the same data")
    add("--corrections", metavar="FILE", help="of OUT: fine-tune the checkpoint that labelled it")
    add("--checkpoint", help="that labelled OUT (default: the one that ships)")
    add("--teacher-logits", metavar="FILE", help="out-of-fold logits of another teacher")
    former_flags.refuse(parser, former_flags.OF_TRAIN)


def _add_setting_flag(parser: argparse._ActionsContainer, name: str) -> None:
    """A flag made from a training setting; without it a settings file or the default decides."""
    default, doc = getattr(TrainingSettings, name), setting_docs(TrainingSettings)[name]
    parser.add_argument(
        f"--{name.replace('_', '-')}",
        type=type(default),
        metavar="K",
        help=f"{doc[0].lower()}{doc[1:].removesuffix('.')} (default: {default})",
    )


def train(flags: argparse.Namespace, rest: list[str]) -> int:
    """Trains a checkpoint, or fine-tunes the one that labelled an output."""
    if flags.corrections:
        from emonet.cli.fine_tune import fine_tune_output

        return fine_tune_output(flags)
    with waiting("loading the model"):
        from beam_pipeline.transcripts import read_transcripts
        from emonet.cli.console import stdout
        from emonet.cli.progress import step_progress
        from model.checkpoint import open_checkpoint
        from model.dataset import label_set
        from model.encoders.references import DEFAULT_ENCODER, reference_to
        from model.training.hold_out import split
        from model.training.train import train as train_model

    reading = read_options(flags)
    found = read_transcripts(flags.inputs, reading)
    dev = read_transcripts(flags.dev, reading) if flags.dev else []
    labels = label_set(found)
    settings, training = _settings(flags, labels)
    train, dev, notes = split(found, dev, 0 if flags.oof_logits else training.oof_folds)
    for note in notes:
        stdout.print(note)
    data = _data(flags, train, dev, labels)
    with step_progress("training", epochs=True) as progress:
        train_model(
            data,
            settings,
            training,
            reference_to(flags.encoder or DEFAULT_ENCODER),
            Path(flags.output),
            progress,
        )
    reached = open_checkpoint(Path(flags.output)).provenance["dev_weighted_f1"]
    stdout.print(f"checkpoint: {flags.output}, dev weighted F1 {reached:.2f}")
    return 0


def _settings(
    flags: argparse.Namespace, labels: Sequence[str]
) -> tuple[Settings, TrainingSettings]:
    """The settings of `--settings` or the defaults, and over them those that have a flag."""
    from model.network.settings_file import read_settings, settings_of

    settings, training = (
        read_settings(Path(flags.settings), labels)
        if flags.settings
        else settings_of({}, labels, "emonet train")
    )
    given = {name: getattr(flags, name) for name in _SETTINGS if getattr(flags, name) is not None}
    return settings, dataclasses.replace(training, **given)


def _data(
    flags: argparse.Namespace,
    train: Sequence[Transcript],
    dev: Sequence[Transcript],
    labels: Sequence[str],
) -> Data:
    """What is trained on; prints which episodes are in two sets."""
    from beam_pipeline.transcripts import read_transcripts, without_test_episodes
    from emonet.cli.console import stdout
    from model.dataset import Data
    from model.evaluation.scores import other_episodes
    from model.training.cross_fitting import load_oof_logits

    apart = len(other_episodes(dev, train))
    if flags.dev and apart < len(dev):
        shared = f"{len(dev) - apart} of the {len(dev)}"
        stdout.print(f"{shared} dev episodes are in part among the training data")
    given = flags.auxiliary_data
    found = read_transcripts(given, read_options(flags)) if given else []
    auxiliary = without_test_episodes(found, train, dev)
    if found:
        used = f"{len(auxiliary)} of the {len(found)} episodes of --auxiliary-data are used"
        stdout.print(f"{used}, the others may be those of dev or of a test set")
    oof_logits, teacher_logits = (
        load_oof_logits(Path(file), train, labels) if file else None
        for file in (flags.oof_logits, flags.teacher_logits)
    )
    return Data(train, dev, auxiliary, oof_logits, teacher_logits)
