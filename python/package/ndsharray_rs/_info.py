"""What a reader's copies come with."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Info(NamedTuple):
    """A value that has been copied out; see `Reader.read_into`."""

    array: np.ndarray[Any, Any]
    """The copy: `out`, or a new array."""
    seq: int
    """The value's sequence number."""
    missed: int
    """Values that were published and not seen since this reader's last read; at its first read, since it was opened."""
    age: float
    """Seconds between the value's publication and the end of the copy."""
