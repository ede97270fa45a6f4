"""`NdShArray` over this library's own channels."""

from __future__ import annotations

import os
import warnings
from typing import Any

from numpy.typing import NDArray

from .._native import Reader, Writer
from ..errors import Contended, Corrupt, InvalidBool, NotFound
from ._hold import Hold

MOST_READERS = 448
"""As many as a channel can have: ndsharray knows no limit."""


class ChannelWriter:
    """The writing end of a channel."""

    def __init__(self, name: str, *, dir: str | None, mode: int | None, persist: bool) -> None:
        self._writer = Writer(name, dir=dir, mode=mode, persist=persist, max_readers=MOST_READERS)

    def write(self, array: NDArray[Any]) -> None:
        self._writer.write(array)

    @property
    def payload_name(self) -> str | None:
        return self._writer.payload_name

    def close(self) -> None:
        self._writer.close()


class ChannelReader:
    """The reading end of a channel, which opens it as soon as it is there."""

    def __init__(self, name: str, *, dir: str | None) -> None:
        self._name = name
        self._dir = dir
        self._hold = Hold()
        self._seq = 0
        self._process = os.getpid()
        self.is_valid = False
        self.read_time_ms = 0.0
        self._reader = self._open()

    def read(self) -> NDArray[Any] | None:
        if self._process != os.getpid():
            return self._read_in_child()
        reader = self._reader
        if reader is None:
            reader = self._reader = self._open()
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

    @property
    def payload_name(self) -> str | None:
        return None if self._reader is None else self._reader.payload_name

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _open(self) -> Reader | None:
        try:
            return Reader(self._name, dir=self._dir)
        except NotFound:
            return None

    def _read_in_child(self) -> NDArray[Any] | None:
        """The handle is the parent's: this process takes one of its own, and goes on where the parent was at the
        fork.
        """
        seen = self._seq
        self._process = os.getpid()
        self._hold = Hold()
        self._reader = self._open()
        array = self.read()
        return None if self._seq == seen else array
