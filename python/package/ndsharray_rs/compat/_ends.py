"""What an `NdShArray` needs of the two ends of whatever carries its arrays."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray


class WritingEnd(Protocol):
    """Publishes arrays under a name."""

    def write(self, array: NDArray[Any]) -> None:
        """Publish a copy."""

    @property
    def payload_name(self) -> str | None:
        """The file of the current value."""

    def close(self) -> None:
        """Give the channel back."""


class ReadingEnd(Protocol):
    """Sees the latest array under a name. There may be nothing of that name yet, or any more."""

    is_valid: bool
    """Whether the last read found a channel with a value, new or not."""

    read_time_ms: float
    """Age of the value read last, at its reading."""

    def read(self) -> NDArray[Any] | None:
        """The current array if it is newer than the last one read. Not writable, and never changed by anybody."""

    @property
    def payload_name(self) -> str | None:
        """The file of the value read last."""

    def close(self) -> None:
        """Let go of the channel."""
