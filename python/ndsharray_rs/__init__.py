"""Share NumPy arrays between processes through shared memory: zero-copy, and never torn."""

from __future__ import annotations

from . import errors
from ._info import Info
from ._native import ArrayGuard, Loan, Reader, Sample, SharedArray, Writer, remove, remove_array
from .errors import *  # noqa: F403

__all__ = ["ArrayGuard", "Info", "Loan", "Reader", "Sample", "SharedArray", "Writer", "errors", "remove", "remove_array"]
__all__ += errors.__all__
