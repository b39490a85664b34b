"""What Dataflow's template launcher starts: it submits the job of one night and returns.

`emonet label` waits for the commit. The service takes a job over only when its launcher has ended,
so this one waits for nothing: the commit is the last step of the job, and a job that is done is
committed, as one that could not commit has failed.

A template gives its parameters by name, so the flags of `emonet label` go by theirs, with `_`.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence

from beam_pipeline.nights import submit_night
from beam_pipeline.records import EmonetError
from emonet.__main__ import command_line
from emonet.cli.label import engine_and_night
from model.errors import ModelError

LEFT_OUT = {
    "help",
    "fresh",  # of slices, which the service has none of
    "verbose",  # the service keeps the log
    "cascade",  # waits for each night
    "json",  # prints what became of it
}
"""What `emonet label` has and a template has not."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter of the template.

    Attributes:
      name: of the parameter.
      flag: of `emonet label`, empty for its inputs.
      help: what it says of it.
      required: whether a launch must give it; the name of the night, too, as a launch that is
        tried again must mean the night that it meant before.
      switch: whether it is `true` or `false` alone.
    """

    name: str
    flag: str
    help: str
    required: bool
    switch: bool


def parameters() -> list[Parameter]:
    """All parameters, in the order that `emonet label --help` has them in."""
    (commands,) = (
        action
        for action in command_line()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return [
        Parameter(
            name=action.dest,
            flag="".join(action.option_strings),
            help=action.help or "",
            required=action.required or action.dest == "night",
            switch=action.nargs == 0,
        )
        for action in commands.choices["label"]._actions
        if action.dest not in LEFT_OUT
    ]


def label_arguments(given: Sequence[str]) -> list[str]:
    """The arguments of `emonet label` that a template's parameters mean.

    Args:
      given: `--name=value` each; several inputs are separated by spaces. What is no parameter of
        the template is Beam's, and handed on.
    """
    parser = argparse.ArgumentParser(prog="launch", allow_abbrev=False)
    known = parameters()
    for one in known:
        choices = ["true", "false"] if one.switch else None
        parser.add_argument(f"--{one.name}", required=one.required, choices=choices, help=one.help)
    values, rest = parser.parse_known_args(given)
    arguments = ["label"]
    for one in known:
        value: str | None = getattr(values, one.name)
        if value is None:
            continue
        if not one.flag:
            arguments += value.split()
        elif not one.switch:
            arguments.append(f"{one.flag}={value}")
        elif value == "true":
            arguments.append(one.flag)
    return [*arguments, "--runner=DataflowRunner", *rest]


def main(given: Sequence[str]) -> None:
    """Submits the job; Beam's own errors pass through, for the launcher's log."""
    flags, rest = command_line().parse_known_args(label_arguments(given))
    try:
        engine, night = engine_and_night(flags, rest)
        run, _ = submit_night(flags.output, night, engine)
    except (EmonetError, ModelError) as error:
        sys.exit(f"launch: {error}")
    print(f"night {night.name}: run {run.name} of {len(night.paths):,} files is handed over")


if __name__ == "__main__":
    main(sys.argv[1:])
