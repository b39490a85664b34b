from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, read_bytes
from beam_pipeline.corpus.speakers import speaker_id
from beam_pipeline.records import UTTERANCES, EmonetError, Reason

ROWS: list[dict[str, object]] = [
    {"season": 1, "episode": 2, "scene": 1, "utterance": 2, "speaker": "Ann", "text": "Two."},
    {"season": 1, "episode": 2, "scene": 1, "utterance": 1, "speaker": "Bo", "text": "One."},
    {"season": 1, "episode": 1, "scene": 7, "utterance": 1, "speaker": None, "text": "Zero."},
]


def csv_of(rows: Sequence[Mapping[str, object]]) -> bytes:
    lines = [
        ",".join(rows[0]),
        *(",".join(str(cell or "") for cell in row.values()) for row in rows),
    ]
    return "\n".join(lines).encode()


def jsonl_of(rows: Sequence[Mapping[str, object]]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def parquet_of(rows: Sequence[Mapping[str, object]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), file)
    return file.getvalue()


def read(path: str, data: bytes, show: str | None = None, **columns: str) -> FileContent:
    return read_bytes(path, data, ReadOptions("c", show, tuple(columns.items())))


def texts_by_episode(content: FileContent) -> dict[str, list[str]]:
    return {
        episode.episode_id: episode.utterances.column("text").to_pylist()
        for episode in content.episodes
    }


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a/show.csv", csv_of(ROWS)),
        ("a/show.tsv", csv_of(ROWS).replace(b",", b"\t")),
        ("a/show.csv", csv_of(ROWS).replace(b",", b";").replace(b"\n", b"\r\n")),
        ("a/show.jsonl", jsonl_of(ROWS)),
        ("a/show.parquet", parquet_of(ROWS)),
    ],
)
def test_a_table_reads_the_same_in_every_format(path: str, data: bytes) -> None:
    content = read(path, data)
    assert texts_by_episode(content) == {"show/s01e01": ["Zero."], "show/s01e02": ["One.", "Two."]}
    assert (content.source.found, content.source.used, content.rejected) == (3, 3, ())
    assert content.source.episodes == (("show/s01e01", 1), ("show/s01e02", 2))
    second = content.episodes[1]
    assert (second.corpus, second.show, second.season, second.number) == ("c", "show", 1, 2)
    assert second.utterances.schema.equals(UTTERANCES)
    assert second.utterances.column("speaker_id").to_pylist() == [
        speaker_id("show", "Bo"),
        speaker_id("show", "Ann"),
    ]
    assert content.episodes[0].utterances.column("speaker_kind").to_pylist() == ["unknown"]


def test_a_table_without_episodes_is_one() -> None:
    content = read("Harbour Lights/s01e02.jsonl", jsonl_of([{"text": "A"}, {"text": "B"}]))
    assert texts_by_episode(content) == {"Harbour Lights/s01e02": ["A", "B"]}
    content = read("Harbour Lights/pilot.en.jsonl", jsonl_of([{"text": "A"}]))
    assert texts_by_episode(content) == {"Harbour Lights/pilot": ["A"]}
    assert content.episodes[0].language == "en"


def test_the_users_show_goes_before_the_tables() -> None:
    rows = [{"text": "A", "show": "X", "episode": 1}]
    assert list(texts_by_episode(read("t.jsonl", jsonl_of(rows)))) == ["X/e01"]
    assert list(texts_by_episode(read("t.jsonl", jsonl_of(rows), show="Y"))) == ["Y/e01"]


@pytest.mark.parametrize(
    ("season", "episode", "name"),
    [
        ("s01", "02", "s01e02"),
        (None, "s01_e15", "s01e15"),
        (1.0, 2.0, "s01e02"),
        (1, None, "s01"),
        (None, "pilot", "pilot"),
        (1, "pilot", "s01-pilot"),
    ],
)
def test_season_and_episode_are_read_in_all_their_forms(
    season: object, episode: object, name: str
) -> None:
    rows = [{"text": "A", "season": season, "episode": episode}]
    assert list(texts_by_episode(read("t.jsonl", jsonl_of(rows)))) == [f"t/{name}"]


def test_columns_have_other_names_too() -> None:
    rows = [{"Transcript": "A", "scene_id": "x", "emotion": "joy", "language": "de"}]
    (episode,) = read("t.jsonl", jsonl_of(rows)).episodes
    assert episode.language == "de"
    (row,) = episode.utterances.to_pylist()
    assert (row["text"], row["dialogue_id"], row["gold"]) == ("A", "x", "joy")


def test_a_column_of_utterances_is_text_only_where_it_holds_words() -> None:
    assert texts_by_episode(read("t.jsonl", jsonl_of([{"utterance": "A"}]))) == {"c/t": ["A"]}
    content = read("t.jsonl", jsonl_of([{"utterance": 1}]))
    assert content.rejected[0].reason is Reason.MISSING_COLUMN


def test_the_user_can_name_columns() -> None:
    rows = [{"line": "A", "text": "no", "who": "Ann"}]
    content = read("t.jsonl", jsonl_of(rows), text="line", speaker="who")
    (row,) = content.episodes[0].utterances.to_pylist()
    assert (row["text"], row["speaker_name"]) == ("A", "Ann")


def test_a_missing_column_names_what_was_expected_and_counts_what_was_found() -> None:
    content = read("t.csv", b"line,who\nA,Ann\n")
    (rejected,) = content.rejected
    assert rejected.reason is Reason.MISSING_COLUMN
    assert rejected.position == ""
    assert "a column 'text', found 2 columns of other names" in rejected.detail
    assert "--columns text=NAME" in rejected.detail
    assert read("t.csv", b"text\nA\n", speaker="who").rejected[0].reason is Reason.MISSING_COLUMN


def test_unknown_fields_are_refused_where_they_enter() -> None:
    with pytest.raises(EmonetError, match="found words"):
        ReadOptions("c", columns=(("words", "line"),))
    with pytest.raises(EmonetError, match="twice"):
        ReadOptions("c", columns=(("text", "a"), ("text", "b")))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": " "}, Reason.EMPTY_TEXT),
        ({"text": None}, Reason.EMPTY_TEXT),
        ({}, Reason.EMPTY_TEXT),
        ({"text": 5}, Reason.MALFORMED_ROW),
        ({"text": "word " * 3000}, Reason.TEXT_TOO_LONG),
        ({"text": "A", "speaker": {"name": "x"}}, Reason.MALFORMED_ROW),
        ({"text": "A", "speaker": "x" * 20_000}, Reason.TEXT_TOO_LONG),
        ({"text": "half \ud800"}, Reason.MALFORMED_ROW),
        ([1], Reason.MALFORMED_ROW),
    ],
)
def test_a_bad_row_loses_itself(row: object, reason: Reason) -> None:
    lines = [json.dumps({"text": "Kept."}), json.dumps(row), "{broken"]
    content = read("t.jsonl", "\n".join(lines).encode())
    assert texts_by_episode(content) == {"c/t": ["Kept."]}
    assert {(x.position, x.reason) for x in content.rejected} == {
        ("row 2", reason),
        ("row 3", Reason.MALFORMED_ROW),
    }
    assert (content.source.found, content.source.rejected) == (3, 2)


@pytest.mark.parametrize(
    ("row", "times"),
    [
        ({"start_ms": "soon", "end_ms": 5}, (None, 5)),
        ({"start_ms": -1}, (None, None)),
        ({"start_ms": float("inf")}, (None, None)),
        ({"start_ms": 2, "end_ms": 1}, (2, 2)),
    ],
)
def test_a_row_whose_time_cannot_be_keeps_its_words(
    row: dict[str, object], times: tuple[int | None, int | None]
) -> None:
    content = read("t.jsonl", jsonl_of([{"text": "A", **row}, {"text": "B"}]))
    utterances = content.episodes[0].utterances.to_pydict()
    assert utterances["text"] == ["A", "B"]
    assert (utterances["start_ms"][0], utterances["end_ms"][0]) == times
    assert (content.source.repaired, content.rejected) == (1, ())


def test_times_are_milliseconds_or_clock_times() -> None:
    rows: list[dict[str, object]] = [
        {"text": "A", "start_ms": 1500, "end_ms": "2500"},
        {"text": "B", "start_ms": "00:00:03,5", "end_ms": "1:04.25"},
        {"text": "C", "start_ms": float("nan"), "end_ms": ""},
    ]
    table = read("t.jsonl", jsonl_of(rows)).episodes[0].utterances
    assert table.column("start_ms").to_pylist() == [1500, 3500, None]
    assert table.column("end_ms").to_pylist() == [2500, 64250, None]


def test_a_csv_row_with_other_cells_than_the_header_is_refused() -> None:
    content = read("t.csv", b'text,speaker\n"A, b",Ann\nA\nA,B,C\n\n"x"y,B\n"Two\nlines",Bo\n')
    assert texts_by_episode(content) == {"c/t": ["A, b", "Two lines"]}
    assert [x.position for x in content.rejected] == ["row 2", "row 3", "row 4"]
    assert {x.reason for x in content.rejected} == {Reason.MALFORMED_ROW}


def test_an_open_quote_never_joins_rows_in_silence() -> None:
    content = read("t.csv", b'text\nOne.\n"Two.\nThree.\n')
    assert texts_by_episode(content) == {"c/t": ["One."]}
    assert content.rejected[0].reason is Reason.MALFORMED_ROW


def test_a_damaged_parquet_file_is_refused() -> None:
    data = parquet_of(ROWS)
    for damaged in (data[:-20], b"PAR1" + data[50:], b"PAR1", b"x" * 100):
        content = read("t.parquet", damaged)
        assert [x.reason for x in content.rejected] == [Reason.MALFORMED_FILE]


MELD = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,"
    "StartTime,EndTime\n"
    '1,"Well, hi.",Ann,joy,positive,3,0,2,5,"00:20:57,256","00:21:00,049"\n'
    '2,Hi!,All,neutral,neutral,3,1,2,5,"00:21:01,927","00:21:03,261"\n'
    '3,Bye.,Bo,sadness,negative,4,0,1,5,"00:00:01,000","00:00:02,000"\n'
)


def test_meld_is_known_by_its_header() -> None:
    content = read("any.txt", MELD.encode(), text="ignored")
    assert content.source.format == "meld"
    assert texts_by_episode(content) == {
        "Friends/s01e05": ["Bye."],
        "Friends/s02e05": ["Well, hi.", "Hi!"],
    }
    rows = content.episodes[1].utterances.to_pylist()
    assert [row["dialogue_id"] for row in rows] == ["3", "3"]
    assert (rows[0]["start_ms"], rows[0]["end_ms"], rows[0]["gold"]) == (1257256, 1260049, "joy")
    assert (rows[1]["speaker_kind"], rows[1]["speaker_id"]) == ("several", None)


def test_xed_is_known_by_its_rows_and_each_line_stands_alone() -> None:
    content = read("any.tsv", b'So " it is .\t0\r\nBye .\t8, 5\r\n', text="ignored")
    assert content.source.format == "xed"
    rows = content.episodes[0].utterances.to_pylist()
    assert [(row["text"], row["gold"]) for row in rows] == [
        ('So " it is .', "neutral"),
        ("Bye .", "joy+trust"),
    ]
    assert rows[0]["dialogue_id"] != rows[1]["dialogue_id"]
    assert {row["speaker_id"] for row in rows} == {None}


def test_a_table_with_a_header_is_not_taken_for_xed() -> None:
    assert read("t.tsv", b"text\tseason\nHi\t1\nBye\t2\n").source.format == "csv"


def test_a_row_of_xed_without_numbers_is_refused_with_its_place() -> None:
    rows = [f"Line {number} .\t1" for number in range(30)]
    rows[25] = "Line .\t9"
    content = read("x.tsv", "\n".join(rows).encode())
    assert content.source.used == 29
    assert [(x.position, x.reason) for x in content.rejected] == [("row 26", Reason.MALFORMED_ROW)]


def emorynlp(*utterances: object) -> bytes:
    scene = {"scene_id": "s01_e15_c01", "utterances": list(utterances)}
    episode = {"episode_id": "s01_e15", "scenes": [scene]}
    return json.dumps({"season_id": "dev", "episodes": [episode]}).encode()


def test_emorynlp_is_known_by_its_shape() -> None:
    content = read(
        "x.json",
        emorynlp(
            {"speakers": ["Ann Lee"], "transcript": "Coffee.", "emotion": "Neutral"},
            {"speakers": ["Ann Lee", "Bo"], "transcript": "Tea.", "emotion": "Joyful"},
            {"speakers": [], "transcript": "What?", "emotion": "Mad"},
            {"speakers": ["Bo"], "transcript": "", "emotion": "Mad"},
            "no object",
        ),
    )
    (episode,) = content.episodes
    assert (content.source.format, episode.episode_id) == ("emorynlp", "Friends/s01e15")
    assert [
        (row["speaker_name"], row["speaker_kind"], row["gold"])
        for row in episode.utterances.to_pylist()
    ] == [
        ("Ann Lee", "named", "Neutral"),
        ("Ann Lee, Bo", "several", "Joyful"),
        (None, "unknown", "Mad"),
    ]
    assert set(episode.utterances.column("dialogue_id").to_pylist()) == {"s01_e15_c01"}
    assert {(x.position, x.reason) for x in content.rejected} == {
        ("row 4", Reason.EMPTY_TEXT),
        ("row 5", Reason.MALFORMED_ROW),
    }


def test_emorynlp_of_another_shape_is_refused_whole() -> None:
    for data in (b'{"episodes": [{"scenes": 3}]}', b'{"episodes": [', b'{"episodes": [' * 9999):
        assert read("x.json", data).rejected[0].reason is Reason.MALFORMED_FILE
