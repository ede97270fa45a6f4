"""Waiting for several readers at once in programs with asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from ._aio import news
from ._native import Reader, wait_any


async def wait_any_async(readers: Sequence[Reader], timeout: float | None = None) -> list[Reader]:
    """Wait as `wait_any` does, while other tasks run.

    Returns the readers that have news, in order; an empty list when `timeout` seconds have passed.
    Nothing is read, so nothing is lost if the task is cancelled.

    Raises
    ------
    As `wait_any`.

    Examples
    --------
    >>> import asyncio
    >>> import ndsharray_rs as nd
    >>> left, right = nd.Writer("doc-async-left"), nd.Writer("doc-async-right")
    >>> readers = [nd.Reader("doc-async-left"), nd.Reader("doc-async-right")]
    >>> right.write([1.0])
    1
    >>> [reader.name for reader in asyncio.run(nd.wait_any_async(readers, timeout=1.0))]
    ['doc-async-right']
    """
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        # Under a flood there are always news. Other tasks get their turns all the same.
        await asyncio.sleep(0)
        found = wait_any(readers, timeout=0)
        if found:
            return found
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            return []
        waits = [asyncio.ensure_future(news(reader, left)) for reader in readers]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
            # Each gives its descriptor or thread back before it is over.
            await asyncio.gather(*waits, return_exceptions=True)
        for one in done:
            one.result()
