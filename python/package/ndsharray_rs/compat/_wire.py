"""`NdShArray` over the wire format of Python's ndsharray, for peers that still use that package."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._native import WireReader, WireWriter
from ..errors import Contended, InvalidBool, NotFound, Wire


class PackageWriter:
    """The writing end, for readers with the package."""

    def __init__(self, name: str, *, dir: str | None, mode: int | None, persist: bool) -> None:
        self._writer = WireWriter(name, dir=dir, mode=mode, persist=persist)

    def write(self, array: NDArray[Any]) -> None:
        # `require` leaves an array alone that is in order already.
        self._writer.write(np.require(array, array.dtype.newbyteorder("="), "C"))

    @property
    def payload_name(self) -> str | None:
        return self._writer.payload_name

    def close(self) -> None:
        self._writer.close()


class PackageReader:
    """The reading end, for a writer with the package."""

    def __init__(self, name: str, *, dir: str | None) -> None:
        self._name = name
        self._dir = dir
        self.is_valid = False
        self.read_time_ms = 0.0
        self._reader = self._open()

    def read(self) -> NDArray[Any] | None:
        reader = self._reader
        if reader is None:
            reader = self._reader = self._open()
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

    @property
    def payload_name(self) -> str | None:
        return None if self._reader is None else self._reader.payload_name

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _open(self) -> WireReader | None:
        try:
            return WireReader(self._name, dir=self._dir)
        except (NotFound, Wire):
            # Not there yet, or in the making.
            return None
