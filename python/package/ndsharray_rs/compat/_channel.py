"""`NdShArray` over this library's own channels."""

from __future__ import annotations

import os
import warnings
from typing import Any

from numpy.typing import NDArray

from .._native import Reader, Writer
from ..errors import Contended, Corrupt, InvalidBool, NotFound
from ._ends import ReadingEnd, WritingEnd
from ._hold import Hold

MOST_READERS = 448
"""The most readers that a channel can have: ndsharray knows no limit."""


class ChannelWriter(WritingEnd):
    """The writing end of a channel."""

    def __init__(self, name: str, *, dir: str | None, mode: int | None, persist: bool) -> None:
        super().__init__(Writer(name, dir=dir, mode=mode, persist=persist, max_readers=MOST_READERS))

    def write(self, array: NDArray[Any]) -> None:
        self._writer.write(array)


class ChannelReader(ReadingEnd[Reader]):
    """The reading end of a channel."""

    def __init__(self, name: str, *, dir: str | None) -> None:
        self._hold = Hold()
        self._seq = 0
        self._process = os.getpid()
        super().__init__(name, dir=dir)

    def read(self) -> NDArray[Any] | None:
        if self._process != os.getpid():
            return self._read_in_child()
        reader = self._reader or self._opened()
        if reader is None:
            return None
        try:
            sample = reader.read()
            if sample is None:
                return None
            array = self._hold.array(sample)
        except Contended:
            self.is_valid = False
            return None
        except (Corrupt, InvalidBool) as problem:
            self.is_valid = False
            warnings.warn(f"the channel {self._name!r} is damaged: {problem}", BytesWarning, stacklevel=3)
            return None
        self._seq = sample.seq
        self.read_time_ms = sample.age * 1000.0
        self.is_valid = True
        return array

    def _open(self) -> Reader | None:
        try:
            return Reader(self._name, dir=self._dir)
        except NotFound:
            return None

    def _read_in_child(self) -> NDArray[Any] | None:
        """Read with a handle of this process, from where the parent was at the fork."""
        seen = self._seq
        self._process = os.getpid()
        self._hold = Hold()
        self._reader = self._open()
        array = self.read()
        return None if self._seq == seen else array
