"""An asyncio server that hands the latest value to each client, as FastAPI's handlers would."""

from __future__ import annotations

import asyncio

import numpy as np

import ndsharray_rs as nd


# --8<-- [start:server]
async def serve(name: str, clients: int) -> list[bytes]:
    """Answers each request with the next value's bytes, in one thread."""

    async def handle(request: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        await request.readline()
        # Each request has a reader of its own, so that each waits for itself.
        with nd.Reader(name, timeout=60.0) as reader:
            sample = await reader.wait_async(timeout=60.0)
            assert sample is not None
            # Straight from shared memory; the sample is held until it has been sent.
            answer.write(memoryview(sample).cast("B"))
            await answer.drain()
        answer.close()

    async def ask(port: int) -> bytes:
        got, to = await asyncio.open_connection("127.0.0.1", port)
        to.write(b"GET\n")
        await to.drain()
        found = await got.read()
        to.close()
        await to.wait_closed()
        return found

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return list(await asyncio.gather(*(ask(port) for _ in range(clients))))


def test_server(writer: nd.Writer) -> None:
    frame = np.arange(60_000, dtype=np.uint8).reshape(100, 200, 3)
    writer.write(frame)
    assert asyncio.run(serve(writer.name, 5)) == [frame.tobytes()] * 5
    # --8<-- [end:server]
