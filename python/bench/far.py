"""Latency between processes: from just before a write until the polling reader has the array."""

from __future__ import annotations

import gc
import multiprocessing
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ctypes import c_int64
from functools import partial
from multiprocessing.shared_memory import SharedMemory
from multiprocessing.sharedctypes import RawValue
from typing import Any

import ndsharray
import numpy as np
import shared_ndarray2
from numpy.typing import NDArray
from ways import DROP_IN, DROP_IN_WIRE, OURS, PACKAGE, QUEUE, SHARED_MEMORY, SHARED_NDARRAY2, Array

import ndsharray_rs
from ndsharray_rs import compat

Write = Callable[[Array], Any]
Poll = Callable[[], Array | None]
Open = Callable[[], Poll]
"""Makes the reading end, in the other process."""

TIMEOUT = 20.0
"""Seconds after which the other process counts as dead."""


def _channel(stack: ExitStack, array: Array) -> tuple[Write, Open]:
    writer = stack.enter_context(ndsharray_rs.Writer(f"bench-{uuid.uuid4().hex}"))
    return writer.write, partial(_open_channel, writer.name)


def _open_channel(name: str) -> Poll:
    reader = ndsharray_rs.Reader(name)

    def poll() -> Array | None:
        sample = reader.read()
        return None if sample is None else sample.array

    return poll


def _drop_in(stack: ExitStack, array: Array, **keywords: Any) -> tuple[Write, Open]:
    name = f"bench-{uuid.uuid4().hex}"
    writer = stack.enter_context(compat.NdShArray(name, array, "w", persist=False, **keywords))
    return writer.write, partial(_open_nd_sh_array, compat.NdShArray, name, keywords)


def _package(stack: ExitStack, array: Array) -> tuple[Write, Open]:
    name = f"bench-{uuid.uuid4().hex}"
    stack.callback(compat.remove, name, dir="/dev/shm")
    return ndsharray.NdShArray(name, array, "w").write, partial(_open_nd_sh_array, ndsharray.NdShArray, name, {})


def _open_nd_sh_array(kind: Any, name: str, keywords: dict[str, Any]) -> Poll:
    reader = kind(name, r_w="r", **keywords)

    def poll() -> Array | None:
        status, array = reader.read()
        return array if status else None

    return poll


def _block(stack: ExitStack, array: Array, packaged: bool) -> tuple[Write, Open]:
    """Tells of news by a counter beside the array, as blocks do not tell."""
    news, shared = (_made(stack, example) for example in (np.zeros(1, np.int64), array))
    inside, count = shared.get(), news.get()

    def write(array: Array) -> None:
        if packaged:
            shared[:] = array
        else:
            np.copyto(inside, array)
        count[0] += 1

    # Keeps this array's memory as long as the last array's.
    stack.callback(lambda: (shared, news))
    return write, partial(_open_block, shared, news, packaged)


def _made(stack: ExitStack, array: NDArray[Any]) -> Any:
    block = SharedMemory(create=True, size=array.nbytes)
    stack.callback(block.unlink)
    made = shared_ndarray2.SharedNDArray(block, array.shape, array.dtype)
    made[:] = array
    return made


def _open_block(shared: Any, news: Any, packaged: bool) -> Poll:
    inside, count, seen = shared.get(), news.get(), 0

    def poll() -> Array | None:
        nonlocal seen
        if count[0] == seen:
            return None
        seen = count[0]
        array: Array = shared[:].copy() if packaged else inside.copy()
        return array

    # The memory is gone with the object.
    poll.__dict__["keep"] = (shared, news)
    return poll


def _queue(stack: ExitStack, array: Array) -> tuple[Write, Open]:
    queue: Any = multiprocessing.get_context("spawn").Queue()
    stack.callback(queue.join_thread)
    stack.callback(queue.close)
    return queue.put, partial(_open_queue, queue)


def _open_queue(queue: Any) -> Poll:
    get: Poll = queue.get
    return get


FAR: dict[str, Callable[[ExitStack, Array], tuple[Write, Open]]] = {
    OURS: _channel,
    DROP_IN: _drop_in,
    DROP_IN_WIRE: partial(_drop_in, wire="ndsharray"),
    PACKAGE: _package,
    SHARED_NDARRAY2: partial(_block, packaged=True),
    SHARED_MEMORY: partial(_block, packaged=False),
    QUEUE: _queue,
}


def stamp(array: Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The place of an array's writing time, in nanoseconds."""
    return array.reshape(-1)[:8].view(np.int64)


class Far:
    """The writing ends, and the process with the reading ends."""

    def __init__(self, stack: ExitStack, arrays: list[Array]) -> None:
        opens: list[Open] = []
        self._writes: list[tuple[str, Array, Write]] = []
        for name, make in FAR.items():
            for array in arrays:
                write, open_ = make(stack, array)
                opens.append(open_)
                self._writes.append((name, array.copy(), write))
        self.lost: Counter[str] = Counter()
        """Arrays that did not arrive in time and were written again, by the name of the way."""
        self._seen = RawValue(c_int64, 0)
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._seen, opens), daemon=True)
        process.start()
        stack.callback(process.join, TIMEOUT)
        stack.callback(self._pipe.send, None)
        self._answer()

    def _answer(self) -> Any:
        if not self._pipe.poll(TIMEOUT):
            raise TimeoutError("the reading process is silent")
        return self._pipe.recv()

    def turns(self) -> Iterator[tuple[str, tuple[int, ...], float]]:
        """Return the median latency of each way at every size, in seconds."""
        # The queue's thread must not wait for one that only reads the clock.
        before = sys.getswitchinterval()
        sys.setswitchinterval(10e-6)
        yield from self._turns()
        sys.setswitchinterval(before)

    def _turns(self) -> Iterator[tuple[str, tuple[int, ...], float]]:
        for number, (name, array, write) in enumerate(self._writes):
            count = 3 if array.nbytes > 1 << 24 else 12 if array.nbytes > 1 << 19 else 40
            self._seen.value = 0
            time_of = stamp(array)
            self._pipe.send((number, count, time.monotonic_ns()))
            self._answer()
            for done in range(count):
                time_of[0] = time.monotonic_ns()
                write(array)
                while not self._arrives(done + 1, 0.1 + array.nbytes / 1e8):
                    self.lost[name] += 1
                    time_of[0] = time.monotonic_ns()
                    write(array)
            yield name, array.shape, self._answer()

    def _arrives(self, count: int, seconds: float) -> bool:
        """Return whether the array arrives.

        ndsharray's reader never sees an array that it looked at during the write.
        """
        deadline = time.monotonic() + seconds
        while self._seen.value < count:
            if time.monotonic() > deadline:
                return False
        # Lets the reader poll again.
        end = time.monotonic() + 20e-6
        while time.monotonic() < end:
            pass
        return True


def _serve(pipe: Any, seen: Any, opens: list[Open]) -> None:
    """Runs the reading process."""
    polls = [open_() for open_ in opens]
    gc.disable()
    pipe.send("ready")
    while (command := pipe.recv()) is not None:
        number, count, begin = command
        poll = polls[number]
        latencies: list[int] = []
        last = 0
        pipe.send("ready")
        while len(latencies) < count:
            array = poll()
            if array is None:
                continue
            now = time.monotonic_ns()
            written = int(stamp(array)[0])
            del array
            # An array of the last turn may still have been new. A torn one has another time.
            if begin <= written <= now and written != last:
                last = written
                latencies.append(now - written)
                seen.value = len(latencies)
        pipe.send(float(np.median(latencies)) * 1e-9)


@contextmanager
def other_process(arrays: list[Array]) -> Iterator[Far]:
    """Makes the ends of all ways at all sizes, in two processes."""
    with ExitStack() as stack:
        yield Far(stack, arrays)
