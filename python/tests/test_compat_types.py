"""The drop-ins' types: mypy checks this file, pytest runs it."""

from __future__ import annotations

from multiprocessing.managers import SharedMemoryManager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

from ndsharray_rs.compat import NdShArray, ShareableT, SharedNDArray
from ndsharray_rs.compat.shared_ndarray import from_array, from_shape


def total(shared: SharedNDArray[ShareableT]) -> ShareableT:
    element: ShareableT = shared.get().reshape(-1)[0]
    return element


def test_shared_arrays_know_their_elements() -> None:
    with SharedMemoryManager() as manager:
        array: NDArray[np.float32] = np.zeros((2, 3), np.float32)
        shared = SharedNDArray.from_array(manager, array)
        assert_type(shared, SharedNDArray[np.float32])
        assert_type(from_array(manager, array), SharedNDArray[np.float32])
        assert_type(from_shape(manager, (4,), np.int16), SharedNDArray[np.int16])
        assert_type(SharedNDArray.from_shape(manager, (4,), np.dtype(np.int16)), SharedNDArray[np.int16])
        assert_type(SharedNDArray(shared.shm.name, (2, 3), np.float32), SharedNDArray[np.float32])
        assert_type(shared.get(), NDArray[np.float32])
        assert_type(shared[0:1], NDArray[np.float32])
        assert_type(shared[..., None], NDArray[np.float32])
        assert_type(shared[array > 0], NDArray[np.float32])
        assert_type(shared[0, 1], Any)
        assert_type(shared.shape, tuple[int, ...])
        assert_type(shared.dtype, np.dtype[np.float32])
        assert_type(total(shared), np.float32)


def test_values_are_arrays(name: str) -> None:
    with NdShArray(name, r_w="w") as writer, NdShArray(name, r_w="r") as reader:
        writer.write(np.zeros(3))
        assert_type(reader.read(), tuple[bool, NDArray[Any]])
