"""Mapping the memory of Python's `multiprocessing.shared_memory`."""

from __future__ import annotations

import os
from multiprocessing.shared_memory import SharedMemory

import numpy as np
from numpy.typing import NDArray

from .._native import SharedArray, map_block

DIRECTORY = "/dev/shm"
"""The directory of Python's blocks, which is not always this library's own."""

Bytes = NDArray[np.uint8]


def of_object(block: SharedMemory) -> Bytes:
    """Return all bytes of an open block, in a mapping of their own.

    NumPy arrays over `block.buf` do not keep it: once the block is closed or collected, touching
    them ends the process. Arrays over this mapping keep it, and the block can still be closed. The
    mapping comes from the block's descriptor, as the block may have lost its name, and keeps none
    of its own.
    """
    if block.buf is None:
        raise ValueError("the block of shared memory is closed")
    descriptor: int = getattr(block, "_fd", -1)
    if descriptor < 0:
        # Where blocks are no files. Then the block cannot be closed as long as there are arrays.
        return np.frombuffer(block.buf, np.uint8, block.size)
    if os.fstat(descriptor).st_size < block.size:
        raise ValueError(f"the block of shared memory has been cut to less than {block.size} bytes")
    return map_block(descriptor, block.size)


def of_name(name: str) -> Bytes:
    """Return all bytes of the block with this name.

    If possible this opens no `SharedMemory`. Before Python 3.13, a process that opened one removed
    the block at its exit, although others still used it.
    """
    if not os.path.isdir(DIRECTORY):
        return of_object(SharedMemory(name))
    size = os.stat(os.path.join(DIRECTORY, name.removeprefix("/"))).st_size
    return SharedArray.attach_raw(name.removeprefix("/"), (size,), np.uint8, dir=DIRECTORY).unlocked
