"""Records what Python's ndsharray writes, for tests that need no Python.

    python record.py > VERSION.txt

One line a value: dtype, axes, tag file, payload file. The elements are 0, 1, 2, ...
"""
import os
import sys

import numpy as np
from ndsharray import NdShArray
from ndsharray.ndsharray import supported_types

NAME = "ndsharray-sample"
SHAPES = [(), (0,), (3, 0, 5), (7,), (2, 1, 3), (1,) * 31 + (2,)]


def record(writer, array):
    writer.write(array)
    paths = ["/dev/shm/" + name for name in (NAME, writer.ndarray_mmap_name)]
    tag, payload = (open(path, "rb").read() for path in paths)
    os.unlink(paths[1])
    axes = "x".join(map(str, array.shape)) or "-"
    print(array.dtype.name, axes, tag.hex(), payload.hex())


writer = NdShArray(NAME, r_w="w")
os.unlink("/dev/shm/" + writer.ndarray_mmap_name)
for dtype in supported_types:
    # Added to zeros: NumPy leaves the bytes of a long double beyond its number as they were.
    array = np.zeros((2, 3), dtype=dtype)
    array += np.arange(6).reshape(2, 3).astype(dtype)
    record(writer, array)
for shape in SHAPES:
    record(writer, np.arange(int(np.prod(shape))).astype(np.float64).reshape(shape))
os.unlink("/dev/shm/" + NAME)
