"""A reader's copies, and their numbers."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np


class Info(NamedTuple):
    """A value that has been copied out; see `Reader.read_into`."""

    array: np.ndarray[Any, Any]
    """The copy: `out`, or a new array."""
    seq: int
    """The value's sequence number."""
    missed: int
    """Values that the reader missed since its last read. The first counts from its opening."""
    age: float
    """Seconds between the value's publication and the end of the copy."""
    attributes: bytes = b""
    """The bytes that the writer has given the value."""


make = functools.partial(tuple.__new__, Info)
"""Makes an `Info` of a tuple, without running Python code."""
