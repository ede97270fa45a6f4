"""`NdShArray`, with the name and signature that it has in the package ndsharray."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from .. import _missing as missing
from ..errors import Unsupported
from ._channel import ChannelReader, ChannelWriter
from ._ends import WritingEnd
from ._types import supported_types
from ._wire import PackageReader, PackageWriter
from ._writers import writers

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["NdShArray", "supported_types"]

NOTHING: NDArray[Any] = np.ndarray((0,), dtype=np.uint8)


class NdShArray:
    """Shares the latest array: one writer (`r_w="w"`), any number of readers (`r_w="r"`).

    >>> writer = NdShArray("doc", np.zeros(2), r_w="w")
    >>> reader = NdShArray("doc", r_w="r")
    >>> reader.read()
    (True, array([0., 0.]))
    >>> writer.write(np.arange(3))
    >>> reader.read()
    (True, array([0, 1, 2]))
    >>> reader.read()  # nothing newer
    (False, array([0, 1, 2]))

    Dtype and shape may change with every write. Reader and writer may start in any order, in
    processes of their own.

    `wire` chooses the carrier of the arrays. `"native"` is a channel of this library, which
    `ndsharray_rs.Reader` and Rust programs read too. `"ndsharray"` is the files of the package
    ndsharray, for peers that still use it.

    A writer writes `array` at once. When it ends, its last value stays for later readers, until the
    next writer of the name or `ndsharray_rs.compat.remove`; with `persist=False` it goes. `mode` is
    the permission bits of the files, 0o600 by default, and `dir` their directory.
    """

    _writing: WritingEnd | None = None
    _reading: ChannelReader | PackageReader | None = None

    def __init__(
        self,
        name: str,
        array: NDArray[Any] = NOTHING,
        r_w: str | None = None,
        *,
        wire: Literal["native", "ndsharray"] = "native",
        dir: str | None = None,
        mode: int | None = None,
        persist: bool = True,
    ) -> None:
        if r_w is None or r_w not in ("r", "w", "R", "W"):
            raise ValueError(f"r_w is {r_w!r}: an NdShArray reads ('r') or writes ('w')")
        if wire not in ("native", "ndsharray"):
            raise ValueError(f"wire is {wire!r}, not 'native' or 'ndsharray'")
        self._name = name
        self._access = r_w.lower()
        self._array = check(array)
        self._wire: Literal["native", "ndsharray"] = wire
        self._dir = dir
        if self._access == "w":
            kind = ChannelWriter if wire == "native" else PackageWriter
            make = lambda: kind(name, dir=dir, mode=mode, persist=persist)  # noqa: E731
            self._writing = writers.get((wire, dir, name), make)
            self.write(array)
        elif wire == "native":
            self._reading = ChannelReader(name, dir=dir)
        else:
            self._reading = PackageReader(name, dir=dir)

    def write(self, array: NDArray[Any]) -> None:
        """Publish a copy of `array`, of any dtype, shape and strides.

        Raises `TypeError` for a reader, for masked elements, and for objects that are no arrays;
        `NotImplementedError` for a dtype that cannot be shared; `OutOfMemory` (a `MemoryError`)
        when shared memory is full. The last value is still current then.
        """
        if self._writing is None:
            raise TypeError(f"{self!r} cannot write")
        check(array)
        try:
            self._writing.write(array)
        except (TypeError, Unsupported) as problem:
            raise NotImplementedError(str(problem)) from problem

    def read(self) -> tuple[bool, NDArray[Any]]:
        """Return whether there is a newer array than before, and the current one.

        With nothing newer it is the same array again. Before the first value, it is the array that
        the constructor was given. The arrays are not writable, and no later write changes them.
        """
        array = None if self._reading is None else self._reading.read()
        if array is None:
            return False, self._array
        self._array = array
        return True, array

    @property
    def name(self) -> str:
        """The name that writer and readers share."""
        return self._name

    @property
    def access(self) -> str:
        """`"r"` or `"w"`."""
        return self._access

    @property
    def is_valid(self) -> bool:
        """Whether the last read found a sound value, new or not. For a writer: is it open?"""
        end = self._reading
        return self._writing is not None if end is None else end.is_valid

    @property
    def ndarray_mmap_name(self) -> str:
        """The file of the array written or read last; empty before the first."""
        end = self._writing or self._reading
        return (end.payload_name if end is not None else None) or ""

    @property
    def read_time_ms(self) -> float:
        """Milliseconds from writing to reading the last array; 0 before the first."""
        return 0.0 if self._reading is None else self._reading.read_time_ms

    def close(self) -> None:
        """Release the shared memory, as `del` does. Arrays that have been read stay."""
        # Another object of this process may write under the name. The last of them closes the end.
        self._writing = None
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"NdShArray({self._name!r}, r_w={self._access!r}, wire={self._wire!r})"

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> NoReturn:
        """Refuse: without this, NumPy would make an array of one object."""
        raise TypeError("an NdShArray is no array: read() gives whether there is news, and the array")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle a reader by its name. The other process opens it."""
        if self._access == "w":
            self._refuse_to_pickle()
        return _reader, (self._name, self._wire, self._dir)

    def _refuse_to_pickle(self) -> NoReturn:
        raise TypeError(
            f"{self!r} cannot be pickled: its name has one writing process; make the writer where it writes"
        )


def check(array: object) -> NDArray[Any]:
    """Return the array, if it is one and none of its elements is masked."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"an NdShArray takes arrays, not {type(array).__name__}")
    missing.check(array)
    return array


def _reader(name: str, wire: Literal["native", "ndsharray"], dir: str | None) -> NdShArray:
    return NdShArray(name, r_w="r", wire=wire, dir=dir)
