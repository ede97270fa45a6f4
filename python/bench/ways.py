"""The measured ways from a writer to a reader.

Both ends are in one process: the figures are costs, not scheduling.
"""

from __future__ import annotations

import multiprocessing
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from multiprocessing.shared_memory import SharedMemory
from typing import Any, NamedTuple

import ndsharray
import numpy as np
import shared_ndarray2
import SharedArray
from numpy.typing import NDArray

import ndsharray_rs
from ndsharray_rs import compat

Array = NDArray[np.uint8]

LATENCY = "between two processes"
HERE = ("write", "read", "write + read")
METRICS = (*HERE, LATENCY)

OURS = "ndsharray_rs"
SAMPLE = "ndsharray_rs, Sample alone"
LOANED = "ndsharray_rs, Sample alone, of a loan"
DROP_IN = "compat.NdShArray"
DROP_IN_WIRE = 'compat.NdShArray, wire="ndsharray"'
PACKAGE = f"ndsharray {ndsharray.__version__}"
SHARED_NDARRAY2 = f"shared-ndarray2 {shared_ndarray2.__version__}"
SHARED_ARRAY = f"SharedArray {version('SharedArray')}"
SHARED_MEMORY = "multiprocessing.shared_memory"
QUEUE = "multiprocessing.Queue"
COPY = "numpy.copyto"


class Pair(NamedTuple):
    """The two ends of a way, for arrays of one shape."""

    write: Callable[[Array], Any]
    read: Callable[[], Any]
    """Reads an array that stays unchanged when the next one is written."""


class Way(NamedTuple):
    """A way, by its name in tables."""

    name: str
    make: Callable[[ExitStack, Array], Pair]
    metrics: tuple[str, ...] = METRICS
    """The metrics that it has figures for."""

    def is_shown(self, metric: str) -> bool:
        """Whether it has a line in that metric's plot."""
        return metric in self.metrics and self.name not in (SAMPLE, LOANED)


def _name() -> str:
    return f"bench-{uuid.uuid4().hex}"


def _channel(stack: ExitStack, array: Array) -> Pair:
    writer = stack.enter_context(ndsharray_rs.Writer(_name()))
    reader = stack.enter_context(ndsharray_rs.Reader(writer.name))

    def read() -> Array:
        return reader.read().array  # type: ignore[union-attr]

    return Pair(writer.write, read)


def _samples(stack: ExitStack, array: Array) -> Pair:
    writer = stack.enter_context(ndsharray_rs.Writer(_name()))
    reader = stack.enter_context(ndsharray_rs.Reader(writer.name))
    return Pair(writer.write, reader.read)


def _loans(stack: ExitStack, array: Array) -> Pair:
    """Publishes without a copy, so the caches keep other data."""
    writer = stack.enter_context(ndsharray_rs.Writer(_name()))
    reader = stack.enter_context(ndsharray_rs.Reader(writer.name))

    def write(array: Array) -> None:
        with writer.loan(array.shape, array.dtype):
            pass

    return Pair(write, reader.read)


def _drop_in(**keywords: Any) -> Callable[[ExitStack, Array], Pair]:
    def make(stack: ExitStack, array: Array) -> Pair:
        name = _name()
        writer = stack.enter_context(compat.NdShArray(name, array, "w", persist=False, **keywords))
        reader = stack.enter_context(compat.NdShArray(name, r_w="r", **keywords))
        return Pair(writer.write, reader.read)

    return make


def _package(stack: ExitStack, array: Array) -> Pair:
    name = _name()
    # The package leaves its files.
    stack.callback(compat.remove, name, dir="/dev/shm")
    writer, reader = ndsharray.NdShArray(name, array, "w"), ndsharray.NdShArray(name, r_w="r")
    return Pair(writer.write, reader.read)


def _shared_ndarray2(stack: ExitStack, array: Array) -> Pair:
    block = SharedMemory(create=True, size=array.nbytes)
    stack.callback(block.unlink)
    ours = shared_ndarray2.SharedNDArray(block, array.shape, array.dtype)
    theirs = shared_ndarray2.SharedNDArray(block.name, array.shape, array.dtype)

    def write(array: Array) -> None:
        ours[:] = array

    def read() -> Array:
        return theirs[:].copy()

    return Pair(write, read)


def _shared_array(stack: ExitStack, array: Array) -> Pair:
    name = f"shm://{_name()}"
    ours = SharedArray.create(name, array.shape, array.dtype)
    stack.callback(SharedArray.delete, name)
    theirs = SharedArray.attach(name)
    return Pair(lambda array: np.copyto(ours, array), theirs.copy)


def _shared_memory(stack: ExitStack, array: Array) -> Pair:
    block = SharedMemory(create=True, size=array.nbytes)
    stack.callback(block.unlink)
    stack.callback(block.close)
    inside: Array = np.ndarray(array.shape, array.dtype, block.buf)
    return Pair(lambda array: np.copyto(inside, array), inside.copy)


def _queue(stack: ExitStack, array: Array) -> Pair:
    queue: multiprocessing.Queue[Array] = multiprocessing.Queue()
    stack.callback(queue.join_thread)
    stack.callback(queue.close)
    return Pair(queue.put, queue.get)


def _copyto(stack: ExitStack, array: Array) -> Pair:
    inside, outside = np.zeros_like(array), np.zeros_like(array)
    return Pair(lambda array: np.copyto(inside, array), lambda: np.copyto(outside, inside))


WAYS = [
    Way(OURS, _channel),
    Way(SAMPLE, _samples, metrics=("read",)),
    Way(LOANED, _loans, metrics=("read",)),
    Way(DROP_IN, _drop_in()),
    Way(DROP_IN_WIRE, _drop_in(wire="ndsharray")),
    Way(PACKAGE, _package),
    Way(SHARED_NDARRAY2, _shared_ndarray2),
    Way(SHARED_ARRAY, _shared_array, metrics=HERE),
    Way(SHARED_MEMORY, _shared_memory),
    # `put` leaves the work to a thread, which runs during the next steps.
    Way(QUEUE, _queue, metrics=("write + read", LATENCY)),
    Way(COPY, _copyto, metrics=HERE),
]


@contextmanager
def opened(way: Way, array: Array) -> Iterator[Pair]:
    """A way's two ends, warm."""
    with ExitStack() as stack:
        pair = way.make(stack, array)
        for _ in range(3):
            pair.write(array)
            pair.read()
        yield pair
