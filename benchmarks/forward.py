"""Hands connections to a port on to addresses in turn, as a load balancer does.

python benchmarks/forward.py 8100 10.0.0.2:8100 10.0.1.2:8100
"""

from __future__ import annotations

import asyncio
import itertools
import sys


async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copies bytes until either side ends."""
    try:
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    except ConnectionError:
        pass
    finally:
        sink.close()


async def forward(port: int, addresses: list[str]) -> None:
    """Serves until the process is ended."""
    turn = itertools.cycle(addresses)

    async def connect(here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        host, _, number = next(turn).rpartition(":")
        try:
            there, on = await asyncio.open_connection(host, int(number))
        except OSError:
            back.close()
            return
        await asyncio.gather(copy(here, on), copy(there, back))

    server = await asyncio.start_server(connect, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(forward(int(sys.argv[1]), sys.argv[2:]))
