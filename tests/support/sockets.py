"""What a process and all that it starts listen on, as the kernel tells."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from services import children

LISTENS, TAKES_DATAGRAMS = "0A", "07"
STATES = {"tcp": LISTENS, "tcp6": LISTENS, "udp": TAKES_DATAGRAMS, "udp6": TAKES_DATAGRAMS}


class Socket(NamedTuple):
    """A socket that something can be sent to."""

    protocol: str
    host: str
    port: int

    @property
    def is_reached_from_elsewhere(self) -> bool:
        return not ipaddress.ip_address(self.host).is_loopback


def tree(process: int) -> list[int]:
    """A process and all that it started."""
    return [process, *(one for child in children(process) for one in tree(child))]


def listening(process: int) -> set[Socket]:
    """What one process listens on now; nothing if it has ended."""
    with contextlib.suppress(OSError):
        own = set(_inodes(process))
        return {
            _socket(protocol, fields[1])
            for protocol, state in STATES.items()
            for fields in _rows(Path(f"/proc/{process}/net/{protocol}"))
            if fields[3] == state and fields[9] in own
        }
    return set()


def _inodes(process: int) -> Iterator[str]:
    for link in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(OSError):
            yield from re.findall(r"^socket:\[(\d+)\]$", os.readlink(link))


def _rows(table: Path) -> list[list[str]]:
    return [line.split() for line in table.read_text().splitlines()[1:]]


def _socket(protocol: str, address: str) -> Socket:
    host, port = address.split(":")
    # words of 32 bits in the order of this machine
    words = struct.pack(f"={len(host) // 8}I", *(int(w, 16) for w in re.findall("." * 8, host)))
    at = ipaddress.ip_address(words)
    # `::ffff:127.0.0.1` is an address of IPv4 by another name
    at = at.ipv4_mapped or at if isinstance(at, ipaddress.IPv6Address) else at
    return Socket(protocol, str(at), int(port, 16))


class Watch:
    """All that processes listened on while the block ran.

    A server that is there for the whole job, as all of Beam's are, is seen hundreds of times.
    """

    EVERY_S = 0.02

    def __init__(self, *processes: int):
        self.processes, self.seen, self.looks = processes, set[Socket](), 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(self.EVERY_S):
            for process in self.processes:
                for one in tree(process):
                    self.seen |= listening(one)
            self.looks += 1

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
