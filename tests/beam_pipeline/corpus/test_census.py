from __future__ import annotations

import csv
import io
import json

from beam_pipeline.corpus.census import Census, Collision, take_census
from beam_pipeline.corpus.options import ALIASED, ReadOptions
from beam_pipeline.corpus.reading import read_bytes
from beam_pipeline.corpus.speakers import speaker_id
from beam_pipeline.records import Episode
from emonet.cli.speaker_report import show_census, write_proposals


def episodes(*names: str | None, options: ReadOptions | None = None) -> tuple[Episode, ...]:
    rows = [{"text": "Hi", "speaker": name, "show": "Quay", "episode": 1} for name in names]
    data = "\n".join(map(json.dumps, rows)).encode()
    return read_bytes("a.jsonl", data, options or ReadOptions("c")).episodes


def census(*names: str | None) -> Census:
    return take_census(episodes(*names))


def test_speakers_are_counted_by_who_they_are() -> None:
    found = census("ANN", "Ann", "ANN", "MAN 1", "All", None)
    assert [(one.names, one.kind, one.utterances) for one in found.entries] == [
        (("ANN", "Ann"), "named", 3),
        (("All",), "several", 1),
        (("MAN 1",), "generic", 1),
    ]
    assert found.nameless == 1


def test_names_that_are_part_of_one_other_or_spelt_almost_so_are_proposed() -> None:
    found = census(
        *["Jeff Probst"] * 20, *["Probst"] * 6, "PROST", *["Elisabeth"] * 5, "Elisabaeth"
    )
    proposed = {(one.alias, one.speaker) for one in found.proposals}
    assert proposed == {
        ("Probst", "Jeff Probst"),
        ("PROST", "Jeff Probst"),
        ("Elisabaeth", "Elisabeth"),
    }


def test_a_name_that_may_be_any_of_several_is_a_collision_and_never_proposed() -> None:
    found = census(*["JEFF V."] * 9, "JEFF", "JEFF K", *["KELLY"] * 9, "KEL")
    assert found.collisions == (Collision("Quay", "JEFF", ("JEFF K", "JEFF V.")),)
    assert found.proposals == ()


def test_what_is_proposed_is_what_aliases_are_read_from() -> None:
    names = (*["Elisabeth"] * 5, "Elisabaeth")
    file = io.StringIO()
    write_proposals(census(*names), file)
    rows = [tuple(row[name] for name in ALIASED) for row in csv.DictReader(file.getvalue().split())]
    options = ReadOptions("c", aliases=tuple(rows))  # type: ignore[arg-type]
    (episode,) = episodes(*names, options=options)
    assert set(episode.utterances["speaker_id"].to_pylist()) == {speaker_id("Quay", "Elisabeth")}
    merged = take_census([episode])
    assert [one.utterances for one in merged.entries] == [6]
    assert merged.proposals == ()


def test_the_report_names_all_and_merges_nothing() -> None:
    file = io.StringIO()
    show_census(census("JEFF V.", "JEFF", "JEFF K", *["Elisabeth"] * 5, "Elisabaeth"), 2, file)
    for line in ("JEFF K", "collisions", "proposed aliases", "2 refusals", "nothing is merged"):
        assert line in file.getvalue()
