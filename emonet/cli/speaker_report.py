"""What `emonet speakers` shows. It needs no model, so nothing of torch is loaded for it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from rich.table import Table

from beam_pipeline.corpus.census import Census
from beam_pipeline.corpus.options import ALIASED
from beam_pipeline.records import Rejected, amount, amount_of
from emonet.cli.off_terminal import TableConsole


def show_census(census: Census, rejected: Sequence[Rejected], file: TextIO) -> None:
    """Speakers, collisions, conflicts of files and proposals, a table each."""
    console = TableConsole(file=file, highlight=False, soft_wrap=True, markup=False)
    table = Table("show", "speaker", "kind", "utterances", "episodes", "also written")
    for one in census.entries:
        counts = (f"{one.utterances:,}", f"{one.episodes:,}")
        table.add_row(one.namespace, one.names[0], one.kind, *counts, " | ".join(one.names[1:]))
    console.print(table)
    console.print(f"{census.nameless:,} utterances without a name; rejected: {amount_of(rejected)}")
    for line in assumptions(census.repaired, dict(census.assumed)):
        console.print(line)
    _show_coverage(console, census)
    if census.collisions:
        collisions = Table("show", "name", "of any of these", title="collisions: tell them apart")
        for name in census.collisions:
            collisions.add_row(name.namespace, name.name, " | ".join(name.others))
        console.print(collisions)
    if census.conflicts:
        conflicts = Table("episode", "files that claim it", title="conflicts: one would be read")
        for conflict in census.conflicts:
            conflicts.add_row(conflict.episode_id, " | ".join(conflict.sources))
        console.print(conflicts)
        console.print("name them apart, or say where they belong: --episodes, --path-pattern")
    if census.proposals:
        proposals = Table("show", "alias", "speaker", "why", title="proposed aliases")
        for row in census.proposals:
            proposals.add_row(row.namespace, row.alias, row.speaker, row.why)
        console.print(proposals)
        console.print("nothing is merged; --csv prints these as --aliases reads them, to be judged")


def _show_coverage(console: TableConsole, census: Census) -> None:
    sources = Table("show", "speakers from", "utterances", title="where speakers come from")
    for one in census.sources:
        sources.add_row(one.namespace, one.source, f"{one.utterances:,}")
    console.print(sources)
    if census.contradicted:
        count = f"{census.contradicted:,} utterances"
        console.print(f"{count} have another name in a transcript than their own, which is kept")
    if census.one_sided:
        sided = Table("show", "name", "only in", "utterances", title="names of one side")
        for name in census.one_sided:
            sided.add_row(name.namespace, name.name, name.side, f"{name.utterances:,}")
        console.print(sided)


def write_proposals(census: Census, file: TextIO) -> None:
    """The proposals as a table of aliases, each for the whole of its show."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(ALIASED)
    writer.writerows((one.namespace, "", one.alias, one.speaker) for one in census.proposals)


def assumptions(repaired: int, assumed: Mapping[str, int]) -> Iterator[str]:
    """What was assumed of files, a line each, with the number of files; nothing without any."""
    if repaired:
        yield f"repaired: {repaired:,} cues or rows, whose times could not be as they were"
    for what, files in assumed.items():
        yield f"assumed: {what} in {amount(files, 0)}; --columns says otherwise of a table"
