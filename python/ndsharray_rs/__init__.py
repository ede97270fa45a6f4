"""Share NumPy arrays between processes through shared memory: zero-copy, and never torn."""

from __future__ import annotations

from . import errors
from ._native import Reader, Sample, Writer, remove
from .errors import *  # noqa: F403

__all__ = ["Reader", "Sample", "Writer", "errors", "remove"]
__all__ += errors.__all__
