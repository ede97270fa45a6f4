"""`SharedNDArray`, as a program sees it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.managers import SharedMemoryManager
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import shared_ndarray2

from ndsharray_rs import SharedArray, compat
from ndsharray_rs.compat import SharedNDArray, _block, shared_ndarray

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture(scope="module")
def manager() -> Iterator[SharedMemoryManager]:
    with SharedMemoryManager() as manager:
        yield manager


def first(block: SharedMemory) -> int:
    assert block.buf is not None
    return block.buf[0]


def test_everything_public_in_the_package_is_here() -> None:
    for name in ("SharedNDArray", "ShareableT", "VALID_SHARED_TYPES"):
        assert hasattr(shared_ndarray2, name)
        assert name in compat.__all__
    assert compat.VALID_SHARED_TYPES == shared_ndarray2.VALID_SHARED_TYPES
    public = {name for name in vars(shared_ndarray2.SharedNDArray) if not name.startswith("_")}
    assert public == {"from_array", "from_shape", "shape", "get", "ndim"}
    assert public <= set(dir(SharedNDArray))
    assert {"from_array", "from_shape"} <= set(shared_ndarray.__all__)


@pytest.mark.parametrize("dtype", ["i1", "u8", "f2", "f4", "f8", "g", "c8", "c16", "?", "M8[ns]", "m8[s]", ">i4"])
def test_arrays_and_shapes(manager: SharedMemoryManager, dtype: str) -> None:
    array: np.ndarray[Any, np.dtype[Any]] = np.arange(24).reshape(2, 3, 4).astype(dtype)
    for make in (SharedNDArray.from_array, shared_ndarray.from_array):
        shared = make(manager, array)
        assert (shared.shape, shared.ndim, shared.dtype) == ((2, 3, 4), 3, array.dtype)
        assert np.array_equal(shared[:], array)
        assert np.array_equal(shared.get(), array)
        assert shared.lock is None
        assert shared.shm.size == array.nbytes
    for make_zeros in (SharedNDArray.from_shape, shared_ndarray.from_shape):
        shared = make_zeros(manager, (2, 3, 4), array.dtype)
        assert not np.any(shared[:].view(np.uint8))
        shared[:] = array
        assert np.array_equal(shared[:], array)


def test_indices_are_numpys(manager: SharedMemoryManager) -> None:
    array = np.arange(60).reshape(3, 4, 5)
    shared = SharedNDArray.from_array(manager, array)
    keys: list[Any] = [
        0,
        (1, 2, 3),
        slice(None),
        ...,
        (slice(0, 2), ..., 1),
        None,
        [0, 2],
        np.array([2, 0]),
        array > 30,
        (np.array([0, 1]), np.array([1, 2])),
    ]
    for key in keys:
        assert np.array_equal(shared[key], array[key])
        array[key] += 1
        shared[key] += 1
        assert np.array_equal(shared.get(), array)
    shared[0][1:3] = 7
    array[0][1:3] = 7
    assert np.array_equal(shared[:], array)
    assert np.mean(shared.get()) == array.mean()
    assert [int(row.sum()) for row in shared.get()] == [int(row.sum()) for row in array]


def test_the_shape_can_be_set(manager: SharedMemoryManager) -> None:
    shared = SharedNDArray.from_array(manager, np.arange(12))
    shared.shape = (3, -1)
    assert shared.shape == (3, 4)
    assert shared[2, 3] == 11
    with pytest.raises(ValueError, match="reshape"):
        shared.shape = (5, 2)
    assert pickle.loads(pickle.dumps(shared)).shape == (3, 4)


def test_by_block_and_by_name() -> None:
    block = SharedMemory(create=True, size=24)
    try:
        by_block = SharedNDArray(block, (3,), np.int64)
        by_name = SharedNDArray(block.name, (3,), np.dtype(np.int64))
        by_block[:] = [1, 2, 3]
        assert by_name[:].tolist() == [1, 2, 3]
        assert by_block.shm is block
        for block_or_name in (block, block.name):
            for shape in ((2,), (4,)):
                with pytest.raises(ValueError, match="bytes"):
                    SharedNDArray(block_or_name, shape, np.int64)
            with pytest.raises(TypeError):
                SharedNDArray(block_or_name, (3,), np.dtype("S8"))
        with pytest.raises(FileNotFoundError):
            SharedNDArray(block.name + "-not", (3,), np.int64)
        attached = by_name.shm
        assert attached.name == block.name
        attached.close()
    finally:
        block.close()
        block.unlink()


def test_the_package_has_the_same_memory(manager: SharedMemoryManager) -> None:
    ours = SharedNDArray.from_array(manager, np.zeros(4))
    theirs = shared_ndarray2.SharedNDArray(ours.shm.name, (4,), np.float64)
    theirs[1] = 5
    ours[2] = 6
    assert theirs[:].tolist() == ours[:].tolist() == [0, 5, 6, 0]
    plain = SharedArray.attach_raw(ours.shm.name, (4,), np.float64, dir="/dev/shm")
    assert plain.unlocked.tolist() == [0, 5, 6, 0]


def test_arrays_keep_their_memory() -> None:
    block = SharedMemory(create=True, size=8)
    shared = SharedNDArray(block, (2,), np.int32)
    part = shared[1:]
    lone = SharedNDArray(block.name, (2,), np.int32)[:]
    block.close()
    block.unlink()
    part[0] = 7
    assert shared[:].tolist() == lone.tolist() == [0, 7]
    del shared
    assert part.tolist() == [7]
    with pytest.raises(ValueError, match="closed"):
        SharedNDArray(block, (2,), np.int32)
    with SharedMemoryManager() as manager:
        kept = SharedNDArray.from_array(manager, np.arange(3))[:]
    assert kept.tolist() == [0, 1, 2]


def test_no_descriptors_beside_the_blocks_own() -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    blocks = [SharedMemory(create=True, size=24) for _ in range(3)]
    try:
        before = descriptors()
        arrays = [SharedNDArray(block, (3,), np.int64) for block in blocks]
        arrays += [SharedNDArray(block.name, (3,), np.int64) for block in blocks]
        kept = [array.get() for array in arrays]
        assert descriptors() == before
        for block in blocks:
            block.close()
        assert descriptors() < before
        kept[0][1] = 7
        assert kept[3].tolist() == [0, 7, 0]
    finally:
        for block in blocks:
            block.unlink()


def test_a_block_that_has_been_cut() -> None:
    block = SharedMemory(create=True, size=8192)
    try:
        os.truncate(f"/dev/shm/{block.name}", 4096)
        with pytest.raises(ValueError, match="cut"):
            SharedNDArray(block, (8192,), np.uint8)
    finally:
        block.close()
        block.unlink()


def test_a_block_that_has_lost_its_name() -> None:
    block = SharedMemory(create=True, size=8)
    block.unlink()
    shared = SharedNDArray(block, (8,), np.uint8)
    shared[0] = 9
    assert first(block) == 9
    del shared
    assert first(block) == 9, "the block is its owner's"
    block.close()


def test_where_blocks_are_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_block, "DIRECTORY", "/nowhere")
    block = SharedMemory(create=True, size=8)
    try:
        by_name = SharedNDArray(block.name, (8,), np.uint8)
        by_name[0] = 3
        assert first(block) == 3
        nameless: Any = SimpleNamespace(buf=block.buf, size=8)
        view = _block.of_object(nameless)
        assert view[0] == 3
        with pytest.raises(BufferError):
            block.close()
        del view
    finally:
        block.close()
        block.unlink()


def test_a_process_that_had_a_look_leaves_the_block() -> None:
    block = SharedMemory(create=True, size=8)
    code = f"""
from ndsharray_rs.compat import SharedNDArray
import numpy as np
shared = SharedNDArray({block.name!r}, (8,), np.uint8)
shared[0] = 1
"""
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert Path("/dev/shm", block.name).exists()
        assert first(block) == 1
    finally:
        block.close()
        block.unlink()


def _add(shared: SharedNDArray[np.int64], rounds: int) -> None:
    for _ in range(rounds):
        with shared.lock:  # type: ignore[union-attr]
            shared[:] += 1


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_share_it_and_its_lock(manager: SharedMemoryManager, method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    shared = SharedNDArray.from_shape(manager, (16,), np.int64, lock=True)
    children = [context.Process(target=_add, args=(shared, 200)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert shared[:].tolist() == [600] * 16


def _fill(job: tuple[SharedNDArray[np.int64], int]) -> int:
    shared, row = job
    shared[row] = row
    return os.getpid()


def test_a_pool_gets_it_as_an_argument(manager: SharedMemoryManager) -> None:
    shared = SharedNDArray.from_shape(manager, (8, 3), np.int64)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pids = pool.map(_fill, [(shared, row) for row in range(8)], chunksize=1)
    assert os.getpid() not in pids
    assert shared[:].tolist() == [[row] * 3 for row in range(8)]


def test_what_it_is_not(manager: SharedMemoryManager) -> None:
    shared = SharedNDArray.from_array(manager, np.arange(6).reshape(2, 3))
    with pytest.raises(AttributeError, match=r"'mean'.*\.get\(\)"):
        shared.mean()
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'.$"):
        _ = shared.nothing
    assert repr(shared) == "SharedNDArray([[0 1 2]\n               [3 4 5]], dtype=int64)"
