"""A drop-in for the package SharedArray: arrays under a name or in a file, without a lock.

A program that uses the package changes its import, and nothing else::

    import ndsharray_rs.compat.SharedArray as sa  # was: import SharedArray as sa

>>> import os
>>> name = f"shm://doc-{os.getpid()}"
>>> a = create(name, 10)
>>> b = attach(name)
>>> a[0] = 42
>>> print(b[0])
42.0
>>> delete(name)
>>> print(b[0])  # what is attached stays
42.0

The format is the package's, so both exchange arrays, in both directions.

Differences from the package:

- The memory of a new array is reserved. If there is too little, `create` raises an `OSError`. With
  the package, the process is killed when it touches the missing memory.
- Builds of the package for NumPy 1 and for NumPy 2 do not see each other's arrays. This module sees
  both, and both see its arrays, up to 27 axes.
- What a file says about its array is checked before it is used.
- Objects, and types of other packages such as bfloat16, are refused: they are pointers, or numbers
  that mean nothing to another process.

As with the package, a type's byte order, fields and unit of time are not stored: the array has
native byte order, and raw bytes (`V`) in the place of fields.

`ndsharray_rs.SharedArray` is the better choice for new programs: it has a lock that survives its
holder, atomic access, and says which processes use an array.
"""

from __future__ import annotations

import _posixshmem
import contextlib
import ctypes
import errno
import math
import os
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._native import map_block
from . import _footer as footer
from ._block import DIRECTORY

__all__ = ["MS_ASYNC", "MS_INVALIDATE", "MS_SYNC", "ArrayDesc", "attach", "create", "delete", "list"]

MS_ASYNC = 1
"""For `msync`: begin to write, and return at once."""

MS_INVALIDATE = 2
"""For `msync`: have other mappings of the file see what is written."""

MS_SYNC = {"linux": 4, "darwin": 16}.get(sys.platform, 0)
"""For `msync`: write, and wait for the end."""

_libc = ctypes.CDLL(None, use_errno=True)


class ArrayDesc(NamedTuple):
    """An array that `list` has found."""

    name: bytes
    dtype: type[np.generic]
    dims: tuple[int, ...]


class MapOwner:
    """Keeps an array's memory; the array's `base`."""

    name: str
    """The name, as it was given."""
    addr: int
    """The address of the memory."""
    size: int
    """Bytes of the memory: the elements, and what describes them."""

    def __init__(self, name: str, block: NDArray[np.uint8], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        self.name = name
        self.addr = block.ctypes.data
        self.size = block.size
        self._block = block
        self.__array_interface__ = {
            "version": 3,
            "typestr": dtype.str,
            "shape": shape,
            "data": (self.addr, not block.flags.writeable),
        }

    def msync(self, flags: int) -> None:
        """Write the elements to their file. `flags` are `MS_SYNC` or `MS_ASYNC`, and `MS_INVALIDATE`."""
        self._ask(_libc.msync, ctypes.c_int(flags))

    def mlock(self) -> None:
        """Keep the elements in memory: they are not swapped out."""
        self._ask(_libc.mlock)

    def munlock(self) -> None:
        """Let the elements be swapped out again."""
        self._ask(_libc.munlock)

    def _ask(self, call: Any, *more: Any) -> None:
        if call(ctypes.c_void_p(self.addr), ctypes.c_size_t(self.size), *more) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def create(name: str, shape: SupportsIndex | Sequence[SupportsIndex], dtype: DTypeLike | None = float) -> NDArray[Any]:
    """Make an array, filled with zeros.

    `name` is that of a file after `file://`, or that of a block of shared memory, with or without
    `shm://`. The array stays until `delete`.

    Raises a `FileExistsError` if the name is taken.
    """
    kind = footer.shareable(dtype)
    lengths = shape if isinstance(shape, Sequence) else (shape,)
    axes = tuple(length.__index__() for length in lengths)
    if any(length < 0 for length in axes):
        raise ValueError("negative dimensions are not allowed")
    end = footer.write(kind, axes)
    size = math.prod(axes) * kind.itemsize + len(end)
    descriptor = _open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        _reserve(descriptor, size)
        block = map_block(descriptor, size)
    except BaseException:
        _unlink(name)
        raise
    finally:
        os.close(descriptor)
    block[size - len(end) :] = np.frombuffer(end, np.uint8)
    return np.asarray(MapOwner(name, block, kind, axes))


def attach(name: str, ro: bool = False) -> NDArray[Any]:
    """Return the array `name`, of whichever process; with `ro`, not writable.

    Raises a `FileNotFoundError` if there is no such file or block, an `OSError` if it is none of
    the package's.
    """
    descriptor = _open(name, os.O_RDONLY if ro else os.O_RDWR)
    try:
        size = os.fstat(descriptor).st_size
        kind, shape = footer.read(_end(descriptor, size), size)
        block = map_block(descriptor, size, not ro)
    finally:
        os.close(descriptor)
    return np.asarray(MapOwner(name, block, kind, shape))


def delete(name: str) -> None:
    """Remove the array `name`. Processes that have attached it keep their memory."""
    descriptor = _open(name, os.O_RDWR)
    try:
        size = os.fstat(descriptor).st_size
        end = _end(descriptor, size)
    finally:
        os.close(descriptor)
    if not any(end[-length:].startswith(footer.MAGIC) for length in (footer.LEAST, footer.MOST)):
        raise OSError("No SharedArray at this address")
    _unlink(name)


def list() -> tuple[ArrayDesc, ...]:
    """Return the arrays in shared memory: their names as bytes, types and shapes. Linux only."""
    found = []
    with os.scandir(DIRECTORY) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if not entry.is_file(follow_symlinks=False):
                    continue
                descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    size = os.fstat(descriptor).st_size
                    dtype, shape = footer.read(_end(descriptor, size), size)
                finally:
                    os.close(descriptor)
                found.append(ArrayDesc(os.fsencode(entry.name), dtype.type, shape))
    return tuple(found)


def _place(name: str) -> tuple[bool, str]:
    """Return whether a name is that of a file, and its rest."""
    scheme, separator, rest = name.partition("://")
    if not separator:
        return False, name
    if scheme not in ("file", "shm"):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)
    return scheme == "file", rest


def _open(name: str, flags: int) -> int:
    is_file, place = _place(name)
    try:
        if is_file:
            return os.open(place, flags, 0o666)
        return int(_posixshmem.shm_open(place, flags, mode=0o666))
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from None


def _unlink(name: str) -> None:
    is_file, place = _place(name)
    if is_file:
        os.unlink(place)
    else:
        _posixshmem.shm_unlink(place)


def _reserve(descriptor: int, size: int) -> None:
    """Make the file as long, with memory or disk for all of it where the system can reserve that."""
    os.ftruncate(descriptor, size)
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            # A file system that cannot reserve.
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise


def _end(descriptor: int, size: int) -> bytes:
    return os.pread(descriptor, footer.MOST, max(0, size - footer.MOST))
