"""The element types that every end of ndsharray knows."""

from __future__ import annotations

from typing import Any

import numpy as np

supported_types: list[type[Any]] = [
    np.int8,
    np.int16,
    np.int32,
    np.int64,
    np.uint8,
    np.uint16,
    np.uint32,
    np.uint64,
    np.float16,
    np.float32,
    np.float64,
    np.complex64,
    np.complex128,
    bool,
]
"""The types that `NdShArray.write` takes over either wire, in the order of ndsharray 1.1.4.

The native wire also takes `numpy.longdouble`, `numpy.clongdouble` and `ml_dtypes.bfloat16`.
"""
