"""`emonet report`: one page over all that is labelled, which a browser opens from disk."""

from __future__ import annotations

import argparse

from emonet.cli.shared_flags import Commands, output_command


def add_to(commands: Commands) -> None:
    """Enters the command with its flags."""
    parser = output_command(
        commands,
        "report",
        report,
        "write a page: arcs, characters, scenes, search, corrections",
        "emonet report labelled --output report.html",
    )
    parser.set_defaults(interrupted="no file is half written", done="the page is written")
    parser.add_argument("--output", required=True, dest="destination", metavar="FILE.html",
                        help="file, which is replaced; or gs://BUCKET/PATH")  # fmt: skip


def report(flags: argparse.Namespace, rest: list[str]) -> int:
    """Writes the page."""
    import emonet
    from beam_pipeline.output.existing import check_output
    from beam_pipeline.storage import storage_of
    from emonet.cli.console import stdout
    from emonet.emotions import read_emotions
    from emonet.report.page import report_page

    check_output(flags.output)
    corpus = emonet.open_corpus(flags.output)
    emotions = read_emotions(corpus)
    page = report_page(corpus, emotions).encode()
    folder, _, name = flags.destination.rpartition("/")
    storage_of(folder or ".").write(name, page)
    size = f"{len(page) / 1e6:.1f} MB"
    stdout.print(f"{flags.destination}: {len(emotions):,} utterances, {size}; open it in a browser")
    return 0
