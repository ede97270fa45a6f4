"""A point cloud: 300,000 points, 20 times a second, as a structured array and never copied.

    python cloud.py write [NAME [RINGS]]      until Ctrl-C
    python cloud.py read [NAME [CLOUDS]]      in another terminal
    python cloud.py relay FROM TO [CLOUDS]    sends on what another program writes

The twin of the Rust example `cloud`: either side may be either language, and both check all points
byte for byte. There the points are structs with `#[derive(Record)]`.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import ndsharray_rs as nd

POINT = np.dtype([("x", "f4"), ("y", "f4"), ("z", "f4"), ("intensity", "u2"), ("ring", "u2")])
RINGS = 100
RING = 3000  # points of a ring
PERIOD = 0.05  # seconds


def fill(cloud: Any, phase: float) -> None:
    """Makes a scan in place, in operations that every language rounds alike."""
    count = len(cloud) // RING
    rings = cloud.reshape(count, RING)
    t = np.arange(RING, dtype="f4") / np.float32(1500) - np.float32(1)
    ring = np.arange(count, dtype="f4")[:, None]
    distance = (np.float32(10) + ring % np.float32(7) + np.float32(phase)) / (np.float32(1) + t * t)
    rings["x"] = distance * (np.float32(1) - t * t)
    rings["y"] = distance * (np.float32(2) * t)
    rings["z"] = ring * np.float32(0.1) - np.float32(3)
    rings["intensity"] = np.arange(RING)
    rings["ring"] = np.arange(count)[:, None]


def check(cloud: Any) -> bool:
    """Whether all points follow from the first: nothing of another scan is among them."""
    expected = np.zeros(len(cloud), POINT)
    fill(expected, -float(cloud["y"][0]) - 10)
    return cloud.dtype == POINT and memoryview(cloud).tobytes() == expected.tobytes()


def write(name: str = "cloud", rings: str = str(RINGS)) -> None:
    """Publishes scans, 20 times a second."""
    with nd.Writer(name) as writer:
        begun = time.monotonic()
        for number in itertools.count():
            with writer.loan(int(rings) * RING, POINT) as cloud:  # the memory that readers will see
                fill(cloud, number % 256 / 16)
                del cloud  # so that nothing is left of it
            time.sleep(max(0.0, begun + (number + 1) * PERIOD - time.monotonic()))


def read(name: str = "cloud", clouds: str = "") -> None:
    """Checks scans until the writer ends, or until so many have come."""
    missed = 0
    with nd.Reader(name, timeout=60) as reader:
        for number, sample in enumerate(reader, 1):
            cloud = sample.array  # the writer's memory, not a copy
            if not check(cloud):
                raise SystemExit(f"cloud {sample.seq} is torn")
            missed += sample.missed
            if number % 20 == 0 or str(number) == clouds:
                print(f"{number} clouds of {len(cloud)} points, {missed} missed, none torn", flush=True)
            if str(number) == clouds:
                return
    if clouds:
        raise SystemExit("the writer ended before")


def relay(source: str, target: str, clouds: str = "") -> None:
    """Sends scans on, until their writer ends, or until so many have come."""
    with nd.Reader(source, timeout=60) as reader, nd.Writer(target) as writer:
        for number, sample in enumerate(reader, 1):
            cloud = sample.array
            with writer.loan(cloud.shape, cloud.dtype, attributes=sample.attributes) as sent_on:
                sent_on[...] = cloud  # from one channel's memory into the other's
                del sent_on
            if str(number) == clouds:
                return


if __name__ == "__main__":
    try:
        roles: dict[str, Callable[..., None]] = {"write": write, "read": read, "relay": relay}
        roles[sys.argv[1]](*sys.argv[2:])
    except (IndexError, KeyError, TypeError):
        raise SystemExit(__doc__) from None
    except KeyboardInterrupt:
        pass
