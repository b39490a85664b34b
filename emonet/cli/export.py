"""`emonet export`: labelled utterances for spreadsheets, players and other people's programs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from emonet.cli.shared_flags import Commands, output_command
from emonet.export import TARGETS

if TYPE_CHECKING:
    from emonet.emotions import Emotions
    from emonet.export.target import Target


def add_to(commands: Commands) -> None:
    """Enters the command with its flags."""
    parser = output_command(
        commands,
        "export",
        export,
        "write labels for other programs",
        "emonet export labelled --to ass --output subtitles",
    )
    parser.set_defaults(interrupted="no file is half written", done="all is exported")
    add = parser.add_argument
    add("--to", required=True, choices=TARGETS, help="for whom; see docs/export.md")
    add("--output", required=True, dest="destination", metavar="PATH",
        help="file (csv, jsonl, parquet), else a new folder; or gs://BUCKET/PATH")  # fmt: skip


def export(flags: argparse.Namespace, rest: list[str]) -> int:
    """Exports what is labelled."""
    import emonet
    from beam_pipeline.output.existing import check_output
    from emonet.cli.console import stdout
    from emonet.emotions import read_emotions
    from emonet.export.target import target_of

    check_output(flags.output)
    target = target_of(flags.to)
    emotions = read_emotions(emonet.open_corpus(flags.output))
    utterances, files = _write(target, emotions, flags.destination)
    unit = "file" if files == 1 else "files"
    stdout.print(f"{utterances:,} of {len(emotions):,} utterances in {files:,} {unit}")
    if utterances < len(emotions):
        stdout.print(f"left out: {target.left_out}")
    return 0


def _write(target: Target, emotions: Emotions, destination: str) -> tuple[int, int]:
    """Writes what a target makes of utterances.

    Returns:
      How many utterances are written, and how many files.

    Raises:
      EmonetError: the folder has files, or cannot be written; or the target refuses.
    """
    from beam_pipeline.records import EmonetError
    from beam_pipeline.storage import storage_of

    place = destination.rstrip("/")
    folder, _, name = (place, "", "") if target.is_folder else place.rpartition("/")
    storage = storage_of(folder or ".")
    if target.is_folder and next(iter(storage.files("")), None):
        raise EmonetError(f"{destination}: has files already; give a folder that is new")
    made, count = target.export(emotions), 0
    for path, content in made.files:
        storage.write(path or name, content)
        count += 1
    return made.utterances, count
