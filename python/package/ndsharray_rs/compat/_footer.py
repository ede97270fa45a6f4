"""What the package SharedArray writes behind an array's elements.

The file ends with a packed structure: a magic of 16 bytes, the elements' size in bytes (`size_t`),
NumPy's number for the type, the size of an element and the number of axes (`int` each), and the
axes' lengths (`npy_intp`). There is room for as many axes as NumPy knew when the package was built:
32 with NumPy 1, 64 with NumPy 2. So builds of the two kinds do not see each other's arrays.

Here both are read, and both are written, up to 27 axes: the last 292 bytes of the longer structure
are room for lengths, and hold the shorter one.
"""

from __future__ import annotations

import math
import struct
import sys
from typing import Any

import numpy as np

MAGIC = b"[SharedArray]"
_HEAD = struct.Struct("=16s" + {8: "Q", 4: "I"}[struct.calcsize("N")] + "iii")
_LENGTH = struct.Struct("=" + {8: "q", 4: "i"}[struct.calcsize("n")])
_ROOMS = (32, 64)
_SIZES = tuple(_HEAD.size + room * _LENGTH.size for room in _ROOMS)

MOST = _SIZES[1]
"""The bytes of the longer structure, which ends a new file."""

LEAST = _SIZES[0]
"""The bytes of the shorter structure, which every file has."""

_SHARED = (_SIZES[1] - _SIZES[0] - _HEAD.size) // _LENGTH.size
"""Up to so many axes both structures fit over each other."""

_TYPES: dict[int, np.dtype[Any]] = {np.dtype(code).num: np.dtype(code) for code in "?bBhHiIlLqQefdgFDGSUVMm"}
"""NumPy's types by their numbers, without those that are pointers, as objects."""


def shareable(dtype: Any) -> np.dtype[Any]:
    """Return `dtype` as other processes will see it: in native byte order, without fields.

    Raises a `ValueError` for objects, for types of other packages, and for elements of no size.
    """
    given = np.dtype(dtype)
    if given.num not in _TYPES or given.hasobject:
        raise ValueError(f"elements of dtype {given} cannot be shared: their type has no meaning for other processes")
    if given.itemsize == 0:
        raise ValueError(f"elements of dtype {given} cannot be shared: they have a size of 0")
    return _dtype(given.num, given.itemsize)


def _dtype(number: int, itemsize: int) -> np.dtype[Any]:
    known = _TYPES.get(number)
    if known is None:
        raise OSError(f"the elements have NumPy's type {number}, which cannot be shared")
    if known.itemsize == itemsize and itemsize > 0:
        return known
    per_character = np.dtype((known.type, 1)).itemsize if known.kind in "SUV" else 0
    if itemsize <= 0 or per_character == 0 or itemsize % per_character:
        raise OSError(f"elements of NumPy's type {number} do not have {itemsize} bytes here")
    return np.dtype((known.type, itemsize // per_character))


def write(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Return the last `MOST` bytes of a file."""
    if len(shape) > _ROOMS[1]:
        raise ValueError(f"an array has at most {_ROOMS[1]} axes, not {len(shape)}")
    if math.prod(shape) * dtype.itemsize > sys.maxsize - MOST:
        raise ValueError(f"an array of shape {shape} and dtype {dtype} does not fit this machine's memory")
    head = _HEAD.pack(MAGIC, math.prod(shape) * dtype.itemsize, dtype.num, dtype.itemsize, len(shape))
    short = head + b"".join(_LENGTH.pack(length) for length in shape)
    if len(shape) > _SHARED:
        return short.ljust(MOST, b"\0")
    return short.ljust(MOST - LEAST, b"\0") + short.ljust(LEAST, b"\0")


def read(end: bytes, size: int) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return dtype and shape of the array in a file of `size` bytes, of which `end` are the last.

    Raises an `OSError` if there is none.
    """
    # The shorter structure first: where the longer one would begin, an array may have any bytes.
    for room, length in zip(_ROOMS, _SIZES):
        found = end[-length:]
        if len(found) < length or found[: len(MAGIC) + 1] != MAGIC + b"\0":
            continue
        _, nbytes, number, itemsize, axes = _HEAD.unpack_from(found)
        if not 0 <= axes <= room:
            raise OSError(f"the array claims to have {axes} axes")
        shape = tuple(_LENGTH.unpack_from(found, _HEAD.size + axis * _LENGTH.size)[0] for axis in range(axes))
        if any(one < 0 for one in shape) or nbytes != math.prod(shape) * itemsize or nbytes > size - length:
            raise OSError(f"the array claims a shape of {shape} and {nbytes} bytes, in a file of {size}")
        return _dtype(number, itemsize), shape
    raise OSError("No SharedArray at this address")
