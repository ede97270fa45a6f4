"""`NdShArray` over the wire format of Python's ndsharray, for peers that still use that package."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._native import WireReader, WireWriter
from ..errors import Contended, InvalidBool, NotFound, Wire
from ._ends import ReadingEnd, WritingEnd


class PackageWriter(WritingEnd):
    """The writing end, for readers that use the package."""

    def __init__(self, name: str, *, dir: str | None, mode: int | None, persist: bool) -> None:
        super().__init__(WireWriter(name, dir=dir, mode=mode, persist=persist))

    def write(self, array: NDArray[Any]) -> None:
        # `require` copies only an array that is in another order.
        self._writer.write(np.require(array, array.dtype.newbyteorder("="), "C"))


class PackageReader(ReadingEnd[WireReader]):
    """The reading end, for a writer that uses the package."""

    def read(self) -> NDArray[Any] | None:
        reader = self._reader or self._opened()
        if reader is None:
            return None
        try:
            array = reader.read()
        except Contended:
            array = None
        except (Wire, InvalidBool) as problem:
            array = None
            warnings.warn(f"the files of {self._name!r} are damaged: {problem}", BytesWarning, stacklevel=3)
        self.is_valid = reader.is_valid
        if array is not None:
            self.read_time_ms = reader.read_time_ms
        return array

    def _open(self) -> WireReader | None:
        try:
            return WireReader(self._name, dir=self._dir)
        except (NotFound, Wire):
            # Not there yet, or in the making.
            return None
