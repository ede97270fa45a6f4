"""Interleaved rounds: in each, every way has its turn at every size.

So all ways meet the same load of the machine.
"""

from __future__ import annotations

import gc
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

import numpy as np
from far import other_process
from ways import HERE, LATENCY, WAYS, Array, Pair, opened

SHAPES = [(64,), (1024,), (16 << 10,), (128 << 10,), (1 << 20,), (720, 1280, 3), (2160, 3840, 3)]
"""Shapes of arrays of bytes; the last two are video frames."""

FRAME = (720, 1280, 3)
TURN = 0.008
"""The length of a turn in seconds, if one call is shorter."""


class Key(NamedTuple):
    """The way, metric and size of a figure."""

    metric: str
    way: str
    shape: tuple[int, ...]


Rounds = dict[Key, list[float]]
"""The median of each round, in seconds."""


def turn(pair: Pair, small: Pair, array: Array, little: Array) -> dict[str, float]:
    """Runs one way's turn at one size.

    Before a read is timed, the way reads a small array over another pair, and the array read before
    goes. So program and clock are warm, and the array itself is as its writer left it, as for a
    reader that polls. Write and read together are a plain loop.

    The first write of a turn is not timed. In it, the wire format's writer clears up the last turn.
    """
    clock = time.perf_counter
    writes: list[float] = []
    reads: list[float] = []
    both: list[float] = []
    pair.write(array)
    value = pair.read()
    end = clock() + TURN
    while not writes or (clock() < end and len(writes) < 200):
        start = clock()
        pair.write(array)
        writes.append(clock() - start)
        small.write(little)
        small.read()
        value = None
        clock()
        start = clock()
        value = pair.read()
        reads.append(clock() - start)
    end = clock() + TURN
    while not both or (clock() < end and len(both) < 200):
        start = clock()
        pair.write(array)
        value = pair.read()
        both.append(clock() - start)
    del value
    return dict(zip(HERE, map(median, (writes, reads, both)), strict=True))


def measure(seconds: float) -> tuple[Rounds, Counter[str]]:
    """Runs as many rounds as there is time for, at least two.

    Returns the figures, and the number of arrays that were late in the other process.
    """
    rounds: Rounds = defaultdict(list)
    arrays = [np.random.default_rng(0).integers(0, 255, shape, np.uint8) for shape in SHAPES]
    little = np.zeros(64, np.uint8)
    start = time.monotonic()
    with ExitStack() as stack:
        pairs = {
            (way.name, array.shape): (stack.enter_context(opened(way, array)), array)
            for way in WAYS
            for array in arrays
        }
        small = {way.name: stack.enter_context(opened(way, little)) for way in WAYS}
        far = stack.enter_context(other_process(arrays))
        gc.collect()
        gc.disable()
        longest, number = 0.0, 0
        while number < 3 or time.monotonic() - start + longest < seconds:
            began = time.monotonic()
            for (way, shape), (pair, array) in pairs.items():
                for metric, value in turn(pair, small[way], array, little).items():
                    rounds[Key(metric, way, shape)].append(value)
            for way, shape, value in far.turns():
                rounds[Key(LATENCY, way, shape)].append(value)
            longest, number = max(longest, time.monotonic() - began), number + 1
    # The first round warms up.
    return {key: values[1:] for key, values in rounds.items()}, far.lost
