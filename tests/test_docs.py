"""The documentation against the code: parts made from it, paths, links, commands and flags."""

from __future__ import annotations

import functools
import itertools
import pkgutil
import re
import runpy
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import emonet
from emonet.__main__ import command_line
from emonet.cli.options import beam_options, beam_parser

ROOT = Path(__file__).parents[1]
GENERATE = runpy.run_path(str(ROOT / "docs" / "generate.py"))
PARTS: dict[str, tuple[Path, Callable[[], str]]] = GENERATE["PARTS"]
COMMANDS = {one.prog: one for one in GENERATE["commands_of"](command_line())}

README = ROOT / "README.md"
PAGES = [
    *(page for page in sorted(ROOT.glob("*.md")) if page.name != "CHANGELOG.md"),  # of the past
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "demo" / "README.md",
    ROOT / "model" / "pretrained" / "README.md",
]
FOLDERS = ("beam_pipeline", "benchmarks", "demo", "docs", "emonet", "infra", "model", "tests")
SOURCES = [f"/{path}" for folder in FOLDERS for path in (ROOT / folder).rglob("*.*")]

NOT_OF_EMONET = {
    "--context-alone",  # benchmarks/compm.py
    "--host",  # beam_pipeline/engines/listening.py
    "--service_port",  # beam_pipeline/engines/worker_pool.py
    "--serve_http",  # Prism
    "--worker_pool",  # images of Beam
}
"""Flags on our pages that neither `emonet` nor Beam's options have."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def without_fences(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)


def code_lines(page: Path) -> Iterator[str]:
    """The lines of code blocks, fenced or set in; those that `\\` continues are one."""
    text = page.read_text("utf-8")
    fenced = "".join(re.findall(r"^```\w*\n(.*?)^```$", text, re.S | re.M))
    set_in = "".join(re.findall(r"^ {4}(.*\n)", without_fences(text), re.M))
    yield from re.sub(r"\\\n\s*", "", fenced + set_in).splitlines()


def spans(page: Path) -> list[str]:
    """What stands in backquotes."""
    text = re.sub(r"^ {4}.*$", "", without_fences(page.read_text("utf-8")), flags=re.M)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]


def emonet_commands(line: str) -> Iterator[list[str]]:
    """The arguments of each `emonet` that a line of the shell calls."""
    if not re.match(r"(.*&& )?emonet ", line):
        return
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;>")
    lexer.whitespace_split = True
    for is_sign, words in itertools.groupby(lexer, lambda word: set(word) <= set("|&;>")):
        name, *arguments = words
        if not is_sign and name == "emonet":
            yield arguments


@functools.cache
def flags_of(command: str) -> frozenset[str]:
    """The flags of the longest command that a text begins with, and for `label` Beam's."""
    progs = [one for one in COMMANDS if f"{command} ".startswith(f"{one} ")]
    assert progs, f"{command}: no such command"
    prog = max(progs, key=len)
    flags = frozenset(COMMANDS[prog]._option_string_actions)
    return flags.union(beam_parser()._option_string_actions) if prog == "emonet label" else flags


@pytest.mark.parametrize("name", PARTS)
def test_what_is_made_from_the_code_is_current(name: str) -> None:
    page, make = PARTS[name]
    text = page.read_text("utf-8")
    made = GENERATE["with_part"](text, name, make())
    assert text == made, f"{name} in {page.relative_to(ROOT)} is out of date; run `make docs`"


def test_the_reference_and_the_readme_have_every_command() -> None:
    reference = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    assert re.findall(r"^## (emonet .*)$", reference, re.M) == list(COMMANDS)
    shown = "\n".join(code_lines(README))
    assert [name for name in COMMANDS if f"{name} " not in shown] == []


@each_page
def test_every_function_of_the_package_on_a_page_is_public(page: Path) -> None:
    called = re.findall(r"(?<![\w/.-])emonet\.(\w+)\(", page.read_text("utf-8"))
    assert set(called) <= set(emonet.__all__)


def test_the_rows_in_the_readme_are_what_the_demo_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMONET_PRECISION", "float32")
    # the last three of the five episodes have all ten utterances of the history
    with pytest.warns(UserWarning, match="1 refused in all"):
        table = emonet.label(ROOT / "demo" / "Tolsay Ferry" / "*S01E0[345]*")
    text = README.read_text("utf-8")
    header, row = re.findall(r"^ {4}((?:speaker_name|ODILE)  .*)$", text, re.M)
    labelled = table.select(header.split()).to_pylist()
    rows = [
        "  ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in one.values())
        for one in labelled
        if one["speaker_name"] == "ODILE" and one["text"] == "Here we go."
    ]
    # what stands to the right is what to write into the page
    assert [re.sub("  +", "  ", row)] == rows


@each_page
def test_every_path_on_a_page_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    named = re.findall(rf"(?<![\w/.-])(?:{'|'.join(FOLDERS)})/[\w./*-]*", text)
    lost = [name for name in named if not any(ROOT.glob(name.rstrip("./")))]
    files = [span for span in spans(page) if re.fullmatch(r"[\w./-]+\.(py|md|tf|sh)", span)]
    lost += [name for name in files if not any(one.endswith(f"/{name}") for one in SOURCES)]
    assert lost == []


@each_page
def test_every_link_on_a_page_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    paths = [target.partition("#")[0] for target in targets if "://" not in target]
    assert [path for path in paths if path and not (page.parent / path).exists()] == []


@each_page
def test_every_module_on_a_page_can_be_imported(page: Path) -> None:
    for name in re.findall(r"\bbeam_pipeline(?:\.\w+)+", page.read_text("utf-8")):
        pkgutil.resolve_name(name)


@each_page
def test_every_command_in_a_code_block_is_understood(page: Path) -> None:
    for line in code_lines(page):
        for arguments in emonet_commands(line):
            flags, rest = command_line().parse_known_args(arguments)
            if flags.command == "label":
                beam_options(rest, flags.parser.flags)
            else:
                assert rest == [], line


@each_page
def test_every_command_and_flag_in_backquotes_is_there(page: Path) -> None:
    known = NOT_OF_EMONET.union(*map(flags_of, COMMANDS))
    for span in spans(page):
        called = re.match(r"(--\w|emonet [a-z])", span)
        flags = set(re.findall(r"(?<!\S)--\w[\w-]*", span)) if called else set()
        assert flags <= (flags_of(span) if span.startswith("emonet ") else known), span


@each_page
def test_every_target_of_make_on_a_page_is_in_the_makefile(page: Path) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    called = [re.match(r"make ([a-z]+)", code) for code in (*code_lines(page), *spans(page))]
    assert [one[1] for one in called if one and one[1] not in targets] == []
