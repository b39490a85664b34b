"""Flags are held where they enter, and what cannot be printed never fails what was done."""

from __future__ import annotations

import argparse
import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_corpora import write_season
from made_up_files import SRT
from made_up_runs import night, run_night, without_progress

from beam_pipeline.output.manifest import read_manifests
from emonet.__main__ import command_line, main
from emonet.cli.address_space import NEEDED_BYTES
from emonet.cli.console import sentence_of
from emonet.cli.printing import UNPRINTED
from model.checkpoint import Checkpoint

Caught = pytest.CaptureFixture[str]
COMMAND = [sys.executable, "-m", "emonet"]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(Path(__file__).parents[2]),
    "OMP_NUM_THREADS": "1",
}


def usage_error(arguments: list[str], capsys: Caught) -> str:
    """The last line of a refused usage."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def flags_of(parser: argparse.ArgumentParser, *names: str) -> Iterator[tuple[list[str], str]]:
    """Every numeric flag of every command, after what its command wants."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield from flags_of(command, *names, name)
        elif action.type in (int, float):
            yield [*names, *required_by(parser)], action.option_strings[-1]


def required_by(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if action.required:
            yield from [*action.option_strings[:1], "x"]


NUMERIC = list(flags_of(command_line()))


def test_there_are_numeric_flags_to_hold() -> None:
    assert {"--join-gap", "--dialogue-gap", "--epochs"} <= {flag for _, flag in NUMERIC}


@pytest.mark.parametrize(("command", "flag"), NUMERIC)
def test_a_number_that_is_none_is_refused_by_its_flag(
    command: list[str], flag: str, capsys: Caught
) -> None:
    for value in ("nan", "inf", "-inf", "1e400", "-1", "9" * 400, "many", ""):
        error = usage_error([*command, f"{flag}={value}"], capsys)
        assert f"{flag}: " in error
        assert "number from 0 to 1,000,000,000" in error
        assert len(error) < 200


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["lable", "x"], "'lable' is none of label, show, report"),
        (["lable", "x"], "did you mean label, not lable?"),
        (["label", "x", "--ouput", "y"], "did you mean --output, not --ouput?"),
        (["evaluate", "x", "--jsn=y"], "did you mean --json, not --jsn?"),
        (["speakers", "x", "--cs"], "unrecognized arguments: --cs; did you mean --csv, not --cs?"),
        (["runs", "x", "--verb"], "unrecognized arguments: --verb"),
        (["encoder", "fetch", "mpnt"], "did you mean mpnet, not mpnt?"),
        (["speakers", "x", "--show", "caf\udce9"], "--show: 'caf\\udce9' is no UTF-8"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(
    arguments: list[str], meant: str, capsys: Caught
) -> None:
    assert meant in usage_error(arguments, capsys)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--encodr", "x"], "did you mean --encoder, not --encodr?"),
        (["--night-name=x"], "--night-name: neither"),
        (["--direct_num_wokers=2"], "did you mean --direct_num_workers, not --direct_num_wokers?"),
        (["--direct_num_workers=0"], "--direct_num_workers 0: give a number from 1 to 1,024"),
        (["--direct_num_workers=1000000"], "--direct_num_workers 1000000: give a number from 1"),
    ],
)
def test_options_of_beam_are_held_too(
    flags: list[str], told: str, tmp_path: Path, capsys: Caught
) -> None:
    corpus = write_season(tmp_path / "quay", (1,))
    assert main(["label", str(corpus), "--output", str(tmp_path / "out"), *flags]) == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_version_is_told(capsys: Caught) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("emonet 0.")


@pytest.mark.parametrize(
    "command", [["runs"], ["verify"], ["vacuum", "--older-than", "7d"], ["rebuild-memory"]]
)
def test_a_folder_that_is_no_output_is_an_error(
    command: list[str], tmp_path: Path, capsys: Caught
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.srt").touch()
    for folder in ("nowhere", "other"):
        assert main([command[0], str(tmp_path / folder), *command[1:]]) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert f"{tmp_path / folder}: nothing of emonet is here; give " in told.err
    assert not (tmp_path / "nowhere").exists()


def test_speakers_of_nothing_that_could_be_read_are_an_error_that_names_why(
    tmp_path: Path, capsys: Caught
) -> None:
    table = tmp_path / "a.csv"
    table.write_text("who,line\nAnn,Hi\n")
    for flags in ([], ["--csv"]):
        assert main(["speakers", str(table), *flags]) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert f"nothing could be read: {table}: missing_column expected a header" in told.err
        assert "(1 refused in all)" in told.err
    assert main(["speakers", str(table), "--columns", "text=line,speaker=who"]) == 0
    assert "Ann" in capsys.readouterr().out


def test_too_little_address_space_is_one_sentence(tmp_path: Path) -> None:
    corpus = write_season(tmp_path / "quay", (1,))
    limited = ["sh", "-c", 'ulimit -v "$0"; exec "$@"', str(NEEDED_BYTES // 2048)]
    ran = subprocess.run(
        [*limited, *COMMAND, "label", str(corpus), "--output", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "emonet label: 3.0 GiB of address space are too few (ulimit -v): give 6.0 GiB or more, or "
        "bound the memory in place of the addresses\n"
    )


def test_an_unforeseen_error_under_a_limit_of_addresses_names_the_limit(
    capsys: Caught, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: object) -> None:
        raise MemoryError

    limit = resource.getrlimit(resource.RLIMIT_AS)
    monkeypatch.setattr("beam_pipeline.corpus.census.take_census", fails)
    resource.setrlimit(resource.RLIMIT_AS, (64 * 2**30, limit[1]))
    try:
        assert main(["speakers", str(tmp_path)]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
    error = capsys.readouterr().err
    assert "failed with MemoryError; 64.0 GiB of address space may be too few for it" in error


def test_an_error_of_the_system_names_the_file_in_words_of_the_system() -> None:
    error = PermissionError(errno.EACCES, "words of anybody", "a.toml")
    assert sentence_of(error) == "a.toml: Permission denied; --verbose shows the trace"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An OUT with one night, and a corpus beside it."""
    run_night(tmp_path / "out", "1", night(1))
    (tmp_path / "Isle").mkdir()
    for number in range(1, 4):
        (tmp_path / "Isle" / f"S01E0{number}.srt").write_bytes(SRT)
    return tmp_path / "out"


@pytest.mark.parametrize(
    "command",
    ["runs {out}", "verify {out}", "vacuum {out} --older-than 7d", "speakers {out}/../Isle"],
)
def test_what_cannot_be_printed_is_told_and_what_nobody_reads_is_not(
    out: Path, command: str
) -> None:
    arguments = [*COMMAND, *(part.format(out=out) for part in command.split())]
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            arguments, stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=False
        )
    assert (ran.returncode, ran.stderr) == (
        UNPRINTED,
        f"emonet {command.split()[0]}: all is done, but what it prints could not be written "
        "(No space left on device)\n",
    )
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(
        arguments, stdout=writer, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=False
    )
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_night_whose_table_cannot_be_printed_is_committed(
    tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    corpus = write_season(tmp_path / "quay", (1,))
    flags = ["--output", str(tmp_path / "out"), "--checkpoint", str(tiny_checkpoint.folder)]
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [*COMMAND, "label", str(corpus), *flags],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
            check=False,
        )
    assert (ran.returncode, without_progress(ran.stderr)) == (
        UNPRINTED,
        "emonet label: the night is committed, but what it prints could not be written "
        "(No space left on device)\n",
    )
    assert read_manifests(str(tmp_path / "out"))["0"]["counts"]["utterances"] == 14


def test_inputs_are_named_in_a_file_as_on_the_command_line(
    tmp_path: Path, tiny_checkpoint: Checkpoint, capsys: Caught
) -> None:
    write_season(tmp_path / "quay", (1, 2))
    write_season(tmp_path / "pier", (3,), show="Pier")
    listed = tmp_path / "listed.txt"
    listed.write_bytes(f"{tmp_path}/quay/*.jsonl\r\n\n{tmp_path}/pier\n".encode())
    usual = ["--checkpoint", str(tiny_checkpoint.folder), "--any-language"]
    out = tmp_path / "out"
    assert main(["label", "--inputs-from", str(listed), "--output", str(out), *usual]) == 0
    assert read_manifests(str(out))["0"]["counts"]["episodes"] == 3

    listed.write_text("\n\n")
    for given, message in (
        (["--inputs-from", str(listed)], f"--inputs-from {listed}: names no input"),
        (["--inputs-from", str(tmp_path / "none")], "cannot be read (No such file or directory)"),
        ([], "nothing to label: give INPUT or --inputs-from FILE"),
    ):
        capsys.readouterr()
        assert main(["label", *given, "--output", str(out), *usual]) == 1
        assert message in capsys.readouterr().err
