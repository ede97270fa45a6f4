"""The two ends of a name, whatever carries its arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

from .._native import Reader, WireReader, WireWriter, Writer

AnyReader = TypeVar("AnyReader", Reader, WireReader)


class WritingEnd(ABC):
    """Publishes arrays under a name."""

    def __init__(self, writer: Writer | WireWriter) -> None:
        self._writer = writer

    @abstractmethod
    def write(self, array: NDArray[Any]) -> None:
        """Publish a copy."""

    @property
    def payload_name(self) -> str | None:
        """The file of the current value."""
        return self._writer.payload_name

    def close(self) -> None:
        """Close the channel."""
        self._writer.close()


class ReadingEnd(ABC, Generic[AnyReader]):
    """Sees the latest array under a name, as soon as there is a channel."""

    is_valid: bool
    """Whether the last read found a channel with a value, new or not."""

    read_time_ms: float
    """Age of the value read last, when it was read."""

    def __init__(self, name: str, *, dir: str | None) -> None:
        self._name = name
        self._dir = dir
        self.is_valid = False
        self.read_time_ms = 0.0
        self._reader: AnyReader | None = self._open()

    @abstractmethod
    def _open(self) -> AnyReader | None:
        """Open the channel, if there is one."""

    def _opened(self) -> AnyReader | None:
        """Return the reader, if there is a channel by now."""
        if self._reader is None:
            self._reader = self._open()
        return self._reader

    @abstractmethod
    def read(self) -> NDArray[Any] | None:
        """Return the current array if it is newer than the last one read.

        The array is not writable, and never changes.
        """

    @property
    def payload_name(self) -> str | None:
        """The file of the value read last."""
        return None if self._reader is None else self._reader.payload_name

    def close(self) -> None:
        """Release the channel."""
        if self._reader is not None:
            self._reader.close()
