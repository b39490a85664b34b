from __future__ import annotations

import gzip
import hashlib
import io
import time
import zipfile
from collections.abc import Mapping

import pytest
from made_up_files import SRT

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.archives import read_packed
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, read_bytes
from beam_pipeline.records import Reason

OPTIONS = ReadOptions("c")
BILLION_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE tt [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(9))
    + ']><tt><body><p end="1s">&j;</p></body></tt>'
).encode()


def archive(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return file.getvalue()


def read(path: str, data: bytes) -> list[FileContent]:
    contents = list(read_packed(path, data, OPTIONS))
    assert contents[0].source.path == path
    assert list(contents[0].source.members) == [one.source.path for one in contents[1:]]
    for content in contents:
        source = content.source
        assert source.found == source.used + source.dropped + source.rejected
        assert source.rejected == sum(one.items for one in content.rejected)
        assert all(one.source == source.path for one in content.rejected)
    return contents


def reasons(contents: list[FileContent]) -> list[Reason]:
    return [one.reason for content in contents for one in content.rejected]


def test_each_member_is_a_file_of_its_own_and_the_archive_names_them() -> None:
    data = archive({"Lights/s01e01.srt": SRT, "s01e02.srt": SRT * 2})
    packed, first, second = read("x/Harbour.zip", data)
    assert packed.source.sha256 == hashlib.sha256(data).hexdigest()
    assert (packed.source.format, packed.source.found, packed.episodes) == ("zip", 0, ())
    assert first.source.path == "x/Harbour.zip!/Lights/s01e01.srt"
    assert first.source.sha256 == hashlib.sha256(SRT).hexdigest()
    assert first.episodes[0].episode_id == "Lights/s01e01"
    assert second.episodes[0].episode_id == "Harbour/s01e02"


def test_a_file_that_is_no_archive_is_read_alone() -> None:
    (content,) = read("a.srt", SRT)
    assert content == read_bytes("a.srt", SRT, OPTIONS)


def test_hidden_members_and_folders_are_passed_over_as_in_folders() -> None:
    data = archive({"a/": b"", "a/b.srt": SRT, "__MACOSX/._b.srt": b"x", ".DS_Store": b"x"})
    assert [one.source.path for one in read("a.zip", data)[1:]] == ["a.zip!/a/b.srt"]


@pytest.mark.parametrize(
    "name", ["../a.srt", "/etc/a.srt", "a/../../b.srt", "..\\a.srt", "C:\\a.srt", "C:/a.srt"]
)
def test_a_name_that_leads_out_of_the_archive_is_refused_alone(name: str) -> None:
    contents = read("a.zip", archive({name: SRT, "ok.srt": SRT}))
    assert reasons(contents) == [Reason.UNSAFE_PATH]
    assert contents[2].source.used == 1


@pytest.mark.parametrize(
    "inner", [gzip.compress(SRT), archive({"a.srt": SRT})], ids=["gzip", "zip"]
)
def test_an_archive_within_an_archive_is_refused(inner: bytes) -> None:
    assert reasons(read("a.zip", archive({"inner": inner}))) == [Reason.NESTED_ARCHIVE]
    assert reasons(read("a.gz", gzip.compress(inner))) == [Reason.NESTED_ARCHIVE]


def test_a_damaged_member_loses_itself() -> None:
    data = bytearray(archive({"a.srt": SRT * 9, "b.srt": SRT}))
    data[45] ^= 0xFF
    contents = read("a.zip", bytes(data))
    assert reasons(contents) == [Reason.MALFORMED_FILE]
    assert contents[2].source.used == 1


def test_an_encrypted_member_is_refused() -> None:
    data = bytearray(archive({"a.srt": SRT}))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.find(mark) + at] |= 1
    assert reasons(read("a.zip", bytes(data))) == [Reason.UNREADABLE_FILE]


def test_a_damaged_archive_is_refused_whole() -> None:
    data = archive({"a.srt": SRT})
    assert reasons(read("a.zip", data[:-9])) == [Reason.MALFORMED_FILE]
    assert reasons(read("a.zip", archive({}))) == [Reason.EMPTY_FILE]


def test_of_two_members_of_one_name_neither_is_read() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("a.srt", SRT)
        with pytest.warns(UserWarning, match="Duplicate"):
            packed.writestr("a.srt", SRT * 2)
    assert reasons(read("a.zip", file.getvalue())) == [Reason.MALFORMED_FILE]


def test_an_archive_of_too_many_members_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MEMBERS", 2)
    members = {f"{number}.srt": SRT for number in range(3)}
    assert reasons(read("a.zip", archive(members))) == [Reason.FILE_TOO_LARGE]


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("a.ttml", BILLION_LAUGHS, Reason.MALFORMED_FILE),
        ("a.zip", archive({"a.srt": bytes(2**27)}), Reason.FILE_TOO_LARGE),
        ("a.zip", archive({f"{at}.srt": bytes(2**23) for at in range(9)}), Reason.FILE_TOO_LARGE),
        ("a.srt.gz", gzip.compress(bytes(2**27), mtime=0), Reason.FILE_TOO_LARGE),
        ("a.ttml.gz", gzip.compress(BILLION_LAUGHS, mtime=0), Reason.MALFORMED_FILE),
        ("a.zip", archive({"../../a.srt": SRT}), Reason.UNSAFE_PATH),
    ],
    ids=["laughs", "zip", "zip-of-many", "gzip", "laughs-gzip", "traversal"],
)
def test_bombs_are_refused_at_once(path: str, data: bytes, reason: Reason) -> None:
    begin = time.process_time()
    assert reasons(read(path, data)) == [reason]
    assert time.process_time() - begin < 2
