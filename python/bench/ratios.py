"""What each way costs, as a multiple of a plain one: `python ratios.py [ROUNDS]`.

Both ways of a pair run in one process, in turns, so that a busy machine slows both. The figure is the median of the
rounds' ratios; the fastest round of each way stands beside it, in microseconds.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np

import ndsharray_rs as nd

SHAPES = {"64 B": (64,), "10 kB": (10_000,), "0.9 MB": (480, 640, 3), "6.2 MB": (1080, 1920, 3)}

# Bytes that a way handles in one round, and the most calls.
ROUND_BYTES, ROUND_CALLS = 4_000_000, 1000

Way = Callable[[], object]


def seconds(way: Way, calls: int) -> float:
    """Return the time of one call."""
    started = time.perf_counter()
    for _ in range(calls):
        way()
    return (time.perf_counter() - started) / calls


def compare(title: str, way: Way, plain: Way, calls: int, rounds: int) -> None:
    """Print what `way` costs, as a multiple of `plain`."""
    pairs = [(seconds(way, calls), seconds(plain, calls)) for _ in range(rounds)]
    ratio = statistics.median(one / other for one, other in pairs)
    quickest = " ".join(f"{min(times) * 1e6:9.2f}" for times in zip(*pairs, strict=True))
    print(f"  {title:48} {ratio:6.2f}  {quickest}")


def measure(size: str, shape: tuple[int, ...], rounds: int) -> None:
    """Print the table of one size."""
    print(f"{size:50}  ratio   fastest, us: it, plain")
    rng = np.random.default_rng(1)
    array = rng.integers(0, 255, shape, dtype=np.uint8)
    out, target = np.empty_like(array), np.empty_like(array)
    calls = max(1, min(ROUND_CALLS, ROUND_BYTES // array.nbytes))
    name = f"bench-ratios-{shape[0]}"
    with nd.Writer(name) as writer, nd.Reader(name) as reader, nd.Reader(name, read_only=True) as copying:
        writer.write(array)
        sample = reader.latest()
        assert sample is not None
        held = sample.array

        def write() -> object:
            return writer.write(array)

        def write_and_read() -> object:
            writer.write(array)
            return reader.read()

        def write_and_read_into() -> None:
            writer.write(array)
            reader.read_into(out)

        def write_and_copy() -> None:
            writer.write(array)
            found = reader.read()
            assert found is not None
            np.copyto(target, found.array)

        def copy() -> object:
            return held.copy()

        def read_only() -> object:
            return copying.latest()

        def loan() -> None:
            with writer.loan(shape, np.uint8) as frame:
                frame[...] = 7

        def loan_without_a_name() -> None:
            it = writer.loan(shape, np.uint8)
            it.array[...] = 7
            it.publish()

        compare("write, over copyto", write, lambda: np.copyto(target, array), calls, rounds)
        compare("write + read, over write", write_and_read, write, calls, rounds)
        compare("write + read_into, over write + read + copyto", write_and_read_into, write_and_copy, calls, rounds)
        compare("latest with read_only, over array.copy()", read_only, copy, calls, rounds)
        # A reader without write permission has the kernel copy: it cannot be quicker than this.
        with tempfile.TemporaryFile(dir="/dev/shm") as file:
            file.write(array.tobytes())
            file.flush()
            by_kernel = bytearray(array.nbytes)
            title = "preadv of as many bytes, over array.copy()"
            compare(title, lambda: os.preadv(file.fileno(), [by_kernel], 0), copy, calls, rounds)
        compare("with loan, over write", loan, write, calls, rounds)
        compare("loan and publish, over write", loan_without_a_name, write, calls, rounds)


def main() -> None:
    """Print the tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 41
    for size, shape in SHAPES.items():
        measure(size, shape, rounds)


if __name__ == "__main__":
    main()
