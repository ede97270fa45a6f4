"""Waiting in programs with asyncio."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol, TypeVar

_SLICE = 0.05
"""The longest wait of a thread at a time, in seconds. After that it notices a cancelled task."""

_Sample = TypeVar("_Sample", covariant=True)


class _Reader(Protocol[_Sample]):
    """The methods of `Reader` that this needs. `Reader` itself needs this module."""

    def read(self) -> _Sample | None: ...

    def _wait_for_news(self, timeout: float | None) -> bool: ...


async def wait(reader: _Reader[_Sample], timeout: float | None) -> _Sample | None:
    """Call `Reader.wait` in a thread of the loop's executor."""
    loop = asyncio.get_running_loop()
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        left = _SLICE if end is None else max(0.0, min(_SLICE, end - time.monotonic()))
        # The thread only waits. If the task is cancelled meanwhile, no value is read, or lost.
        waiting = loop.run_in_executor(None, reader._wait_for_news, left)
        try:
            news = await asyncio.shield(waiting)
        except asyncio.CancelledError:
            # The thread uses the reader until its slice is over. After that the reader is free.
            await asyncio.wait([waiting])
            if not waiting.cancelled():
                # Retrieved, so that asyncio does not report its error as never retrieved.
                waiting.exception()
            raise
        if news and (sample := reader.read()) is not None:
            return sample
        if end is not None and time.monotonic() >= end:
            return None
