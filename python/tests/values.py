"""What tests ask of values, whatever their dtype."""

from __future__ import annotations

from typing import Any

import ndsharray_rs as nd


def news(reader: nd.Reader) -> nd.Sample:
    """Read a value that must be there."""
    sample = reader.read()
    assert sample is not None
    return sample


def equal(a: Any, b: Any) -> bool:
    """Tell whether dtype, shape and each byte are the same."""
    return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
