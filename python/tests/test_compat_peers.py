"""The drop-in with a peer in another process: ndsharray as it is, or itself over either wire."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import numpy as np
import pytest
from compat_children import peer, until
from compat_peer import digest, sample

from ndsharray_rs import compat

SHAPES = [(), (5,), (3, 0, 2), (2, 3, 4), (1, 1, 1, 1, 7), (64, 48, 3), (4,) * 8]
PACKAGE = "/dev/shm"
"""The directory of the package's files."""


@pytest.fixture
def shared_name(name: str) -> Iterator[str]:
    """Returns a name in the package's directory, and removes its files afterwards."""
    yield name
    compat.remove(name, dir=PACKAGE)


def cases() -> Iterator[tuple[str, tuple[int, ...], int]]:
    for seed, (dtype, shape) in enumerate(itertools.product(compat.supported_types, SHAPES)):
        yield np.dtype(dtype).name, shape, seed


def read_new(reader: compat.NdShArray) -> np.ndarray:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status, array = reader.read()
        if status:
            return array
        time.sleep(0.001)
    raise AssertionError("nothing new arrived")


def test_what_the_package_writes_is_read(shared_name: str) -> None:
    with peer("ndsharray", "w", shared_name) as writer:
        reader = compat.NdShArray(shared_name, r_w="r", wire="ndsharray", dir=PACKAGE)
        assert digest(read_new(reader)).startswith("uint8:0:")
        for dtype, shape, seed in cases():
            writer.write(dtype, shape, seed)
            status, array = reader.read()
            assert status
            assert digest(array) == digest(sample(dtype, shape, seed))
            assert not array.flags.writeable
            assert reader.is_valid
            assert 0 <= reader.read_time_ms < 10_000
            status, again = reader.read()
            assert not status
            assert again is array


def test_what_is_written_the_package_reads(shared_name: str) -> None:
    writer = compat.NdShArray(shared_name, r_w="w", wire="ndsharray", dir=PACKAGE)
    with peer("ndsharray", "r", shared_name) as reader:
        reader.read_new()
        for dtype, shape, seed in cases():
            writer.write(sample(dtype, shape, seed))
            assert reader.read_new() == digest(sample(dtype, shape, seed))
            assert reader.read() == (False, digest(sample(dtype, shape, seed)))


def test_the_package_reads_what_an_ended_writer_left(shared_name: str) -> None:
    with peer("ndsharray_rs.compat", "w", shared_name, wire="ndsharray", dir=PACKAGE) as writer:
        writer.write("float32", (3, 4), 1)
    with peer("ndsharray", "r", shared_name) as reader:
        assert reader.read_new() == digest(sample("float32", (3, 4), 1))


def test_a_killed_package_writer_is_followed_by_another(shared_name: str) -> None:
    reader = compat.NdShArray(shared_name, r_w="r", wire="ndsharray", dir=PACKAGE)
    assert reader.read()[0] is False
    for seed in range(3):
        with peer("ndsharray", "w", shared_name) as writer:
            writer.write("int16", (2, seed + 1), seed)
            wanted = digest(sample("int16", (2, seed + 1), seed))
            until(lambda: digest(reader.read()[1]) == wanted)  # noqa: B023
            writer.kill()


@pytest.mark.parametrize("wire", ["native", "ndsharray"])
def test_both_ends_in_processes_of_their_own(name: str, wire: str) -> None:
    with (
        peer("ndsharray_rs.compat", "r", name, wire=wire) as early,
        peer("ndsharray_rs.compat", "w", name, wire=wire) as writer,
        peer("ndsharray_rs.compat", "r", name, wire=wire) as late,
    ):
        for dtype, shape, seed in cases():
            writer.write(dtype, shape, seed)
            expected = digest(sample(dtype, shape, seed))
            assert early.read() == (True, expected)
            assert late.read() == (True, expected)
            assert early.read() == (False, expected)


@pytest.mark.parametrize("wire", ["native", "ndsharray"])
def test_a_killed_writer_is_followed_by_another(name: str, wire: str) -> None:
    reader = compat.NdShArray(name, r_w="r", wire=wire)  # type: ignore[arg-type]
    for seed in range(3):
        with peer("ndsharray_rs.compat", "w", name, wire=wire) as writer:
            writer.write("int16", (2, seed + 1), seed)
            assert digest(read_new(reader)) == digest(sample("int16", (2, seed + 1), seed))
            writer.kill()
        assert reader.read()[0] is False


def test_what_the_package_leaves_is_removed(shared_name: str) -> None:
    with peer("ndsharray", "w", shared_name) as writer:
        for axis in range(1, 6):
            writer.write("uint8", (axis,), axis)
    removed = compat.remove_leftovers(shared_name, dir=PACKAGE)
    assert len(removed) == 5
    assert not any(path.exists() for path in removed)
    with peer("ndsharray", "r", shared_name) as reader:
        assert reader.read() == (True, digest(sample("uint8", (5,), 5)))
