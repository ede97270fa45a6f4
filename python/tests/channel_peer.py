"""The Python end of the tests between processes.

Arguments and words are those of `peer/src/main.rs`, values those of `peer/src/pattern.rs`.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import ml_dtypes
import numpy as np

import ndsharray_rs as nd

DTYPES = [
    np.dtype(kind)
    for kind in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", ml_dtypes.bfloat16, "float32", "float64", "complex64", "complex128", "longdouble", "clongdouble"),
    )
]
SHAPES: list[tuple[int, ...]] = [(), (5,), (0, 3), (4, 6), (64, 64), (2, 1, 3, 2)]
NUMBERS = len(DTYPES) * len(SHAPES)


def value(number: int) -> np.ndarray[Any, Any]:
    number %= NUMBERS
    dtype, shape = DTYPES[number % len(DTYPES)], SHAPES[number % len(SHAPES)]
    element = number % 2 if dtype.kind == "b" else number + number / 2 * 1j if dtype.kind == "c" else number
    return np.full(shape, element, dtype)


EXPECTED = {(array.dtype, array.shape): array for array in map(value, range(NUMBERS))}


def check(sample: nd.Sample) -> None:
    expected = EXPECTED[(sample.array.dtype, sample.array.shape)]
    np.testing.assert_array_equal(sample.array, expected, strict=True)


def say(word: str) -> None:
    print(word, flush=True)


def write(name: str, count: int, pause: int, step: bool) -> None:
    with nd.Writer(name) as writer:
        say("open")
        sys.stdin.readline()
        number = 0
        while count == 0 or number < count:
            if number % 3 == 2:
                array = value(number)
                with writer.loan(array.shape, array.dtype) as target:
                    target[...] = array
            else:
                writer.write(value(number))
            if number == 0:
                say("first")
            number += 1
            if step:
                sys.stdin.readline()
            if pause:
                time.sleep(pause / 1e6)
        say("done")
        sys.stdin.readline()


def read(name: str, hold: bool, tell: bool) -> None:
    with nd.Reader(name, timeout=30) as reader:
        say("open")
        count = last = told = 0
        heard = time.monotonic()
        try:
            while True:
                sample = reader.wait(0.1)
                if sample is None:
                    assert time.monotonic() < heard + 60, "nothing for a minute"
                    if told != last:
                        told = last
                        say(f"idle {last}")
                    continue
                heard = time.monotonic()
                assert sample.seq > last
                assert last == 0 or sample.missed == sample.seq - last - 1
                last = sample.seq
                count += 1
                check(sample)
                if tell:
                    say(f"saw {last}")
                if hold:
                    say("holding")
                    sys.stdin.readline()
        except nd.Closed:
            say(f"closed {count} {last}")


def main() -> None:
    parser = argparse.ArgumentParser()
    roles = parser.add_subparsers(dest="role", required=True)
    writes = roles.add_parser("write")
    writes.add_argument("name")
    writes.add_argument("--count", type=int, required=True)
    writes.add_argument("--pause", type=int, default=0)
    writes.add_argument("--step", action="store_true")
    reads = roles.add_parser("read")
    reads.add_argument("name")
    reads.add_argument("--hold", action="store_true")
    reads.add_argument("--tell", action="store_true")
    given = parser.parse_args()
    if given.role == "write":
        write(given.name, given.count, given.pause, given.step)
    else:
        read(given.name, given.hold, given.tell)


if __name__ == "__main__":
    main()
