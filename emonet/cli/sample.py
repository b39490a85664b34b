"""`emonet sample`: lines for a person to label, drawn so that few of them say much."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from emonet.cli.options import check_writable, written
from emonet.cli.shared_flags import Commands, output_command


def add_to(commands: Commands) -> None:
    """Enters the command with its flags."""
    parser = output_command(
        commands,
        "sample",
        sample,
        "draw lines for a person to label",
        "emonet sample labelled --n 200 --by label --output sample.csv",
    )
    parser.set_defaults(interrupted="no file is half written", done="the sample is written")
    add = parser.add_argument
    add("--output", required=True, dest="destination", metavar="FILE.csv",
        help="file, whose column label is to be filled in")  # fmt: skip
    add("--n", type=int, default=200, metavar="K", help="how many lines (default: 200)")
    add("--by", choices=("label", "uncertainty"), default="label",
        help="as many of each label, or more of what is unsure (default: label)")  # fmt: skip
    add("--seed", type=int, default=0, metavar="K", help="another one draws other lines")


def sample(flags: argparse.Namespace, rest: Sequence[str]) -> int:
    """Draws a sample."""
    import emonet
    from beam_pipeline.output.existing import check_output
    from emonet.cli.console import stdout
    from emonet.emotions import read_emotions
    from emonet.sampling import draw, sample_csv

    check_output(flags.output)
    check_writable("--output", flags.destination)
    emotions = read_emotions(emonet.open_corpus(flags.output))
    places, strata = draw(emotions, flags.n, flags.by, flags.seed)
    content = sample_csv(emotions, places, strata)
    with written("--output", flags.destination):
        Path(flags.destination).write_bytes(content)
    stdout.print(
        f"{flags.destination}: {len(places):,} of {len(emotions):,} lines; fill in the column "
        f"label with one of {', '.join(emotions.labels)}"
    )
    return 0
