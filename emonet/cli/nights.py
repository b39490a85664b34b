"""`emonet verify`, `runs`, `vacuum`, `rebuild-memory`: the commands over an output's nights."""

from __future__ import annotations

import argparse
import datetime
import sys

from emonet.cli.options import duration
from emonet.cli.shared_flags import (
    Commands,
    add_checkpoint_flags,
    add_json_flag,
    checkpoint_of,
    output_command,
)


def add_to(commands: Commands) -> None:
    """Enters the four commands with their flags."""
    verifying = output_command(commands, "verify", verify, "hold all manifests against the files")
    add_json_flag(verifying)
    listing = output_command(commands, "runs", runs, "list nights, and runs that no night names")
    add_json_flag(listing)
    removing = output_command(
        commands,
        "vacuum",
        vacuum,
        "remove runs that no night names",
        "emonet vacuum labelled --older-than 7d",
    )
    removing.add_argument(
        "--older-than",
        required=True,
        type=duration,
        metavar="TIME",
        help="since when no manifest names them: 7d, 12h, 30m; longer than any run takes",
    )
    rebuilding = output_command(
        commands,
        "rebuild-memory",
        rebuild_memory,
        "make speaker memory anew, after a change of model or N",
        "emonet rebuild-memory labelled --checkpoint new",
    )
    rebuilding.set_defaults(loads_model=True)
    add_checkpoint_flags(rebuilding)


def verify(flags: argparse.Namespace, rest: list[str]) -> int:
    """Holds all manifests against the files."""
    from beam_pipeline.output.existing import check_output
    from beam_pipeline.output.verify import verify as problems_of
    from emonet.cli import json_output

    check_output(flags.output)
    problems = []
    for problem in problems_of(flags.output):
        problems.append(problem)
        if not flags.json:
            print(f"emonet verify: {problem}", file=sys.stderr)
    if flags.json:
        json_output.print_json({"output": flags.output, "problems": problems})
    else:
        print(f"{flags.output}: {len(problems) or 'no'} problem{'' if len(problems) == 1 else 's'}")
    return 1 if problems else 0


def runs(flags: argparse.Namespace, rest: list[str]) -> int:
    """Lists nights, and runs that no night names."""
    from beam_pipeline.output.existing import check_output
    from beam_pipeline.output.manifest import read_manifests
    from beam_pipeline.output.vacuum import temporary_files, unnamed_runs
    from emonet.cli import console, json_output

    check_output(flags.output)
    manifests, unnamed = read_manifests(flags.output), unnamed_runs(flags.output)
    temporary = temporary_files(flags.output)
    if flags.json:
        json_output.print_json(json_output.all_runs(manifests, unnamed, temporary))
    else:
        console.show_nights(manifests)
        console.show_unnamed(unnamed)
        console.show_temporaries(temporary)
    return 0


def vacuum(flags: argparse.Namespace, rest: list[str]) -> int:
    """Removes what no manifest names."""
    from beam_pipeline.output.existing import check_output
    from beam_pipeline.output.vacuum import vacuum as remove_unnamed
    from emonet.cli import console

    check_output(flags.output)
    now = datetime.datetime.now(datetime.UTC)
    console.show_removed(remove_unnamed(flags.output, flags.older_than, now))
    return 0


def rebuild_memory(flags: argparse.Namespace, rest: list[str]) -> int:
    """Makes the speaker memory of all nights anew."""
    from beam_pipeline.nights import origin_of
    from beam_pipeline.output.existing import check_output
    from beam_pipeline.rebuild import rebuild_memory as rebuild
    from emonet.cli import console
    from model.checkpoint import load_model

    check_output(flags.output)
    checkpoint = checkpoint_of(flags)
    model = load_model(checkpoint).for_inference()
    for night, speakers in rebuild(flags.output, model, origin_of(checkpoint)):
        console.stdout.print(f"night {night}: memory of {speakers:,} speakers")
    return 0
