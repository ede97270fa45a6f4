"""Arrays with missing elements: masked ones, nulls."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

# Types without nulls.
_PLAIN = frozenset((np.ndarray, list, tuple, range, memoryview, bytes))


def check(given: Any) -> None:
    """Raise a `TypeError` if elements of `given` are masked or null.

    NumPy drops the mask and takes the bytes under it for values. It makes NaN of a null. Neither is
    what the program means.
    """
    masks = sys.modules.get("numpy.ma")
    if masks is not None and _is_masked(given, masks):
        raise TypeError(
            "elements of the array are masked, and a mask cannot be shared: fill them first, as by array.filled(-1)"
        )
    nulls = 0 if type(given) in _PLAIN else _nulls(given)
    if nulls:
        raise TypeError(
            f"{nulls} elements of the {type(given).__name__} are null, which no array has: fill them first, as by "
            "fill_null(0) (pyarrow, polars) or fillna(0) (pandas)"
        )


def _is_masked(given: Any, masks: Any) -> bool:
    """Return whether `given` is an array with masked elements, or contains one."""
    if isinstance(given, masks.MaskedArray):
        mask = masks.getmaskarray(given)
        return bool((mask if mask.dtype.names is None else masks.flatten_mask(mask)).any())
    if isinstance(given, (list, tuple)):
        return any(_is_masked(part, masks) for part in given)
    return False


def _nulls(given: Any) -> int:
    """Count the null elements of arrays of pyarrow, polars and pandas."""
    package = type(given).__module__.partition(".")[0]
    if package == "pyarrow":
        if hasattr(given, "itercolumns"):
            return sum(column.null_count for column in given.itercolumns())
        # An array, or a scalar.
        return int(getattr(given, "null_count", getattr(given, "is_valid", True) is False))
    if package == "polars":
        nulls = given.null_count() if hasattr(given, "null_count") else 0
        # The null count of a table is a table of one row.
        return nulls if isinstance(nulls, int) else sum(nulls.row(0))
    if package == "pandas":
        columns = [column for _, column in given.items()] if hasattr(given, "dtypes") and given.ndim > 1 else [given]
        return sum(int(column.isna().sum()) for column in columns if _knows_nulls(column))
    return 0


def _knows_nulls(column: Any) -> bool:
    """Return whether a column of pandas has another sign for missing elements than NaN."""
    missing = getattr(getattr(column, "dtype", None), "na_value", None)
    return missing is not None and not isinstance(missing, float)
