"""`emonet ablate`: trains and scores the variants of an ablation suite, over seeds."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from beam_pipeline.corpus.folders import escaped
from emonet.cli import former_flags
from emonet.cli.options import read_options
from emonet.cli.shared_flags import Commands, input_command

if TYPE_CHECKING:
    from model.ablation.ablation import Ablation, Result
    from model.ablation.suite import Variant


def add_to(commands: Commands) -> None:
    """Enters the command with its flags."""
    parser = input_command(
        commands,
        "ablate",
        ablate,
        "train and score what each idea brings",
        "emonet ablate trn.json --dev dev.json --output ablation",
    )
    parser.set_defaults(
        loads_model=True,
        corpus="data",
        interrupted="what is finished is kept and the same command goes on after it",
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


def ablate(flags: argparse.Namespace, rest: list[str]) -> int:
    """Trains and scores what each idea brings."""
    from beam_pipeline.transcripts import read_transcripts, without_test_episodes
    from emonet.cli.plots import check_drawing
    from model.ablation.ablation import Ablation
    from model.ablation.suite import SUITE, read_suite
    from model.dataset import Data, label_set
    from model.encoders.references import DEFAULT_ENCODER, reference_to

    check_drawing("emonet ablate")
    reading = read_options(flags)
    train, dev = read_transcripts(flags.inputs, reading), read_transcripts(flags.dev, reading)
    found = read_transcripts(flags.auxiliary_data, reading) if flags.auxiliary_data else []
    data = Data(train, dev, without_test_episodes(found, train, dev))
    encoder = reference_to(flags.encoder or DEFAULT_ENCODER)
    ablation = Ablation(data, encoder=encoder, folder=Path(flags.output))
    variants = [
        variant
        for variant in read_suite(Path(flags.suite or SUITE), label_set(train))
        if (variant.main or not flags.main) and (found or not variant.auxiliary)
    ]
    about = f"trained on {', '.join(flags.inputs)}, scored on {', '.join(flags.dev)}"
    _run_suite(ablation, variants, about)
    return 0


def _run_suite(ablation: Ablation, variants: Sequence[Variant], about: str) -> None:
    """Trains and scores the variants seed by seed, and writes the report anew after each seed."""
    from emonet.cli.ablation_report import show_suite, write_report
    from emonet.cli.progress import step_progress
    from model.ablation.breakdown import history_breakdown, utterance_groups
    from model.ablation.comparison import suite_table
    from model.dataset import label_set

    data, scored = ablation.data, (ablation.gold, ablation.dialogues)
    groups = utterance_groups(data.train, data.dev, ablation.gold, label_set(data.train))
    results: dict[str, list[Result]] = {variant.name: [] for variant in variants}
    for seed in range(max(variant.seeds for variant in variants)):
        for variant in variants:
            if seed < variant.seeds:
                with step_progress(f"{variant.name}, seed {seed}") as progress:
                    results[variant.name].append(ablation.result(variant, seed, progress))
        table = suite_table(variants, results, *scored)
        history = history_breakdown(variants, results, *scored, groups)
        write_report(table, history, about, ablation.folder)
    show_suite(table, about)
