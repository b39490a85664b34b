"""`emonet speakers`: who speaks in a corpus, and which names may be one person's."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from emonet.cli.options import corpus_name, read_options
from emonet.cli.shared_flags import Commands, add_corpus_flags, add_json_flag, input_command

if TYPE_CHECKING:
    from beam_pipeline.records import Episode, Rejected


def add_to(commands: Commands) -> None:
    """Enters the command with its flags."""
    parser = input_command(
        commands,
        "speakers",
        speakers,
        "report who speaks; propose aliases",
        "emonet speakers shows --csv > aliases.csv",
    )
    parser.set_defaults(interrupted="nothing is written")
    printed = parser.add_mutually_exclusive_group()
    printed.add_argument("--csv", action="store_true",
                         help="print proposed aliases alone, as --aliases reads them")  # fmt: skip
    add_json_flag(printed)
    add_corpus_flags(parser)


def speakers(flags: argparse.Namespace, rest: list[str]) -> int:
    """Reports who speaks in a corpus, and proposes aliases."""
    from beam_pipeline.corpus.census import take_census
    from beam_pipeline.corpus.companions import companions_of, read_companions
    from beam_pipeline.corpus.coverage import Coverage, with_coverage
    from beam_pipeline.corpus.paths import expand_inputs, read_path
    from beam_pipeline.corpus.refusals import named
    from beam_pipeline.records import EmonetError
    from emonet.cli import json_output
    from emonet.cli.speaker_report import show_census, write_proposals

    flags.corpus = flags.corpus or corpus_name(flags.inputs)
    reading = read_options(flags)
    companions, coverage = companions_of(reading), Coverage()
    rejected: list[Rejected] = [
        one for companion in read_companions(reading) for one in companion.rejected
    ]

    repairs: list[int] = []
    assumed: Counter[str] = Counter()

    def episodes() -> Iterator[Episode]:
        for path in expand_inputs(flags.inputs):
            for content in read_path(path, reading):
                rejected.extend(content.rejected)
                repairs.append(content.source.repaired)
                assumed.update(content.source.assumed)
                for episode in companions.joined(content, reading).episodes:
                    coverage.add(episode, companions)
                    yield episode

    census = with_coverage(take_census(episodes()), coverage)
    census = dataclasses.replace(
        census, repaired=sum(repairs), assumed=tuple(sorted(assumed.items()))
    )
    if rejected and not census.entries and not census.nameless:
        raise EmonetError(f"nothing could be read: {named(rejected)}")
    if flags.csv:
        write_proposals(census, sys.stdout)
    elif flags.json:
        json_output.print_json(json_output.speakers(census, rejected))
    else:
        show_census(census, rejected, sys.stdout)
    return 0
