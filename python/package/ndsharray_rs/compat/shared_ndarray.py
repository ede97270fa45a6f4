"""`SharedNDArray`, with the name and signature that it has in the package shared-ndarray2."""

from __future__ import annotations

import math
import multiprocessing
import sys
from collections.abc import Sequence
from multiprocessing.managers import SharedMemoryManager
from multiprocessing.shared_memory import SharedMemory
from multiprocessing.synchronize import Lock
from typing import TYPE_CHECKING, Any, Generic, NoReturn, SupportsIndex, TypeVar, Union, overload

import numpy as np
from numpy.typing import NDArray

from .. import _missing as missing
from . import _block as block

if TYPE_CHECKING:
    from types import EllipsisType

__all__ = ["VALID_SHARED_TYPES", "ShareableT", "SharedNDArray", "from_array", "from_shape"]

VALID_SHARED_TYPES = (np.number, np.bool_, np.datetime64, np.timedelta64)
"""The kinds of elements that can be shared, as classes to test with."""

# Evaluated at run time, where `|` between types came with Python 3.10.
ShareableT = TypeVar("ShareableT", bound=Union["np.number[Any]", np.bool_, np.datetime64, np.timedelta64])
"""The kinds of elements that can be shared, for type checkers."""

Arrays = Union[NDArray[np.integer[Any]], NDArray[np.bool_]]
Index = Union[SupportsIndex, slice, "EllipsisType", Sequence[int], Arrays, None]


class SharedNDArray(Generic[ShareableT]):
    """A block of `multiprocessing.shared_memory` as a NumPy array. Other processes can get it.

    >>> with SharedMemoryManager() as manager:
    ...     shared = SharedNDArray.from_array(manager, np.arange(3))
    ...     shared[1:] += 10  # in place, for all processes that have it
    ...     print(shared[:], shared.get().max())
    [ 0 11 12] 12

    `shm` is the block, or its name. It must have exactly as many bytes as an array of `shape` and
    `dtype`.

    With `lock=True`, `lock` is a `multiprocessing.Lock`. It goes with the array to each process
    that gets it as an argument of a `multiprocessing.Process`. Otherwise `lock` is `None`. A killed
    process never releases the lock; `ndsharray_rs.SharedArray` has a lock that survives its holder.

    Differences from the package:

    - The arrays of `get()` and of slices keep their memory, also when this object is gone or the
      block is closed or removed. With the package, touching them then ends the process.
    - A block that was given to the constructor belongs to its owner. It stays open when this object
      goes.
    - A process that opens a block by its name does not remove the block at its exit. With the
      package it does, before Python 3.13, unless a parent of it made the block.
    """

    dtype: np.dtype[ShareableT]
    lock: Lock | None

    def __init__(
        self,
        shm: SharedMemory | str,
        shape: tuple[int, ...],
        dtype: type[ShareableT] | np.dtype[ShareableT],
        *,
        lock: bool = False,
    ) -> None:
        self.dtype = np.dtype(dtype)
        if not issubclass(self.dtype.type, VALID_SHARED_TYPES):
            raise TypeError(f"elements of {self.dtype} cannot be shared: numbers, booleans, dates and times can")
        self._open(shm, shape)
        # A lock of the context "spawn" goes to children of any start method.
        self.lock = multiprocessing.get_context("spawn").Lock() if lock else None

    def _open(self, shm: SharedMemory | str, shape: tuple[int, ...]) -> None:
        self._shape = tuple(shape) if isinstance(shape, Sequence) else (shape,)
        self._memory = block.of_name(shm) if isinstance(shm, str) else block.of_object(shm)
        self._block: SharedMemory | str = shm
        wanted = math.prod(self._shape) * self.dtype.itemsize
        if self._memory.size != wanted:
            raise ValueError(f"{self._shape} of {self.dtype} takes {wanted} bytes, the block has {self._memory.size}")

    @classmethod
    def from_shape(
        cls,
        mem_mgr: SharedMemoryManager,
        shape: tuple[int, ...],
        dtype: type[ShareableT] | np.dtype[ShareableT],
        *,
        lock: bool = False,
    ) -> SharedNDArray[ShareableT]:
        """Make zeros in a new block, which the running `mem_mgr` removes at its end."""
        axes = shape if isinstance(shape, Sequence) else (shape,)
        made = mem_mgr.SharedMemory(math.prod(int(axis) for axis in axes) * np.dtype(dtype).itemsize)
        return cls(made, shape, dtype, lock=lock)

    @classmethod
    def from_array(
        cls, mem_mgr: SharedMemoryManager, arr: NDArray[ShareableT], *, lock: bool = False
    ) -> SharedNDArray[ShareableT]:
        """Copy `arr` to a new block, which the running `mem_mgr` removes at its end."""
        missing.check(arr)
        made = cls.from_shape(mem_mgr, arr.shape, arr.dtype, lock=lock)
        made.get()[...] = arr
        return made

    @property
    def shm(self) -> SharedMemory:
        """The block.

        If this object has only its name, `SharedMemory` opens it, and registers it as Python does.
        """
        if isinstance(self._block, str):
            self._block = SharedMemory(self._block)
        return self._block

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis, as this object sees it. Setting it changes no other object."""
        return self._shape

    @shape.setter
    def shape(self, shape: tuple[int, ...]) -> None:
        self._shape = self.get().reshape(shape).shape

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self._shape)

    def get(self) -> NDArray[ShareableT]:
        """All elements as a NumPy array, in place."""
        return np.ndarray(self._shape, self.dtype, self._memory)

    @overload
    def __getitem__(self, key: Arrays | tuple[Arrays, ...]) -> NDArray[ShareableT]: ...

    @overload
    def __getitem__(self, key: SupportsIndex | tuple[SupportsIndex, ...]) -> Any: ...

    @overload
    def __getitem__(self, key: Index | tuple[Index, ...]) -> NDArray[ShareableT]: ...

    def __getitem__(self, key: Any) -> Any:
        """Index as NumPy does: an element, a view, or a copy for an index of arrays."""
        return self.get()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        """Assign as NumPy does, for all processes. Masked elements are a `TypeError`."""
        missing.check(value)
        self.get()[key] = value

    def __getattr__(self, name: str) -> NoReturn:
        # The message that the package's documentation shows for this mistake.
        hint = " To access NumPy ndarray object use .get() method." if hasattr(np.ndarray, name) else ""
        error = AttributeError(f"SharedNDArray object has no attribute '{name}'.{hint}")
        if sys.version_info >= (3, 10):
            error.name, error.obj = name, self
        raise error

    def __repr__(self) -> str:
        start = f"{type(self).__name__}("
        elements = str(self.get()).replace("\n", "\n" + " " * len(start))
        return f"{start}{elements}, dtype={self.dtype})"

    def __getstate__(self) -> dict[str, Any]:
        """Pickle by the block's name."""
        name = self._block if isinstance(self._block, str) else self._block.name
        return {"name": name, "shape": self._shape, "dtype": self.dtype, "lock": self.lock}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.dtype = state["dtype"]
        self.lock = state["lock"]
        self._open(state["name"], state["shape"])


def from_shape(
    mem_mgr: SharedMemoryManager,
    shape: tuple[int, ...],
    dtype: type[ShareableT] | np.dtype[ShareableT],
    *,
    lock: bool = False,
) -> SharedNDArray[ShareableT]:
    """Call `SharedNDArray.from_shape`, which type checkers understand less well."""
    return SharedNDArray.from_shape(mem_mgr, shape, dtype, lock=lock)


def from_array(
    mem_mgr: SharedMemoryManager, arr: NDArray[ShareableT], *, lock: bool = False
) -> SharedNDArray[ShareableT]:
    """Call `SharedNDArray.from_array`, which type checkers understand less well."""
    return SharedNDArray.from_array(mem_mgr, arr, lock=lock)
