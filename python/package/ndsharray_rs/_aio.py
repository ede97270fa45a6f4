"""Waiting in programs with asyncio."""

from __future__ import annotations

import asyncio
import time

from ._native import Reader, Sample

_SLICE = 0.05
"""Seconds that a thread waits at a time: the longest time after which it notices that its task was cancelled."""


async def wait(reader: Reader, timeout: float | None) -> Sample | None:
    """`Reader.wait` in a thread of the loop's executor."""
    loop = asyncio.get_running_loop()
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        left = _SLICE if end is None else max(0.0, min(_SLICE, end - time.monotonic()))
        # The thread only waits. If the task is cancelled meanwhile, no value has been read, and none is lost.
        waiting = loop.run_in_executor(None, reader._wait_for_news, left)
        try:
            news = await asyncio.shield(waiting)
        except asyncio.CancelledError:
            # The thread has the reader until its slice is over; after that it is free again.
            await asyncio.wait([waiting])
            if not waiting.cancelled():
                # Asked for, so that an error in it is not reported as one that was never seen.
                waiting.exception()
            raise
        if news and (sample := reader.read()) is not None:
            return sample
        if end is not None and time.monotonic() >= end:
            return None
