"""A process that forks a child for each OUT it reads, which commits when it is let go.

    python commit_forks.py PICKLE        a run and what its commit is made from

Each line of the standard input is an OUT; the child's number is answered, the next byte lets it go,
and its exit status is answered. So a child can be traced from its first system call of the commit
on, without those of an interpreter that starts.
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
import pickle
import sys
from pathlib import Path

from beam_pipeline.output.commit import commit

_PR_SET_PTRACER, _ANY = 0x59616D61, -1


def main() -> None:
    run, entries = pickle.loads(Path(sys.argv[1]).read_bytes())
    while line := os.read(0, 4096).decode():
        output = line.strip()
        if not output:
            # that let a child go which was killed before it read it
            continue
        child = os.fork()
        if not child:
            # where only a parent may trace
            ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(_ANY), 0, 0, 0)
            os.write(1, f"{os.getpid()}\n".encode())
            os.read(0, 1)
            commit(dataclasses.replace(run, output=output), entries)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
