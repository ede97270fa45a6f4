"""Memory stays flat, however many values go through a handle."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

import numpy as np
import pytest

import ndsharray_rs as nd

SHAPES = [(16,), (3, 5), (2, 3, 4), (257,), (1, 1, 64), ()]
DTYPES = ["uint8", "float64", "complex64", "datetime64[ns]", "S3", "bool"]

# Far above what an allocator keeps for itself, far below what a leak of one byte a read comes to
# together with the object that it would be in.
MOST_BYTES = 4_000_000
MOST_OBJECTS = 1_000


def resident() -> int:
    """Bytes of private memory, so that pages of channels do not count."""
    with open("/proc/self/smaps_rollup") as text:
        fields = dict(line.split(":", 1) for line in text if line.startswith(("Private_Clean", "Private_Dirty")))
    return sum(int(field.split()[0]) * 1024 for field in fields.values())


def objects() -> int:
    gc.collect()
    return len(gc.get_objects())


def stays_flat(run: Callable[[], None]) -> None:
    """What leaks does so in each round; what other tests of this process have left grows in one."""
    grown = []
    for _ in range(4):
        before, count = resident(), objects()
        run()
        grown.append((objects() - count, resident() - before))
        if grown[-1][0] < MOST_OBJECTS and grown[-1][1] < MOST_BYTES:
            return
    raise AssertionError(grown)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux how much memory it has")
@pytest.mark.parametrize("read_only", [False, True])
def test_reads_of_changing_shapes_leave_nothing(name: str, read_only: bool) -> None:
    arrays = [np.zeros(shape, dtype) for shape in SHAPES for dtype in DTYPES]
    outs = [np.empty_like(array) for array in arrays]
    with nd.Writer(name) as writer, nd.Reader(name, read_only=read_only) as reader:

        def run(times: int) -> None:
            for number in range(times):
                which = number % len(arrays)
                writer.write(arrays[which])
                if number % 3:
                    sample = reader.read()
                    assert sample is not None
                    assert sample.array.shape == arrays[which].shape
                else:
                    assert reader.read_into(outs[which]) is not None

        run(5_000)
        stays_flat(lambda: run(100_000))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux how much memory it has")
def test_loans_leave_nothing(name: str) -> None:
    with nd.Writer(name, capacity_bytes=8192) as writer:

        def run(times: int) -> None:
            for number in range(times):
                with writer.loan((2, 64 + number % 7), np.uint8) as array:
                    array[...] = 1
                if number % 100 == 0:
                    # The memory is detached, for the view.
                    with writer.loan(4096, np.uint8) as array:
                        view = array[1:]
                    assert view.nbytes == 4095

        run(2_000)
        stays_flat(lambda: run(20_000))


def test_copies_of_a_reader_use_memory_again(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name, read_only=True) as reader:
        addresses, last = set(), None
        for number in range(50):
            writer.write(np.full(100_000, number % 251, np.uint8))
            sample = reader.read()
            assert sample is not None
            assert (sample.array == number).all()
            # The one before is held until here, and has not changed.
            assert last is None or (last.array == number - 1).all()
            addresses.add(sample.array.ctypes.data)
            last = sample
        assert len(addresses) <= 2
        held = [reader.latest() for _ in range(5)]
        assert len({sample.array.ctypes.data for sample in held if sample is not None}) == 5
        writer.write(np.zeros(10, np.uint8))
        assert all((sample.array == 49).all() for sample in held if sample is not None)
