"""How flags are parsed: whole names, finite numbers, and the nearest name to a misspelt one."""

from __future__ import annotations

import argparse
import difflib
import itertools
import math
import reprlib
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn

MAX_NUMBER: Final = 10**9
"""Of any flag: no time, size or count that one can mean is larger."""

_LIKENESS = 0.7
"""`--ouput` is meant for `--output`, and not `--dev` for `--beside`."""


class Parser(argparse.ArgumentParser):
    """A parser whose numbers are finite and not negative, and whose texts are valid Unicode."""

    def __init__(self, **settings: Any):
        super().__init__(allow_abbrev=False, **settings)
        self.register("type", None, text)
        self.register("type", int, whole_number)
        self.register("type", float, number)
        self._given: list[str] = []

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Notes what is given, for `error`."""
        self._given = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def add_subparsers(self, **settings: Any) -> Any:
        """Leaves what follows a command to that command's parser."""
        commands = super().add_subparsers(**settings)
        commands.type = str
        return commands

    def error(self, message: str) -> NoReturn:
        """Names the flag that a misspelt one is meant for, too."""
        flags = itertools.takewhile(lambda given: given != "--", self._given)
        names = (flag.partition("=")[0] for flag in flags if flag.startswith("--"))
        hints = (nearest(name, self.flags) for name in names if name not in self.flags)
        super().error(message + next(filter(None, hints), ""))

    @property
    def flags(self) -> Sequence[str]:
        """The names of all flags."""
        return [*self._option_string_actions]

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [*map(str, action.choices)]
            message = f"{value!r} is none of {', '.join(known)}{nearest(value, known)}"
            raise argparse.ArgumentError(action, message)


def nearest(name: str, known: Iterable[str]) -> str:
    """A question to end a sentence with, that proposes a known name; nothing if none is like it."""
    found = difflib.get_close_matches(name, sorted(known), n=1, cutoff=_LIKENESS)
    return f"; did you mean {found[0]}, not {name}?" if found else ""


def text(given: str) -> str:
    """Text as it is given.

    Raises:
      argparse.ArgumentTypeError: it has bytes that are no UTF-8.
    """
    try:
        given.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{given!a} is no UTF-8; give another name") from None
    return given


def whole_number(given: str) -> int:
    """A number from 0 to `MAX_NUMBER`.

    Raises:
      argparse.ArgumentTypeError: it is none.
    """
    try:
        found = int(given)
    except ValueError:
        found = -1
    _check_number(given, found, "whole number")
    return found


def number(given: str) -> float:
    """A number from 0 to `MAX_NUMBER`, with a fraction or none.

    Raises:
      argparse.ArgumentTypeError: it is none.
    """
    try:
        found = float(given)
    except ValueError:
        found = math.nan
    _check_number(given, found, "number")
    return found


def _check_number(given: str, found: float, kind: str) -> None:
    if not 0 <= found <= MAX_NUMBER:
        shown = reprlib.repr(given)
        raise argparse.ArgumentTypeError(f"{shown} is no {kind} from 0 to {MAX_NUMBER:,}")
