"""Flags -> frozen settings, validated once, where they enter."""

from __future__ import annotations

import argparse
import contextlib
import csv
import datetime
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from beam_pipeline.corpus import folders
from beam_pipeline.corpus.options import ALIASED, PLACED, ReadOptions
from beam_pipeline.engines import IN_PROCESS
from beam_pipeline.records import EmonetError
from emonet.cli.arguments import nearest

LONGEST_JOB_S = 7 * 24 * 3600
"""How long a job on an engine elsewhere is waited for. Beam 2.77 ends the stream that tells of its
state after `--job_server_timeout`, five minutes unless one says otherwise."""

MAX_WORKERS = 1024
"""Threads or processes of one machine: more than any has cores."""


def read_options(flags: argparse.Namespace) -> ReadOptions:
    """How files are read.

    Raises:
      EmonetError: `--columns` is not of the form FIELD=NAME,..., or a file cannot be read.
    """
    return ReadOptions(
        corpus=flags.corpus,
        show=flags.show,
        columns=tuple(name_pairs("--columns", "FIELD=NAME", flags.columns)),
        join_gap_ms=round(flags.join_gap * 1000),
        dialogue_gap_ms=round(flags.dialogue_gap * 1000),
        path_pattern=flags.path_pattern,
        placed=_rows("--episodes", flags.episodes, PLACED),
        aliases=_rows("--aliases", flags.aliases, ALIASED),
        transcripts=_files(flags.transcripts),
        diarisation=_files(flags.diarisation),
        timed_by=_files(flags.timed_by),
        folder=os.getcwd(),
    )


def _files(entry: str | None) -> tuple[str, ...]:
    """The files that an input means; none without one."""
    from beam_pipeline.corpus.paths import expand_inputs  # loads all formats

    return tuple(expand_inputs([entry])) if entry else ()


def name_pairs(flag: str, form: str, text: str | None) -> list[tuple[str, str]]:
    """The pairs of `one=other,...`, which `form` names for a person; none without a text.

    Raises:
      EmonetError: it is not of that form.
    """
    pairs = []
    for pair in text.split(",") if text else []:
        one, _, other = map(str.strip, pair.partition("="))
        if not (one and other):
            raise EmonetError(f"{flag}: {pair!r} is not of the form {form}")
        pairs.append((one, other))
    return pairs


def _rows(flag: str, path: str | None, names: Sequence[str]) -> tuple[Any, ...]:
    """The cells of a CSV file under these names; other columns are left out."""
    if path is None:
        return ()
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, restval="")
            missing = [name for name in names if name not in (rows.fieldnames or ())]
            if missing:
                raise EmonetError(f"{flag} {path}: column {missing[0]} is missing")
            return tuple(tuple(row[name].strip() for name in names) for row in rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EmonetError(f"{flag} {path}: cannot be read: {type(error).__name__}") from error


@contextlib.contextmanager
def written(flag: str, path: str) -> Iterator[None]:
    """Names the flag and its file if it cannot be written.

    Raises:
      EmonetError: so it is.
    """
    try:
        yield
    except OSError as error:
        raise EmonetError(f"{flag} {path}: cannot be written: {error.strerror}") from error


def check_writable(flag: str, path: str | None) -> None:
    """Opens a file for writing and leaves it as it is: a long run must not end in vain.

    Raises:
      EmonetError: it cannot be written.
    """
    if path is None:
        return
    existed = os.path.exists(path)
    with written(flag, path):
        open(path, "ab").close()
        if not existed:
            os.unlink(path)


def corpus_name(inputs: Sequence[str]) -> str:
    """The name of the first input without its extension: what a corpus is called by default."""
    path = Path(folders.absolute(inputs[0]))
    while any(sign in path.name for sign in "*?["):
        path = path.parent
    return path.name.split(".")[0] or "corpus"


def duration(text: str) -> datetime.timedelta:
    """The time that `7d`, `12h` or `30m` mean.

    Raises:
      argparse.ArgumentTypeError: it is none of these.
    """
    found = re.fullmatch(r"(\d{1,6})([dhm])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 7d, 12h or 30m")
    unit = {"d": "days", "h": "hours", "m": "minutes"}[found[2]]
    return datetime.timedelta(**{unit: int(found[1])})


def beam_parser() -> argparse.ArgumentParser:
    """The parser of all flags of Beam."""
    from apache_beam.options import pipeline_options

    parser: argparse.ArgumentParser = pipeline_options._BeamArgumentParser(
        prog="emonet label",
        usage="%(prog)s ... [options of Beam]",
        add_help=False,
        allow_abbrev=False,
    )
    for group in pipeline_options.PipelineOptions.__subclasses__():
        group._add_argparse_args(parser)
    return parser


def beam_options(arguments: Sequence[str], ours: Sequence[str] = ()) -> list[str]:
    """Beam's flags, after the defaults of this program.

    `DirectRunner` means the in-process engine with a thread a core.

    Args:
      arguments: flags that are not ours.
      ours: the names of those that are, one of which may have been meant.

    Raises:
      EmonetError: a flag is neither ours nor Beam's, or asks for no workers.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--runner", default="DirectRunner")
    chosen, rest = parser.parse_known_args(list(arguments))
    known = beam_parser()
    chosen_of_beam, unknown = known.parse_known_args(rest)
    if unknown:
        flag = unknown[0].partition("=")[0]
        hint = nearest(flag, [*ours, *known._option_string_actions])
        raise EmonetError(f"{flag}: neither an option of emonet nor one of Beam's{hint}")
    workers = chosen_of_beam.direct_num_workers
    if not 1 <= workers <= MAX_WORKERS:
        raise EmonetError(
            f"--direct_num_workers {workers}: give a number from 1 to {MAX_WORKERS:,}, or leave it "
            "out for one a core"
        )
    runner = IN_PROCESS if chosen.runner == "DirectRunner" else chosen.runner
    cores = len(os.sched_getaffinity(0))
    defaults = [
        f"--direct_num_workers={cores}",
        f"--job_server_timeout={LONGEST_JOB_S}",
        # all our code is in modules that workers have: what is in `__main__` is nobody's business
        "--no_save_main_session",
    ]
    return [f"--runner={runner}", *defaults, *rest]
