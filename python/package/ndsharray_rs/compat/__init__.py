"""Drop-ins for the packages ndsharray, shared-ndarray2 and SharedArray.

A program that uses one of them changes its import, and nothing else::

    import ndsharray_rs.compat as ndsharray
    from ndsharray_rs.compat import NdShArray, supported_types
    from ndsharray_rs.compat import SharedNDArray
    import ndsharray_rs.compat.SharedArray as sa

The classes' docs list the differences behind the same signatures, with their reasons.
"""

from ._leftovers import remove, remove_leftovers
from ._types import supported_types
from .ndsharray import NdShArray
from .shared_ndarray import VALID_SHARED_TYPES, ShareableT, SharedNDArray

__all__ = [
    "VALID_SHARED_TYPES",
    "NdShArray",
    "ShareableT",
    "SharedNDArray",
    "remove",
    "remove_leftovers",
    "supported_types",
]
