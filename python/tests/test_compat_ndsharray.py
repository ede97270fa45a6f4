"""`NdShArray`, as a program sees it."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import pickle
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import ml_dtypes
import ndsharray
import numpy as np
import pytest
from compat_children import peer, until
from compat_peer import digest, sample

from ndsharray_rs import Forked, Reader, Writer, WriterExists, compat
from ndsharray_rs.compat import NdShArray

Wire = Literal["native", "ndsharray"]


@pytest.fixture(params=["native", "ndsharray"])
def wire(request: pytest.FixtureRequest) -> Wire:
    return request.param  # type: ignore[no-any-return]


def test_everything_public_in_the_package_is_here() -> None:
    assert set(ndsharray.__all__) <= set(compat.__all__)
    public = {name for name in vars(ndsharray.NdShArray) if not name.startswith("_")}
    assert public == {"name", "is_valid", "ndarray_mmap_name", "access", "read_time_ms", "write", "read"}
    assert public <= set(dir(NdShArray))
    assert compat.supported_types == ndsharray.supported_types


def test_the_constructor_writes_and_read_gives_status_and_array(name: str, wire: Wire) -> None:
    writer = NdShArray(name, np.arange(3), "w", wire=wire)
    reader = NdShArray(name, r_w="R", wire=wire)
    status, array = reader.read()
    assert status is True
    assert array.tolist() == [0, 1, 2]
    status, again = reader.read()
    assert status is False
    assert again is array
    assert writer.write(np.zeros((2, 2), bool)) is None  # type: ignore[func-returns-value]
    assert reader.read()[1].tolist() == [[False, False], [False, False]]


def test_without_an_array_the_first_value_is_empty(name: str, wire: Wire) -> None:
    writer = NdShArray(name, r_w="W", wire=wire)
    status, array = NdShArray(name, r_w="r", wire=wire).read()
    assert status
    assert array.shape == (0,)
    assert array.dtype == np.uint8
    assert writer.access == "w"


def test_properties(name: str, wire: Wire, directory: Path) -> None:
    writer = NdShArray(name, np.zeros(4), r_w="w", wire=wire)
    reader = NdShArray(name, r_w="r", wire=wire)
    assert (writer.name, reader.name, writer.access, reader.access) == (name, name, "w", "r")
    assert reader.read_time_ms == 0.0
    reader.read()
    assert 0 < reader.read_time_ms < 60_000
    assert reader.is_valid
    assert writer.is_valid
    before = writer.ndarray_mmap_name
    assert before.startswith(name)
    int(before[-32:], 16)
    assert reader.ndarray_mmap_name == before
    assert (directory / before).exists()
    writer.write(np.zeros(5))
    assert writer.ndarray_mmap_name != before
    assert wire in repr(writer)
    assert name in repr(reader)


def test_a_reader_may_come_first(name: str, wire: Wire) -> None:
    default = np.arange(7)
    reader = NdShArray(name, default, r_w="r", wire=wire)
    status, array = reader.read()
    assert status is False
    assert array is default
    assert not reader.is_valid
    assert reader.ndarray_mmap_name == ""
    writer = NdShArray(name, np.ones(2), r_w="w", wire=wire)
    assert reader.read()[0]
    assert reader.is_valid
    del writer


def test_mistakes(name: str, wire: Wire) -> None:
    with pytest.raises(ValueError, match="r_w is None"):
        NdShArray(name)
    with pytest.raises(ValueError, match="r_w is 'rw'"):
        NdShArray(name, r_w="rw")
    with pytest.raises(ValueError, match="wire is 'fast'"):
        NdShArray(name, r_w="r", wire="fast")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a/b"):
        NdShArray("a/b", r_w="w", wire=wire)
    writer = NdShArray(name, np.ones(2), r_w="w", wire=wire)
    reader = NdShArray(name, r_w="r", wire=wire)
    with pytest.raises(TypeError, match="list"):
        writer.write([1, 2])  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError, match="object"):
        writer.write(np.array([None]))
    with pytest.raises(TypeError, match="cannot write"):
        reader.write(np.ones(2))
    assert reader.read()[1].tolist() == [1, 1]
    assert writer.read()[0] is False
    times = np.array(["2026-11-21"], "datetime64[D]")
    if wire == "native":
        writer.write(times)
        found = reader.read()[1]
        assert found.dtype == times.dtype
        assert found.tolist() == times.tolist()
    else:
        with pytest.raises(NotImplementedError):
            writer.write(times)


def test_dtypes_beyond_the_packages(name: str) -> None:
    with NdShArray(name, r_w="w") as writer, NdShArray(name, r_w="r") as reader:
        for dtype in (np.longdouble, np.clongdouble, ml_dtypes.bfloat16):
            writer.write(np.arange(4).astype(dtype))
            array = reader.read()[1]
            assert array.dtype == dtype
            assert array.tolist() == [0, 1, 2, 3]
    with NdShArray(name, r_w="w", wire="ndsharray") as writer, pytest.raises(NotImplementedError, match="not know"):
        writer.write(np.zeros(2, ml_dtypes.bfloat16))


def test_any_order_of_elements_and_bytes(name: str, wire: Wire) -> None:
    writer = NdShArray(name, r_w="w", wire=wire)
    reader = NdShArray(name, r_w="r", wire=wire)
    base = np.arange(24, dtype=np.int32).reshape(4, 6)
    repeated = np.broadcast_to(base, (2, 4, 6))
    for array in (base.T, base[::2, ::-1], base.astype(">i4"), np.asfortranarray(base), repeated):
        writer.write(array)
        got = reader.read()[1]
        assert got.dtype == np.int32
        assert np.array_equal(got, array)


def test_arrays_stay_and_cannot_be_changed(name: str, wire: Wire) -> None:
    """As the package's, which are views of bytes: a program may collect any number."""
    writer = NdShArray(name, r_w="w", wire=wire)
    reader = NdShArray(name, r_w="r", wire=wire)
    collected = []
    for number in range(200):
        writer.write(np.full((10, 10), number))
        status, array = reader.read()
        assert status
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = -1
        collected.append(array)
    del reader, writer
    gc.collect()
    assert [int(array.sum()) for array in collected] == [100 * number for number in range(200)]


@pytest.mark.parametrize("length", [10, 3000])
def test_memory_serves_again_only_when_nothing_has_it(name: str, length: int) -> None:
    writer = NdShArray(name, r_w="w", wire="ndsharray")
    reader = NdShArray(name, r_w="r", wire="ndsharray")
    kept = []
    for number in range(60):
        writer.write(np.full(length, number))
        array = reader.read()[1]
        assert array.tolist() == [number] * length
        if number % 3 == 0:
            kept.append((number, array[1:]))  # A part keeps the whole.
        del array
    assert all(part.tolist() == [number] * (length - 1) for number, part in kept)


def test_a_reader_that_lets_go_never_copies(name: str) -> None:
    writer = NdShArray(name, r_w="w")
    reader = NdShArray(name, r_w="r")
    kept = []
    for number in range(20):
        writer.write(np.full(4, number))
        array = reader.read()[1]
        assert array.base is not None, "in place"
        kept = [array[1:]]  # A part keeps the whole.
    writer.write(np.full(4, 20))
    assert reader.read()[1].base is not None
    kept += [reader.read()[1], array]
    writer.write(np.full(4, 21))
    copied = reader.read()[1]
    assert copied.base is None
    assert copied.tolist() == [21] * 4
    assert kept[0].tolist() == [19] * 3


def test_the_last_value_outlives_its_writer(name: str, wire: Wire, directory: Path) -> None:
    with peer("ndsharray_rs.compat", "w", name, wire=wire) as writer:
        for seed in range(30):
            writer.write("uint8", (seed, 3), seed)
    assert len(list(directory.iterdir())) <= 3, "thirty shapes leave one value"
    status, array = NdShArray(name, r_w="r", wire=wire).read()
    assert status
    assert digest(array) == digest(sample("uint8", (29, 3), 29))
    compat.remove(name)
    assert list(directory.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        compat.remove(name)


def test_a_writer_can_be_told_to_leave_nothing(name: str, wire: Wire, directory: Path) -> None:
    writer = NdShArray(name, np.ones(3), r_w="w", wire=wire, persist=False)
    writer.write(np.ones(4))
    writer.close()
    assert list(directory.iterdir()) == []


def test_a_reader_goes_on_with_the_next_writer(name: str, wire: Wire) -> None:
    reader = NdShArray(name, r_w="r", wire=wire)
    for round_ in range(3):
        with NdShArray(name, np.full(2, round_), r_w="w", wire=wire):
            status, array = reader.read()
            assert status
            assert array.tolist() == [round_, round_]
        assert reader.read()[0] is False


def test_two_objects_of_one_process_write(name: str, wire: Wire) -> None:
    """As when a notebook's cell runs again: the new object is made before the old one goes."""
    reader = NdShArray(name, r_w="r", wire=wire)
    first = NdShArray(name, np.array([1]), r_w="w", wire=wire)
    second = NdShArray(name, np.array([2]), r_w="w", wire=wire)
    assert reader.read()[1].tolist() == [2]
    first.write(np.array([3]))
    assert reader.read()[1].tolist() == [3]
    first.close()
    second.write(np.array([4]))
    assert reader.read()[1].tolist() == [4]
    with pytest.raises(TypeError):
        first.write(np.array([5]))


def test_another_process_may_not_write_too(name: str, wire: Wire) -> None:
    with peer("ndsharray_rs.compat", "w", name, wire=wire), pytest.raises(WriterExists):
        NdShArray(name, r_w="w", wire=wire)


def test_over_a_channel_of_this_library(name: str) -> None:
    with Writer(name) as writer:
        reader = NdShArray(name, r_w="r")
        writer.write(np.arange(3))
        assert reader.read()[1].tolist() == [0, 1, 2]
        reader.close()
        assert reader.read()[1].tolist() == [0, 1, 2]
    written = NdShArray(name, np.arange(5), r_w="w")
    with Reader(name) as plain:
        sample = plain.read()
        assert sample is not None
        assert sample.array.tolist() == [0, 1, 2, 3, 4]
    del written


def _read_in_child(reader: NdShArray, pipe: Connection) -> None:
    while pipe.recv():
        status, array = reader.read()
        pipe.send((status, array.tolist()))


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_reader_goes_to_child_processes(name: str, wire: Wire, method: str) -> None:
    writer = NdShArray(name, np.array([1]), r_w="w", wire=wire)
    reader = NdShArray(name, r_w="r", wire=wire)
    assert reader.read()[0]
    context: Any = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    child = context.Process(target=_read_in_child, args=(reader, theirs))
    child.start()
    try:
        for number in range(2, 6):
            writer.write(np.array([number]))
            ours.send(True)
            assert ours.recv() == (True, [number])
            assert reader.read()[1].tolist() == [number]
        ours.send(True)
        assert ours.recv() == (False, [5])
        ours.send(False)
        child.join(10)
        assert child.exitcode == 0
    finally:
        child.kill()
        child.join()


def test_a_writer_stays_where_it_is(name: str, wire: Wire) -> None:
    writer = NdShArray(name, r_w="w", wire=wire)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(writer)
    reader = copy.copy(NdShArray(name, r_w="r", wire=wire))
    assert reader.read()[0]


def test_damage_is_told_and_survived(name: str, wire: Wire, directory: Path) -> None:
    writer = NdShArray(name, np.arange(3), r_w="w", wire=wire)
    default = np.zeros(1)
    reader = NdShArray(name, default, r_w="r", wire=wire)
    if wire == "native":
        # The bytes behind the board's header: the headers of the slots.
        damaged, start = directory / f"{name}.ndsh", 128
    else:
        damaged, start = directory / name, 0
    size = damaged.stat().st_size
    with damaged.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * (size - start))
    with pytest.warns(BytesWarning, match="damaged"):
        status, array = reader.read()
    assert status is False
    assert array is default
    assert not reader.is_valid
    del writer


def _write_in_child(writer: NdShArray, pipe: Connection) -> None:
    try:
        writer.write(np.array([2]))
    except Forked as refused:
        pipe.send(str(refused))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_write_for_its_parent(name: str, wire: Wire) -> None:
    writer = NdShArray(name, np.array([1]), r_w="w", wire=wire)
    reader = NdShArray(name, r_w="r", wire=wire)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=_write_in_child, args=(writer, theirs))
    child.start()
    assert ours.poll(10)
    assert "parent" in ours.recv()
    child.join(10)
    assert child.exitcode == 0
    assert reader.read()[1].tolist() == [1]
    writer.write(np.array([3]))
    assert reader.read()[1].tolist() == [3]


FLOOD = """
import sys
import numpy as np
from ndsharray_rs.compat import NdShArray
writer = NdShArray(sys.argv[1], np.zeros(0, np.uint64), "w")
number = 0
while True:
    number += 1
    writer.write(np.full(1 + number % 3 * 4096, number, np.uint64))
"""


def test_a_flood_is_read_whole(name: str) -> None:
    readers = [NdShArray(name, r_w="r") for _ in range(3)]
    with subprocess.Popen([sys.executable, "-c", FLOOD, name]) as process:
        try:
            for reader in readers:
                kept: list[np.ndarray] = []
                seen = 0
                until(lambda: reader.read()[0])  # noqa: B023
                while len(kept) < 60:
                    assert process.poll() is None
                    status, array = reader.read()
                    if status and array.size > 0:
                        number = int(array[0])
                        assert number > seen
                        assert array.size == 1 + number % 3 * 4096
                        kept.append(array)
                        seen = number
                for array in kept:
                    assert array.min() == array.max()
        finally:
            process.kill()
