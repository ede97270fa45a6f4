"""Mapping the memory of Python's `multiprocessing.shared_memory`."""

from __future__ import annotations

import os
from multiprocessing.shared_memory import SharedMemory

import numpy as np
from numpy.typing import NDArray

from .._native import SharedArray, map_block

DIRECTORY = "/dev/shm"
"""Where Python has its blocks, whatever this library's own directory is."""

Bytes = NDArray[np.uint8]


def of_object(block: SharedMemory) -> Bytes:
    """All bytes of an open block, in a mapping of their own.

    NumPy arrays over `block.buf` do not keep it: once the block is closed, or collected, touching them ends the
    process. These keep theirs, and the block can be closed as ever. It may have lost its name already, so it is not
    opened anew. The mapping keeps no descriptor beside the block's own.
    """
    if block.buf is None:
        raise ValueError("the block of shared memory is closed")
    descriptor: int = getattr(block, "_fd", -1)
    if descriptor < 0:
        # Where blocks are no files. The block cannot be closed then as long as there are arrays.
        return np.frombuffer(block.buf, np.uint8, block.size)
    if os.fstat(descriptor).st_size < block.size:
        raise ValueError(f"the block of shared memory has been cut to less than {block.size} bytes")
    return map_block(descriptor, block.size)


def of_name(name: str) -> Bytes:
    """All bytes of the block with this name.

    If possible not through a `SharedMemory`: before Python 3.13 opening one made the process responsible for removing
    it, and a process that merely had a look removed it at its exit under everybody else's hands.
    """
    if not os.path.isdir(DIRECTORY):
        return of_object(SharedMemory(name))
    size = os.stat(os.path.join(DIRECTORY, name.removeprefix("/"))).st_size
    return SharedArray.attach_raw(name.removeprefix("/"), (size,), np.uint8, dir=DIRECTORY).unlocked
