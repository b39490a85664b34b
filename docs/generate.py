"""Writes those parts of the documentation that are made from the code: `make docs` runs it.

A part stands between two comments, `<!-- NAME: made by make docs -->` and `<!-- end of NAME -->`.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from beam_pipeline.corpus.detection import FORMATS
from beam_pipeline.corpus.formats.format import CueFormat, DataSetFormat, Format
from emonet.__main__ import command_line

DOCS = Path(__file__).parent
PACKAGES = ("emonet", "beam_pipeline", "model")
FORMAT_HEADER = ("format", "known by", "a cue or row is", "speaker, apart from labels in the text")


def format_table(formats: Iterable[Format]) -> str:
    """A table of formats in Markdown: subtitles, then data sets, then tables, each by title."""
    return _table(FORMAT_HEADER, map(_format_row, sorted(formats, key=_place)))


def command_reference(parser: argparse.ArgumentParser) -> str:
    """A section for each command in Markdown, with a table of its arguments."""
    return "\n\n".join(map(_section, commands_of(parser)))


def commands_of(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers of all commands, in the order of the help."""
    below = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if not below:
        yield parser
    for action in below:
        for one in action.choices.values():
            yield from commands_of(one)


def module_tree(root: Path) -> str:
    """A line a module: its name, and the first line of its docstring."""
    modules = [
        path.relative_to(root)
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"), key=_folders_last)
    ]
    lines = [f"{_indented(path):34}{_summary(root / path)}" for path in modules]
    return "\n".join(["```text", *lines, "```"])


def with_part(page: str, name: str, part: str) -> str:
    """A page with new text in its part of that name.

    Raises:
      ValueError: if the page has no such part.
    """
    begin, end = f"<!-- {name}: made by make docs -->\n", f"\n<!-- end of {name} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"expected the comments {begin.strip()} and {end.strip()}")
    return f"{before}{begin}{part}{end}{after}"


PARTS: dict[str, tuple[Path, Callable[[], str]]] = {
    "formats": (DOCS / "data-format.md", lambda: format_table(FORMATS)),
    "commands": (DOCS / "command-line.md", lambda: command_reference(command_line())),
    "modules": (DOCS / "architecture.md", lambda: module_tree(DOCS.parent)),
}
"""The page of each part, and what makes the part."""


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)


def _place(one: Format) -> tuple[bool, bool, str]:
    return not isinstance(one, CueFormat), not isinstance(one, DataSetFormat), one.title.casefold()


def _format_row(one: Format) -> tuple[str, ...]:
    extensions = (f"`{extension}`" for extension in (*one.extensions, *one.shared_extensions))
    return " ".join((one.title, *extensions)), one.known_by, one.item, one.speaker


def _section(command: argparse.ArgumentParser) -> str:
    example = (command.epilog or "").removeprefix("example: ")
    summary = f"{command.description}:\n\n    {example}"
    shown = [one for one in command._actions if argparse.SUPPRESS not in (one.help, one.default)]
    table = _table(("argument", "meaning"), map(_argument_row, shown))
    return f"## {command.prog}\n\n{summary[:1].upper()}{summary[1:]}\n\n{table}"


def _argument_row(argument: argparse.Action) -> tuple[str, str]:
    """What is written, and what it means; not as argparse has it, whose lines vary by version."""
    value = "" if argument.nargs == 0 else str(argument.metavar or argument.dest.upper())
    value += "..." if argument.nargs == "+" else ""
    name = argument.option_strings[-1] if argument.option_strings else ""
    needed = " (required)" if name and argument.required else ""
    return f"`{name} {value}`".replace("` ", "`").replace(" `", "`"), f"{argument.help}{needed}"


def _folders_last(path: Path) -> tuple[tuple[bool, str], ...]:
    """A package's own modules come before its folders, and its `__init__` before both."""
    *folders, name = path.parts
    return (*((True, folder) for folder in folders), (False, name.replace("__init__", "")))


def _indented(path: Path) -> str:
    """The name of a module, or of a package for its `__init__`, under that of its folder."""
    if path.name == "__init__.py":
        return f"{'  ' * (len(path.parts) - 2)}{path.parent.name}/"
    return f"{'  ' * (len(path.parts) - 1)}{path.name}"


def _summary(path: Path) -> str:
    """The first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]


if __name__ == "__main__":
    for name, (page, make) in PARTS.items():
        page.write_text(with_part(page.read_text("utf-8"), name, make()), "utf-8")
