"""Waiting in programs with asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Sized
from typing import Protocol, TypeVar

from .errors import Closed, NdsharrayError

_Sample = TypeVar("_Sample", covariant=True)


class _Reader(Protocol[_Sample]):
    """The methods of `Reader` that this needs. `Reader` itself needs this module."""

    @property
    def closed(self) -> bool: ...

    @property
    def _in_order(self) -> bool: ...

    def wait(self, timeout: float | None) -> _Sample | None: ...

    def wait_next(self, timeout: float | None) -> _Sample | None: ...

    def fileno(self) -> int: ...

    def _on_close(self, call: Callable[[], None] | None) -> None: ...

    def _wait_for_news(self, timeout: float | None, cancelled: Sized) -> bool: ...

    def _wake(self) -> None: ...


async def wait(reader: _Reader[_Sample], timeout: float | None) -> _Sample | None:
    """Wait as `Reader.wait` does, while other tasks run."""
    return await _wait(reader, timeout, reader.wait)


async def wait_next(reader: _Reader[_Sample], timeout: float | None) -> _Sample | None:
    """Wait as `Reader.wait_next` does, while other tasks run."""
    return await _wait(reader, timeout, reader.wait_next)


async def following(reader: _Reader[_Sample]) -> _Sample:
    """Return the next sample of `async for`, which ends when the channel or the reader is closed."""
    if reader.closed:
        # As a loop over a reader that is closed before it begins.
        raise ValueError("this Reader has been closed")
    try:
        sample = await _wait(reader, None, reader.wait_next if reader._in_order else reader.wait)
    except Closed:
        raise StopAsyncIteration from None
    except ValueError:
        if reader.closed:
            raise StopAsyncIteration from None
        raise
    assert sample is not None
    return sample


async def _wait(
    reader: _Reader[_Sample], timeout: float | None, take: Callable[[float], _Sample | None]
) -> _Sample | None:
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        # Under a flood there is always a value. Other tasks get their turns before it is taken, so
        # that none is lost if this one is cancelled.
        await asyncio.sleep(0)
        sample = take(0)
        if sample is not None:
            return sample
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            return None
        await news(reader, left)


async def news(reader: _Reader[_Sample], timeout: float | None) -> None:
    """Wait until the reader has news, or is closed, or the time is over."""
    loop = asyncio.get_running_loop()
    changed = loop.create_future()

    def settle() -> None:
        if not changed.done():
            changed.set_result(None)

    def settle_from_any_thread() -> None:
        # The loop may be closed.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle)

    reader._on_close(settle_from_any_thread)
    try:
        descriptor = None
        # Without descriptors a thread waits: where they do not exist, or none is left.
        with contextlib.suppress(OSError, AttributeError, NdsharrayError):
            # One of the wait's own. Another thread may close the reader's while the loop knows it.
            descriptor = os.dup(reader.fileno())
        if descriptor is None:
            await _news_by_thread(reader, timeout)
            return
        try:
            try:
                loop.add_reader(descriptor, settle)
            except NotImplementedError:
                await _news_by_thread(reader, timeout)
                return
            try:
                await asyncio.wait([changed], timeout=timeout)
            finally:
                loop.remove_reader(descriptor)
        finally:
            os.close(descriptor)
    finally:
        reader._on_close(None)


async def _news_by_thread(reader: _Reader[_Sample], timeout: float | None) -> None:
    # The thread only waits. If the task is cancelled meanwhile, no value is read, or lost.
    cancelled: list[None] = []
    waiting = asyncio.get_running_loop().run_in_executor(None, reader._wait_for_news, timeout, cancelled)
    try:
        await asyncio.shield(waiting)
    except asyncio.CancelledError:
        # The thread uses the reader until it has noticed. After that the reader is free.
        cancelled.append(None)
        reader._wake()
        await asyncio.wait([waiting])
        if not waiting.cancelled():
            # Retrieved, so that asyncio does not report its error as never retrieved.
            waiting.exception()
        raise
