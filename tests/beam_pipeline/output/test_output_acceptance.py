"""What a run must come to for its commit, and what the views show of a night with nothing in it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_runs import (
    BAD,
    Night,
    begin,
    entries,
    files_of,
    files_read,
    labelled,
    memory_of,
    night,
    query,
    refusal,
    run_night,
    source_of,
)
from plain_commit import commit

from beam_pipeline.output.acceptance import Acceptance, check_requested, check_worth
from beam_pipeline.output.files import files_spoken
from beam_pipeline.output.manifest import read_manifests
from beam_pipeline.records import EmonetError, Reason, Rejected, SourceFile, own_sentence

STRICT = Acceptance()


def refused(path: str, position: str, reason: Reason, items: int = 1) -> Rejected:
    return Rejected(path, position, reason, "expected otherwise", items)


def files_and_cues(
    files: int, lost_files: int, cues: int, lost_cues: int, reason: Reason = Reason.MALFORMED_CUE
) -> Night:
    """A night of one spoken episode, in as many files and cues, of which some were refused."""
    episode = labelled(1, rows=1)
    sources = [
        SourceFile(f"lost/{at:03d}.srt", "", 0, "", "", 1, 0, 0, 1, ()) for at in range(lost_files)
    ]
    rejected = [refused(one.path, "", Reason.UNREADABLE_FILE) for one in sources]
    spoken = source_of([episode])
    dropped = cues - lost_cues - 1
    sources.append(dataclasses.replace(spoken, found=cues, rejected=lost_cues, dropped=dropped))
    rejected += [refused(spoken.path, f"line {at}", reason) for at in range(1, lost_cues + 1)]
    sources += [
        SourceFile(f"mute/{at:03d}.srt", "", 1, "srt", "utf-8", 0, 0, 0, 0, ())
        for at in range(files - lost_files - 1)
    ]
    return Night(episodes=(episode,), rejected=tuple(rejected), sources=tuple(sources))


NOTHING = {
    "no file": Night(),
    "a refused file": Night(rejected=(refusal(),), sources=(BAD,)),
    "no speech": Night(
        sources=(SourceFile("mute.srt", "2" * 64, 9, "srt", "utf-8", 4, 0, 4, 0, ()),)
    ),
    "duplicates": Night(
        rejected=(refused("twin.srt", "show/s01e01", Reason.DUPLICATE, 3),),
        sources=(source_of([labelled(1)], "twin.srt"),),
    ),
}


@pytest.mark.parametrize("whole", NOTHING.values(), ids=NOTHING)
def test_a_run_that_labels_nothing_leaves_the_night_as_it_was(tmp_path: Path, whole: Night) -> None:
    run_night(tmp_path, "1", night(1, 2))
    before = read_manifests(str(tmp_path)), (tmp_path / "views.sql").read_bytes()
    run = begin(tmp_path, "1", acceptance=Acceptance(max_rejected=1, replace=True))
    with pytest.raises(EmonetError, match=r"nothing was labelled .* with --allow-empty$"):
        commit(run, entries(run, whole))
    assert (read_manifests(str(tmp_path)), (tmp_path / "views.sql").read_bytes()) == before


@pytest.mark.parametrize("whole", NOTHING.values(), ids=NOTHING)
def test_an_empty_night_that_is_allowed_leaves_the_rows_of_the_others_in_view(
    tmp_path: Path, whole: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(tmp_path, "1", night(1, 2))
    run_night(tmp_path, "2", whole)
    assert query(tmp_path, "SELECT count(*), min(night) FROM labels", monkeypatch) == [(6, "1")]
    assert query(tmp_path, "SELECT count(*) FROM memory", monkeypatch) == [(2,)]


@pytest.mark.parametrize("whole", NOTHING.values(), ids=NOTHING)
def test_views_of_tables_without_any_file_have_the_columns_of_others_and_no_rows(
    tmp_path: Path, whole: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(tmp_path / "full", "1", night(1, 2))
    run_night(tmp_path / "empty", "1", whole)
    for table in ("labels", "rejected", "memory"):
        columns = f"SELECT column_name, column_type FROM (DESCRIBE {table})"
        expected = query(tmp_path / "full", columns, monkeypatch)
        assert query(tmp_path / "empty", columns, monkeypatch) == expected
    for table in ("labels", "memory"):
        assert query(tmp_path / "empty", f"FROM {table}", monkeypatch) == []
    sql = "SELECT label, avg(prob_joy), any_value(run) FROM labels GROUP BY label"
    assert query(tmp_path / "empty", sql, monkeypatch) == []
    assert len(query(tmp_path / "empty", "FROM rejected", monkeypatch)) == len(whole.rejected)


@pytest.mark.parametrize(
    ("whole", "message"),
    [
        (files_and_cues(500, 163, 9, 0), "163 of 500 files were refused"),
        (files_and_cues(1, 0, 100, 21), "21 of 100 cues were refused"),
        (files_and_cues(4, 1, 3, 1), "1 of 4 files were refused, .* and 1 of 3 cues were refused"),
    ],
)
def test_a_run_that_lost_more_than_a_share_is_refused_by_that_share_alone(
    tmp_path: Path, whole: Night, message: str
) -> None:
    run = begin(tmp_path, "1", acceptance=STRICT)
    with pytest.raises(EmonetError, match=f"{message}.* with a higher --max-rejected$"):
        commit(run, entries(run, whole))
    assert read_manifests(str(tmp_path)) == {}
    accepting = begin(tmp_path, "1", acceptance=Acceptance(max_rejected=0.4))
    assert commit(accepting, entries(accepting, whole))["counts"]["utterances"] == 1


@pytest.mark.parametrize(
    "whole", [files_and_cues(5, 1, 9, 0), files_and_cues(1, 0, 10, 2), files_and_cues(1, 0, 1, 0)]
)
def test_a_run_that_lost_no_more_than_the_share_is_committed(tmp_path: Path, whole: Night) -> None:
    run = begin(tmp_path, "1", acceptance=STRICT)
    assert commit(run, entries(run, whole))["counts"]["utterances"] == 1


def test_what_is_passed_over_by_a_rule_is_no_loss(tmp_path: Path) -> None:
    run = begin(tmp_path, "1", acceptance=STRICT)
    whole = files_and_cues(1, 0, 100, 99, Reason.OTHER_LANGUAGE)
    assert commit(run, entries(run, whole))["counts"]["rejected"] == {"other_language": 99}


def test_a_file_counts_as_a_file_and_a_cue_as_a_cue(tmp_path: Path) -> None:
    manifest = run_night(tmp_path, "1", files_and_cues(4, 3, 10, 2))
    counts = manifest["counts"]
    assert counts["found"] == 10
    assert counts["rejected"] == {"malformed_cue": 2}
    assert counts["rejected_files"] == {"unreadable_file": 3}


def test_the_first_refusal_of_each_reason_is_named_in_the_order_of_the_file(
    tmp_path: Path,
) -> None:
    manifest = run_night(tmp_path, "1", files_and_cues(4, 3, 30, 12))
    firsts = [(one["reason"], one["source"], one["position"]) for one in manifest["first_rejected"]]
    assert firsts == [
        ("malformed_cue", "made/up.srt", "line 1"),
        ("unreadable_file", "lost/000.srt", ""),
    ]


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(source=names, detail=names)
def test_a_refusal_crosses_an_engine_whole_whatever_files_are_called(
    tmp_path_factory: pytest.TempPathFactory, source: str, detail: str
) -> None:
    one = Rejected(source, "", Reason.NO_CUES, detail, 1)
    whole = Night(rejected=(one,), sources=(dataclasses.replace(BAD, path=source),))
    manifest = run_night(tmp_path_factory.mktemp("out"), "1", whole)
    with pytest.raises(EmonetError) as raised:
        check_worth(manifest, STRICT, [])
    sentence = str(raised.value)
    elsewhere = RuntimeError(f"Traceback\nmodule.EmonetError: {sentence} [while running 'Commit']")
    assert own_sentence(elsewhere) == sentence
    assert sentence.endswith("with --allow-empty and a higher --max-rejected")


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """A night that was labelled from `made/up.srt`, and was asked for `made/bad.srt`, too."""
    folder = tmp_path_factory.mktemp("held")
    return files_spoken(files_read(folder, run_night(folder, "1", night(1, 2))))


@pytest.mark.parametrize(
    "paths",
    [
        ("made/up.srt", "made/bad.srt"),
        ("made/up.srt",),
        ("made/up.srt", "made/new.srt"),
        (str(Path("made/up.srt").absolute()),),
    ],
)
def test_a_night_may_be_run_again_with_its_files_and_more(
    held: set[str], paths: tuple[str, ...]
) -> None:
    check_requested("1", held, paths, STRICT)


@pytest.mark.parametrize("paths", [(), ("made/bad.srt",), ("other/a.srt", "other/b.srt")])
def test_a_night_that_would_lose_a_file_is_refused_and_both_sides_are_named(
    held: set[str], paths: tuple[str, ...]
) -> None:
    with pytest.raises(EmonetError) as raised:
        check_requested("1", held, paths, STRICT)
    message = str(raised.value)
    assert f"night 1 holds {Path('made/up.srt').absolute()}, and this run is asked for" in message
    for path in (*paths[:1], "--night NAME", "--replace"):
        assert path in message
    check_requested("1", held, paths, Acceptance(replace=True))


def test_the_files_in_an_archive_are_kept_with_it(tmp_path: Path) -> None:
    episodes = (labelled(1),)
    inner = source_of(episodes, "made/up.zip!/a.srt")
    archive = SourceFile("made/up.zip", "2" * 64, 9, "zip", "", 0, 0, 0, 0, (), (), (inner.path,))
    run = begin(tmp_path, "1")
    whole = Night(episodes=episodes, sources=(archive,), memory=memory_of("ann"))
    manifest = commit(run, [*entries(run, whole), inner])
    held = files_spoken(files_read(tmp_path, manifest))
    check_requested("1", held, ("made/up.zip",), STRICT)
    with pytest.raises(EmonetError, match=r"holds \S+/made/up\.zip, and this run"):
        check_requested("1", held, ("made/other.zip",), STRICT)


def test_a_run_over_other_files_is_refused_before_it_writes_anything(tmp_path: Path) -> None:
    run_night(tmp_path, "1", night(1))
    before = files_of(tmp_path)
    with pytest.raises(EmonetError, match="night 1 holds"):
        begin(tmp_path, "1", paths=("other.srt",), acceptance=STRICT)
    assert files_of(tmp_path) == before


def test_a_file_that_gave_the_night_utterances_is_not_lost_when_it_is_refused_now(
    tmp_path: Path,
) -> None:
    labelled_twice = [labelled(number) for number in (1, 2)]
    paths = [f"made/{at}.srt" for at in range(9)]
    spoken = [source_of([one], path) for one, path in zip(labelled_twice, paths, strict=False)]
    mute = [source_of([], path) for path in paths[2:]]
    whole = Night(episodes=tuple(labelled_twice), sources=(*spoken, *mute))
    before = run_night(tmp_path, "1", whole)
    lost = dataclasses.replace(BAD, path=paths[1])
    without = Night(
        episodes=whole.episodes[:1],
        sources=(spoken[0], lost, *mute),
        rejected=(refusal(paths[1]),),
    )
    run = begin(tmp_path, "1", paths=paths, acceptance=STRICT)
    with pytest.raises(EmonetError) as raised:
        commit(run, entries(run, without))
    absolute = Path(paths[1]).absolute()
    assert f"because it would lose {absolute}, now without an utterance" in str(raised.value)
    assert f"no_cues: 1 file, first {paths[1]}: expected cues" in str(raised.value)
    assert str(raised.value).endswith("accept it with --replace")
    assert read_manifests(str(tmp_path)) == {"1": before}
    accepting = begin(tmp_path, "1", paths=paths, acceptance=Acceptance(replace=True))
    assert commit(accepting, entries(accepting, without))["supersedes"] == before["run"]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_share_that_is_none_is_an_error(share: float) -> None:
    with pytest.raises(EmonetError, match="--max-rejected wants 0 to 1"):
        Acceptance(max_rejected=share)
