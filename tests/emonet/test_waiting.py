from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path


def until_it_ends(terminal: int) -> bytes:
    shown = b""
    while True:
        try:
            more = os.read(terminal, 4096)
        except OSError:  # Linux says so when the last writer is gone
            return shown
        if not more:
            return shown
        shown += more


def test_a_terminal_shows_what_is_waited_for_and_then_the_error_alone(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-P", "-m", "emonet", "label", "nowhere.srt", "--output", "out"],
        stderr=theirs,
        cwd=tmp_path,
    )
    os.close(theirs)
    shown = until_it_ends(ours)
    assert running.wait() == 1
    waited, error = shown.split(b"\r\x1b[K")
    assert waited == b"loading Beam and the model ..."
    assert error.startswith(b"emonet label: input 'nowhere.srt'")
