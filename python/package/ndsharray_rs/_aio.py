"""Waiting in programs with asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sized
from typing import Protocol, TypeVar

from .errors import Closed

_Sample = TypeVar("_Sample", covariant=True)


class _Reader(Protocol[_Sample]):
    """The methods of `Reader` that this needs. `Reader` itself needs this module."""

    @property
    def closed(self) -> bool: ...

    @property
    def _in_order(self) -> bool: ...

    def read(self) -> _Sample | None: ...

    def read_next(self) -> _Sample | None: ...

    def _wait_for_news(self, timeout: float | None, cancelled: Sized) -> bool: ...

    def _wake(self) -> None: ...


async def wait(reader: _Reader[_Sample], timeout: float | None) -> _Sample | None:
    """Call `Reader.wait` in a thread of the loop's executor."""
    return await _wait(reader, timeout, reader.read)


async def _wait(reader: _Reader[_Sample], timeout: float | None, read: Callable[[], _Sample | None]) -> _Sample | None:
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        left = None if end is None else max(0.0, end - time.monotonic())
        if await _news(reader, left) and (sample := read()) is not None:
            return sample
        if end is not None and time.monotonic() >= end:
            return None


async def _news(reader: _Reader[_Sample], timeout: float | None) -> bool:
    # The thread only waits. If the task is cancelled meanwhile, no value is read, or lost.
    cancelled: list[None] = []
    waiting = asyncio.get_running_loop().run_in_executor(None, reader._wait_for_news, timeout, cancelled)
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        # The thread uses the reader until it has noticed. After that the reader is free.
        cancelled.append(None)
        reader._wake()
        await asyncio.wait([waiting])
        if not waiting.cancelled():
            # Retrieved, so that asyncio does not report its error as never retrieved.
            waiting.exception()
        raise


async def following(reader: _Reader[_Sample]) -> _Sample:
    """Return the next sample of `async for`, which ends when the channel or the reader is closed."""
    if reader.closed:
        # As a loop over a reader that is closed before it begins.
        raise ValueError("this Reader has been closed")
    try:
        sample = await _wait(reader, None, reader.read_next if reader._in_order else reader.read)
    except Closed:
        raise StopAsyncIteration from None
    except ValueError:
        if reader.closed:
            raise StopAsyncIteration from None
        raise
    assert sample is not None
    return sample
