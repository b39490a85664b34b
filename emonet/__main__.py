"""The command line: flags -> one of the commands, errors -> one sentence."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version

from emonet.cli import (
    ablate,
    calibrate,
    encoder,
    evaluate,
    export,
    label,
    nights,
    report,
    sample,
    show,
    speakers,
    train,
)
from emonet.cli.address_space import check_address_space
from emonet.cli.arguments import Parser
from emonet.cli.printing import UNPRINTED, guarded_streams

COMMANDS = (
    label, show, report, export, speakers, sample, evaluate, calibrate, train, ablate, encoder,
    nights,
)  # fmt: skip
"""The modules of the commands, in the order of the help. A command imports what it needs when it
runs, so that `--help` answers at once."""


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
        if flags.loads_model:
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
    parser.set_defaults(
        loads_model=False, interrupted="nothing is half written", done="all is done"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for one in COMMANDS:
        one.add_to(commands)
    return parser


def run() -> int:
    """As `main`, for a process that ends with it.

    What is left in memory stays out of the collections at its end, which would walk a million
    objects while the user waits for the prompt.
    """
    status = main()
    gc.freeze()
    return status


if __name__ == "__main__":
    sys.exit(run())
