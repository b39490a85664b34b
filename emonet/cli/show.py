"""`emonet show`: what is labelled, in the terminal: arcs, speakers, the surest lines."""

from __future__ import annotations

import argparse

from emonet.cli.shared_flags import Commands, add_json_flag, output_command


def add_to(commands: Commands) -> None:
    """Enters the command with its flags."""
    parser = output_command(
        commands,
        "show",
        show,
        "show emotions by season, speaker and line",
        "emonet show labelled --speaker Odile",
    )
    parser.set_defaults(interrupted="nothing is written")
    add = parser.add_argument
    add("--speaker", metavar="NAME", help="what this speaker says alone")
    add("--episode", metavar="ID", help="this episode alone, line by line; the id's end is enough")
    add("--label", help="what has this label alone")
    add_json_flag(parser)


def show(flags: argparse.Namespace, rest: list[str]) -> int:
    """Shows what is labelled."""
    import emonet
    from beam_pipeline.output.existing import check_output
    from emonet.cli import json_output, show_tables
    from emonet.cli.selection import select
    from emonet.emotions import read_emotions
    from emonet.overview import overview

    check_output(flags.output)
    emotions = read_emotions(emonet.open_corpus(flags.output))
    selected = select(emotions, flags.episode, flags.speaker, flags.label)
    shown = overview(emotions, selected, lines=flags.episode is not None)
    if flags.json:
        json_output.print_json(shown)
    else:
        show_tables.show_overview(shown, emotions.labels)
    return 0
